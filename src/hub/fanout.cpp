// SPDX-License-Identifier: BSD-2-Clause
// Hub: from an envelope to the sockets it means. Cost is in the sockets it reaches, never
// in those that are idle; the frame is made when the first target is found, once.
#include "base/prefetch.hpp"
#include "hub/frames.hpp"
#include "hub/hub.hpp"
#include "hub/trace.hpp"

#include <algorithm>

namespace rt::hub {

namespace {

// Calls visit(Socket &) for each socket of a room, which may be a socket's own id.
template <class Visitor> void each_in(Namespace &nsp, Text room, Visitor visit) {
    if (room.size() == kIdLength) {
        if (Socket *socket = nsp.find(room); socket != nullptr) {
            visit(*socket);
        }
    }
    if (Room *found = nsp.rooms.find(room); found != nullptr) {
        for (const Room::Member &member : found->members) {
            visit(*member.socket);
        }
    }
}

bool stands_in(const Socket &socket, Text room) {
    return room == socket.id_text() ||
           std::any_of(socket.memberships.begin(), socket.memberships.end(),
                       [&](const Membership &membership) { return membership.room->name == room; });
}

bool means(const Envelope &envelope, const Socket &socket) {
    const auto in = [&](Text room) { return stands_in(socket, room); };
    return (envelope.to.empty() || std::any_of(envelope.to.begin(), envelope.to.end(), in)) &&
           std::none_of(envelope.except.begin(), envelope.except.end(), in);
}

// A send takes long enough for the next targets to come from memory meanwhile, step by step:
// each step's address stands in what the step before it brought.
[[gnu::always_inline]] inline void fetch_ahead(const std::vector<Socket *> &targets, std::size_t i) noexcept {
    const auto left = targets.size() - i;
    if (left > 3) {
        prefetch(targets[i + 3]);
        targets[i + 2]->connection.session().prefetch();
        targets[i + 1]->connection.session().prefetch_port();
    }
}

} // namespace

void Hub::on_envelope(const Envelope &envelope, Position end, Millis now) {
    if (is_note(envelope.op)) {
        return;
    }
    if (burst_.takes(envelope)) {
        trace_targets(envelope);
        burst_.add(envelope, offset_of(envelope, end));
        return;
    }
    on_pause(false, now);
    targets_.clear();
    if (Namespace *nsp = known_namespace(envelope.nsp); nsp != nullptr && nsp->size() > 0) {
        collect(*nsp, envelope);
    }
    if (envelope.asker) {
        ports_.replies.asked(envelope.asker, ask(envelope, end, now));
    } else if (!targets_.empty()) {
        trace_targets(envelope);
        begin(envelope, end, now);
    }
}

// What suits waits for others like it.
void Hub::begin(const Envelope &envelope, Position end, Millis now) {
    if (Burst::suits(envelope)) {
        burst_.begin(envelope, offset_of(envelope, end));
    } else {
        deliver(envelope, end, now);
    }
}

void Hub::on_pause(bool last, Millis now) {
    if (burst_.empty()) {
        return;
    }
    const Ref<wire::Frame> frame = burst_.take();
    if (last) {
        finish_targets(frame, now);
    } else {
        send_to_targets(frame, engine::Delivery::reliable, now);
    }
}

void Hub::replay(Connection &connection, const Envelope &envelope, Position end, Millis now) {
    if (is_note(envelope.op)) {
        return;
    }
    targets_.clear();
    for (const Handle handle : connection.sockets()) {
        Socket *socket = sockets_.find(handle);
        if (socket->nsp.name() == envelope.nsp && means(envelope, *socket)) {
            targets_.push_back(socket);
        }
    }
    if (!envelope.asker) {
        applying_ = end;
        deliver(envelope, end, now);
        applying_ = 0;
        return;
    }
    for (const Text sid : ask(envelope, end, now)) {
        ports_.replies.arrived(envelope.asker, sid);
    }
}

// Where nobody can be met twice the sockets are not even touched. False: they may be.
bool Hub::collect_plain(const Namespace &nsp, std::span<const Text> to) {
    if (to.empty()) {
        targets_ = nsp.sockets;
        return true;
    }
    if (to.size() > 1 || to.front().size() == kIdLength) {
        return false;
    }
    if (const Room *room = nsp.rooms.find(to.front()); room != nullptr) {
        for (const Room::Member &member : room->members) {
            targets_.push_back(member.socket);
        }
    }
    return true;
}

// A mark says that the socket was met in this fan-out: excluded, or taken already through
// another room. Collected first, because delivery may end sockets.
void Hub::collect(Namespace &nsp, const Envelope &envelope) {
    if (envelope.except.empty() && collect_plain(nsp, envelope.to)) {
        return;
    }
    ++mark_;
    for (const Text room : envelope.except) {
        each_in(nsp, room, [&](Socket &socket) { socket.mark = mark_; });
    }
    const auto take = [&](Socket &socket) {
        if (socket.mark != mark_) {
            socket.mark = mark_;
            targets_.push_back(&socket);
        }
    };
    if (envelope.to.empty()) {
        std::ranges::for_each(nsp.sockets, [&](Socket *socket) { take(*socket); });
        return;
    }
    for (const Text room : envelope.to) {
        each_in(nsp, room, take);
    }
}

void Hub::trace_targets(const Envelope &envelope) {
    if (ports_.log.enabled(Level::debug)) {
        trace(ports_.log, {"adapter: to sockets of ", envelope.nsp, ": ", std::to_string(targets_.size())});
    }
}

std::string Hub::offset_of(const Envelope &envelope, Position end) const {
    return recovers() && carries_offset(envelope) ? offsets_.text(end) : std::string();
}

void Hub::deliver(const Envelope &envelope, Position end, Millis now) {
    if (targets_.empty()) {
        return;
    }
    if (envelope.op == Op::emit) {
        const auto delivery = envelope.is_volatile ? engine::Delivery::volatile_ : engine::Delivery::reliable;
        send_to_targets(event_frame(envelope, {}, offset_of(envelope, end)), delivery, now);
        return;
    }
    for (Socket *socket : targets_) {
        apply(envelope, *socket, now);
    }
}

// Each target stands in another connection, and ending one ends no other: the pointers hold.
void Hub::send_to_targets(const Ref<wire::Frame> &frame, engine::Delivery delivery, Millis now) {
    for (Socket *socket : targets_) {
        send(*socket, frame, delivery, now);
    }
}

// The common case of a broadcast: each session is touched once, and neither queued nor counted
// by itself.
void Hub::finish_targets(const Ref<wire::Frame> &frame, Millis now) {
    std::int64_t sent = 0;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        fetch_ahead(targets_, i);
        Socket &socket = *targets_[i];
        if (socket.held != nullptr) {
            send(socket, frame, engine::Delivery::reliable, now);
        } else {
            sent += socket.connection.session().send_last(frame, now) ? 1 : 0;
        }
    }
    metrics().add(Metric::events_out, sent * frame->packets());
}

void Hub::apply(const Envelope &envelope, Socket &socket, Millis now) {
    if (envelope.op == Op::disconnect) {
        put_out(socket, envelope.close, now);
        return;
    }
    for (const Text room : envelope.rooms) {
        if (envelope.op == Op::join) {
            static_cast<void>(join(socket, room)); // refusals are counted there
        } else {
            leave(socket, room);
        }
    }
}

void Hub::on_lapped(Millis now) {
    on_pause(false, now);
    metrics().count(Metric::lapped);
    ports_.log.write(Level::error, "the log overran this worker, its clients are closed to reconnect");
    close_all(engine::CloseReason::transport_close, now);
}

} // namespace rt::hub
