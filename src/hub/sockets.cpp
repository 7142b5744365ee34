// SPDX-License-Identifier: BSD-2-Clause
// Hub: what happens to one socket between its CONNECT and its end.
#include "hub/hub.hpp"
#include "hub/trace.hpp"

#include <algorithm>

namespace rt::hub {

Result<void> Hub::join(Socket &socket, Text room) {
    if (room == socket.id_text()) {
        return {}; // everybody is in the room of their own id
    }
    if (const Room *known = socket.nsp.rooms.find(room); known != nullptr && Rooms::is_in(socket, *known)) {
        return {};
    }
    std::size_t rooms = 0;
    for (const Handle handle : socket.connection.sockets()) {
        const Socket &each = *sockets_.find(handle);
        const std::size_t own = each.user.empty() ? 0 : 1; // the room of its user
        rooms += std::max(each.memberships.size(), own) - own;
    }
    if (rooms >= socket.connection.session().settings().limits.rooms) {
        metrics().count(Metric::refused_rooms);
        return {Code::full, "too many rooms"};
    }
    socket.nsp.rooms.join(socket, room);
    if (const Result<std::uint32_t> known = ports_.directory.join(socket.record, room); !known) {
        metrics().count(Metric::refused_zone_full);
        socket.nsp.rooms.leave(socket, room);
        return known.error();
    }
    note(socket, Op::joined, room);
    return {};
}

// The room of its user. It is outside of realtime_limits, since the client does not choose it.
// False: the user has as many connections as realtime_max_sockets allows.
bool Hub::join_user(Socket &socket) {
    const std::string room = "user:" + socket.user;
    socket.nsp.rooms.join(socket, room);
    const Result<std::uint32_t> members = ports_.directory.join(socket.record, room);
    const std::uint64_t most = socket.connection.session().settings().max_per_user;
    if (members && most != 0 && *members > most) {
        metrics().count(Metric::refused_sessions);
        return false;
    }
    return true;
}

void Hub::leave(Socket &socket, Text room) {
    const Room *known = socket.nsp.rooms.find(room);
    if (known == nullptr || !Rooms::is_in(socket, *known)) {
        return;
    }
    note(socket, Op::left, room); // first: a kill in between must not hide what it still got
    socket.nsp.rooms.leave(socket, room);
    ports_.directory.leave(socket.record, room);
}

// So that whoever replays the log knows which rooms the socket was in, and when.
void Hub::note(const Socket &socket, Op op, Text room) {
    if (!recovers()) {
        return;
    }
    Envelope envelope;
    envelope.op = op;
    envelope.nsp = socket.nsp.name();
    envelope.to = {socket.id_text()};
    envelope.rooms = {room};
    envelope.since = applying_ != 0 ? applying_ : ports_.bus.cursor();
    ports_.bus.note(envelope);
}

// Whatever is sent may end the session, if its buffer is full, and then no socket is left.
void Hub::put_out(Socket &socket, bool connection, Millis now) {
    Connection &owner = socket.connection;
    if (!connection) {
        put_out_one(socket, now);
        return;
    }
    // As the reference: a DISCONNECT for every namespace, then the transport.
    const std::vector<Handle> all = owner.sockets();
    for (const Handle handle : all) {
        if (const Socket *each = sockets_.find(handle); each != nullptr) {
            owner.client().put_out(each->nsp.name(), now);
        }
    }
    owner.session().close(engine::CloseReason::forced_server_close, now);
}

// A CONNECT that was not answered yet is refused: the client must not wait for ever.
void Hub::put_out_one(Socket &socket, Millis now) {
    engine::Client &client = socket.connection.client();
    const Handle self = socket.self;
    const std::string nsp(socket.nsp.name());
    if (!socket.connected) {
        drop(socket, {}, now);
        client.refuse(nsp, "{\"message\":\"Disconnected by the server\"}", now);
        return;
    }
    client.put_out(nsp, now);
    if (sockets_.find(self) != nullptr) {
        drop(socket, "server namespace disconnect", now);
    }
}

void Hub::run_disconnect(Socket &socket, Text reason, Millis now) {
    if (!socket.connected) {
        return;
    }
    socket.connected = false;
    trace(ports_.log, {"socket: ", socket.id_text(), " left ", socket.nsp.name(), ": ", reason});
    Scope scope = scope_of(socket);
    scope.close_reason = reason;
    start({socket.nsp.settings().disconnect, Place::disconnect, {}, {}}, scope, now);
}

void Hub::drop(Socket &socket, Text reason, Millis now) {
    run_disconnect(socket, reason, now);
    ports_.directory.remove_socket(socket.record);
    forget(socket);
}

// Its client knows the pid once its CONNECT is answered, or from before.
void Hub::lose(Socket &socket, Text reason, Millis now) {
    const bool known = socket.connected || (socket.held != nullptr && socket.held->recovered);
    run_disconnect(socket, reason, now);
    if (!known || !keep(socket.record, now)) {
        ports_.directory.remove_socket(socket.record);
    }
    forget(socket);
}

bool Hub::keep(RecordRef socket, Millis now) {
    if (!recovers()) {
        return false;
    }
    const Result<void> kept = ports_.directory.keep(socket, now + settings_.recovery);
    metrics().add(Metric::kept_refused, kept || kept.code() == Code::gone ? 0 : 1);
    return static_cast<bool>(kept);
}

// Its namespace may have gone with a reload since: then no rule is left to run.
void Hub::mourn(const LostSocket &lost, Millis now) {
    Namespace *nsp = namespace_for(lost.nsp);
    if (nsp == nullptr) {
        return;
    }
    trace(ports_.log, {"socket: ", lost.id, " left ", lost.nsp, ": its worker died"});
    Scope scope = scope_in(*nsp);
    scope.sid = lost.id;
    scope.user = lost.user;
    scope.transport = engine::transport_name(lost.transport);
    scope.auth = lost.auth;
    scope.close_reason = engine::reason_text(engine::CloseReason::transport_close);
    const std::string captured = captured_values(captured_names_, lost.captured);
    scope.captured = captured;
    start({nsp->settings().disconnect, Place::disconnect, {}, {}}, scope, now);
    empty_namespace_ = true; // perhaps
}

bool Hub::send(Socket &socket, const Ref<wire::Frame> &frame, engine::Delivery delivery, Millis now) {
    if (socket.held != nullptr && delivery == engine::Delivery::volatile_) {
        metrics().count(Metric::dropped_volatile);
        return false;
    }
    if (socket.held != nullptr) {
        socket.held->bytes += frame->size();
        if (socket.held->bytes > socket.connection.session().settings().send_buffer) {
            socket.connection.session().close(engine::CloseReason::slow_client, now);
            return false;
        }
        socket.held->frames.push_back(frame);
        return true;
    }
    const bool queued = socket.connection.client().send(frame, delivery, now);
    if (queued || delivery == engine::Delivery::volatile_) {
        metrics().add(queued ? Metric::events_out : Metric::dropped_volatile, frame->packets());
    }
    return queued;
}

Scope Hub::scope_in(const Namespace &nsp) const {
    Scope scope;
    scope.app = settings_.name;
    scope.nsp = nsp.name();
    scope.worker = names_.worker;
    scope.node = names_.node;
    scope.nsp_matched = nsp.matched();
    return scope;
}

Scope Hub::scope_of(const Socket &socket) const {
    Scope scope = scope_in(socket.nsp);
    scope.sid = socket.id_text();
    scope.user = socket.user;
    scope.transport = engine::transport_name(socket.connection.transport());
    scope.auth = socket.auth != nullptr ? Text(*socket.auth) : Text();
    scope.captured = socket.connection.captured();
    return scope;
}

} // namespace rt::hub
