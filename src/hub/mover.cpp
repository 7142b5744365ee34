// SPDX-License-Identifier: BSD-2-Clause
// Hub: a connection as a value (decisions.md, idea 3). All that refers to configuration
// travels by name and is looked up again; roster records stay where they are.
#include "hub/hub.hpp"

#include <algorithm>
#include <utility>

namespace rt::hub {

namespace {

constexpr std::size_t kLeastText = 4;    // what an empty text costs in the image
constexpr std::size_t kLeastSocket = 30; // nsp, id, record, user: at least

} // namespace

void Hub::freeze(Connection &connection, Writer &out, Millis now) {
    out.put(static_cast<std::uint8_t>(connection.kind()));
    out.put(connection.session().settings());
    out.put_text(connection.session().sid());
    out.put(connection.record());
    out.put_text(connection.captured());
    connection.session().freeze(out, now);
    connection.client().freeze(out, now);
    out.put(static_cast<std::uint32_t>(connection.sockets().size()));
    for (const Handle handle : connection.sockets()) {
        freeze_socket(*sockets_.find(handle), out);
    }
    metrics().count(Metric::moves_out);
    release(connection);
}

void Hub::freeze_socket(const Socket &socket, Writer &out) const {
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

Result<Connection *> Hub::thaw(Reader &in, Millis now) {
    const auto kind = static_cast<ConnectionKind>(in.get<std::uint8_t>());
    const engine::SessionSettings &settings = intern(in.get<engine::SessionSettings>());
    const Text sid = in.get_text();
    const auto record = in.get<RecordRef>();
    std::string captured(in.get_text());
    if (!in.ok()) {
        return {Code::protocol, "session image: head"};
    }
    const Handle handle =
        connections_.emplace(*this, Connection::Origin{kind, settings, sid, record, std::move(captured)});
    Connection &connection = *connections_.find(handle);
    connection.self = handle;
    by_sid_.insert(connection);
    count_transport(connection.transport(), 1);
    if (Result<void> done = thaw_sockets(connection, in, now); !done) {
        connection.session().close(engine::CloseReason::transport_error, now);
        return done.error();
    }
    ports_.directory.settle(record);
    metrics().count(Metric::moves_in);
    return &connection;
}

Result<void> Hub::thaw_sockets(Connection &connection, Reader &in, Millis now) {
    if (!connection.session().thaw(in, now)) {
        return {Code::protocol, "session image: session"};
    }
    RT_TRY(members, connection.client().thaw(in, now));
    const std::uint32_t count = in.get_count(kLeastSocket);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (Result<void> done = thaw_socket(connection, in); !done) {
            return done;
        }
    }
    const auto joined =
        std::count_if(members.begin(), members.end(), [](const auto &member) { return member.joined; });
    if (!in.ok() || joined != static_cast<std::ptrdiff_t>(count)) {
        return {Code::protocol, "session image: sockets"};
    }
    return {};
}

Result<void> Hub::thaw_socket(Connection &connection, Reader &in) {
    const Text name = in.get_text();
    const auto id = in.get<SocketId>();
    Namespace *nsp = namespace_for(name);
    if (nsp == nullptr) {
        return {Code::not_found, "session image: a namespace is no longer configured"};
    }
    Socket &socket = place_socket(connection, *nsp, id);
    socket.record = in.get<RecordRef>();
    socket.user = in.get_text();
    const bool has_auth = in.get<std::uint8_t>() != 0;
    const Text auth = in.get_text();
    if (has_auth) {
        socket.auth = std::make_unique<std::string>(auth);
    }
    socket.connected = true;
    const std::uint32_t rooms = in.get_count(kLeastText);
    for (std::uint32_t i = 0; i < rooms; ++i) {
        nsp->rooms.join(socket, in.get_text());
    }
    connection.client().adopt(nsp->name(), socket.self);
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
