// SPDX-License-Identifier: BSD-2-Clause
// Hub: a connection as a value (decisions.md, idea 3). All that refers to configuration
// travels by name and is looked up again; roster records stay where they are.
#include "hub/hub.hpp"

#include <algorithm>
#include <utility>

namespace rt::hub {

namespace {

constexpr std::size_t kLeastSid = 20;    // a session's secret, and the index's key
constexpr std::size_t kLeastText = 4;    // what an empty text costs in the image
constexpr std::size_t kLeastSocket = 49; // nsp, id, record, user, auth, rooms, acks: at least

} // namespace

void Hub::freeze(Connection &connection, Writer &out, Millis now) {
    out.put(connection.kind());
    out.put(connection.transport());
    engine::freeze_settings(out, connection.session().settings());
    out.put_text(connection.session().sid());
    out.put(connection.record());
    out.put_text(captured_names_);
    out.put_text(connection.captured());
    connection.session().freeze(out, now);
    connection.client().freeze(out, now);
    out.put(static_cast<std::uint32_t>(connection.sockets().size()));
    for (const Handle handle : connection.sockets()) {
        freeze_socket(*sockets_.find(handle), out, now);
    }
    metrics().count(Metric::moves_out);
    release(connection);
}

void Hub::freeze_socket(const Socket &socket, Writer &out, Millis now) const {
    out.put_text(socket.nsp.name());
    out.put(socket.id);
    out.put(socket.record);
    out.put_text(socket.user);
    out.put(static_cast<std::uint8_t>(socket.auth != nullptr));
    out.put_text(socket.auth != nullptr ? Text(*socket.auth) : Text());
    out.put(static_cast<std::uint32_t>(socket.memberships.size()));
    for (const Membership &membership : socket.memberships) {
        out.put_text(membership.room->name);
    }
    socket.pending_acks.freeze(out, now);
}

// Gone from this worker, alive elsewhere: no chain runs, the roster keeps the records.
void Hub::release(Connection &connection) {
    connection.client().stop();
    while (!connection.sockets().empty()) {
        forget(*sockets_.find(connection.sockets().back()));
    }
    connection.forget_record();
    by_sid_.erase(connection); // it may come back before this object is destroyed
    on_finished(connection);
}

Result<Connection *> Hub::thaw(Reader &in, Millis now, const Papers *papers) {
    const auto kind = in.get<ConnectionKind>();
    const auto transport = in.get<engine::TransportKind>();
    RT_TRY(settings, engine::thaw_settings(in));
    const Text sid = in.get_text();
    const auto old_record = in.get<RecordRef>();
    const RecordRef record = papers != nullptr ? papers->connection : old_record;
    const Text names = in.get_text();
    const Captures captures{names, in.get_text()};
    const bool known = kind <= ConnectionKind::echo && transport <= engine::TransportKind::websocket;
    if (!in.ok() || !known || sid.size() < kLeastSid || find(sid) != nullptr) {
        return {Code::protocol, "session image: head"};
    }
    const Handle handle = connections_.emplace(
        *this, Connection::Origin{kind, intern(settings), sid, record,
                                  captured_values(captured_names_, captures), transport});
    Connection &connection = *connections_.find(handle);
    connection.self = handle;
    by_sid_.insert(connection);
    count_transport(connection.transport(), 1);
    if (Result<void> done = thaw_sockets({connection, papers}, in, now); !done) {
        connection.session().close(engine::CloseReason::transport_error, now);
        return done.error();
    }
    ports_.directory.settle(record);
    metrics().count(Metric::moves_in);
    return &connection;
}

Result<void> Hub::thaw_sockets(const Arrival &arrival, Reader &in, Millis now) {
    Connection &connection = arrival.connection;
    if (!connection.session().thaw(in, now)) {
        return {Code::protocol, "session image: session"};
    }
    RT_TRY(members, connection.client().thaw(in, now));
    const std::uint32_t count = in.get_count(kLeastSocket);
    Result<void> all;
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
        if (Result<void> done = thaw_socket(arrival, in, now); !done) {
            all = done; // the others still want their disconnect { }
        }
    }
    const auto joined =
        std::count_if(members.begin(), members.end(), [](const auto &member) { return member.joined; });
    if (!in.ok() || joined != static_cast<std::ptrdiff_t>(count)) {
        return {Code::protocol, "session image: sockets"};
    }
    return all;
}

Result<void> Hub::thaw_socket(const Arrival &arrival, Reader &in, Millis now) {
    const Text name = in.get_text();
    const auto id = in.get<SocketId>();
    const auto old_record = in.get<RecordRef>();
    const Text user = in.get_text();
    const bool has_auth = in.get<bool>();
    const Text auth = in.get_text();
    std::vector<Text> rooms;
    for (std::uint32_t count = in.get_count(kLeastText); count > 0; --count) {
        rooms.push_back(in.get_text());
    }
    Namespace *nsp = in.ok() ? namespace_for(name) : nullptr;
    if (nsp == nullptr || nsp->find({id.data(), id.size()}) != nullptr) {
        PendingAcks().thaw(in, now);
        return {Code::not_found, "session image: a namespace is no longer configured"};
    }
    Socket &socket = place_socket(arrival.connection, *nsp, id);
    socket.record = arrival.papers != nullptr ? arrival.papers->of(socket.id_text()) : old_record;
    socket.user = user;
    if (has_auth) {
        socket.auth = std::make_unique<std::string>(auth);
    }
    socket.connected = true;
    for (const Text room : rooms) {
        nsp->rooms.join(socket, room);
        if (arrival.papers != nullptr) {
            static_cast<void>(ports_.directory.join(socket.record, room));
        }
    }
    thaw_acks(socket, arrival.papers, in, now);
    arrival.connection.client().adopt(nsp->name(), socket.self);
    return {};
}

const engine::SessionSettings &Hub::intern(const engine::SessionSettings &settings) {
    for (const auto &known : interned_) {
        if (*known == settings) {
            return *known;
        }
    }
    interned_.push_back(std::make_unique<engine::SessionSettings>(settings));
    return *interned_.back();
}

} // namespace rt::hub
