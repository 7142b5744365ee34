// SPDX-License-Identifier: BSD-2-Clause
// Hub: events whose acks somebody waits for. The ack id is the position of the envelope's end in
// the log: one for the whole host, below 2^53, so one frame serves all sockets of a worker and a
// socket that moves keeps it. One from another host may owe an ack of the same id there: it gets
// the next, which is no position.
#include "hub/frames.hpp"
#include "hub/hub.hpp"
#include "wire/sio.hpp"

namespace rt::hub {

namespace sio = wire::sio;

namespace {

// `common` has the id `end`.
Ref<wire::Frame> with_id(const Ref<wire::Frame> &common, const Envelope &envelope, Position end,
                         Position id) {
    return id == end ? common : event_frame(envelope, id, {});
}

} // namespace

// All targets get the event. Whom it asked is valid until the next event.
std::span<const Text> Hub::ask(const Envelope &envelope, Position end, Millis now) {
    asked_.clear();
    if (targets_.empty()) {
        return asked_;
    }
    const auto delivery = envelope.is_volatile ? engine::Delivery::volatile_ : engine::Delivery::reliable;
    const Ref<wire::Frame> question = event_frame(envelope, end, {});
    Ref<wire::Frame> plain; // without an id, for those who owe too many already
    for (Socket *socket : targets_) {
        const std::optional<Position> id = remember(*socket, {end, envelope.asker}, now);
        if (!id) {
            plain =
                plain ? plain : event_frame(envelope, {}, recovers() ? offsets_.text(end) : std::string());
            send(*socket, plain, delivery, now);
            continue;
        }
        asked_.push_back(socket->id_text());
        if (!send(*socket, with_id(question, envelope, end, *id), delivery, now)) {
            socket->pending_acks.drop_last(); // it ended, but is destroyed by reap() only
        }
    }
    return asked_;
}

// The id of the ack. None: the connection owes as many as realtime_limits acks= allows.
std::optional<Position> Hub::remember(Socket &socket, PendingAck ack, Millis now) {
    const auto owed = [&](auto count) {
        std::size_t sum = 0;
        for (const Handle handle : socket.connection.sockets()) {
            sum += count(sockets_.find(handle)->pending_acks);
        }
        return sum;
    };
    const std::size_t most = socket.connection.session().settings().limits.acks;
    const bool full = owed([](const PendingAcks &acks) { return acks.size(); }) >= most &&
                      owed([&](PendingAcks &acks) { return acks.count(now); }) >= most;
    const std::optional<Position> id = full ? std::nullopt : socket.pending_acks.free_id(ack.id);
    if (!id) {
        metrics().count(Metric::refused_acks);
        return std::nullopt;
    }
    ack.id = *id;
    ack.deadline = now + ack.asker.timeout;
    socket.pending_acks.add(ack, now);
    return id;
}

// An id that nobody waits for, or no more, is ignored.
void Hub::on_ack(Handle handle, const sio::Packet &packet, std::span<const Bytes> attachments, Millis now) {
    metrics().count(Metric::acks_in);
    Socket *socket = sockets_.find(handle);
    if (socket == nullptr || !packet.id) {
        return;
    }
    const std::optional<AskerId> asker = socket->pending_acks.take(*packet.id, now);
    if (!asker) {
        return;
    }
    const Payload args{std::string(packet.data.empty() ? Text("[]") : packet.data),
                       {attachments.begin(), attachments.end()}};
    ports_.replies.answered(*asker, socket->id_text(), args);
}

// It goes to another host, and may answer from there: the end of this worker is not its end.
void Hub::tell_departed(const Connection &connection) {
    for (const Handle handle : connection.sockets()) {
        const Socket &socket = *sockets_.find(handle);
        socket.pending_acks.each(
            [&](const PendingAck &ack) { ports_.replies.departed(ack.asker, socket.id_text()); });
    }
}

// The askers learn where the socket is now: the end of its former worker is no longer its end.
void Hub::thaw_acks(Socket &socket, const Papers *papers, Reader &in, Millis now) {
    socket.pending_acks.thaw(in, now);
    if (papers != nullptr) {
        socket.pending_acks.change_askers([&](AskerId &asker) {
            asker.host = asker.abroad() ? asker.host : papers->from;
            asker.host = asker.host == papers->here ? std::array<char, 4>{} : asker.host;
        });
    }
    socket.pending_acks.each(
        [&](const PendingAck &ack) { ports_.replies.arrived(ack.asker, socket.id_text()); });
}

} // namespace rt::hub
