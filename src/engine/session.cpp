// SPDX-License-Identifier: BSD-2-Clause
#include "engine/session.hpp"

#include "base/utf8.hpp"
#include "wire/eio.hpp"
#include "wire/eio_http.hpp"

#include <algorithm>
#include <utility>

namespace rt::engine {

namespace eio = wire::eio;

namespace {

constexpr Millis kLinger = 30000;   // how long a closed polling session waits for its last GET
constexpr Millis kLastMoment = 300; // the same at a full stop, when only GETs under way can come
constexpr Millis kLate = 100;       // what a late timer may take off the time for a pong

constexpr Answer kOk{200, BodyKind::ok, "ok"};
constexpr Answer kBad{400, BodyKind::empty, ""};

} // namespace

void Turn::add(Session &session) {
    Link<OutputTag> &link = session;
    if (link.linked()) {
        return;
    }
    if (output_.empty()) {
        arm();
    }
    output_.push_back(session);
}

void Turn::flush(Millis now) {
    while (!output_.empty()) {
        Session &session = output_.front();
        static_cast<Link<OutputTag> &>(session).unlink();
        session.flush(now);
    }
}

Session::Session(const SessionPorts &ports, SessionEvents &events, const SessionSettings &settings, Text sid)
    : settings_(settings), ports_(ports), events_(events), sid_(sid) {}

void Session::start_polling(Millis now) { ports_.deadlines.start(*this, now, settings_.ping_interval); }

void Session::start_websocket(WsPort &port, Millis now, bool greeted) {
    port_ = &port;
    if (!greeted) {
        queue_.push(wire::Frame::text({open_packet(TransportKind::websocket)}));
        ports_.turn.add(*this);
    }
    ports_.deadlines.start(*this, now, settings_.ping_interval);
}

std::string Session::open_packet(TransportKind transport) const {
    std::string packet;
    const bool may_upgrade = transport == TransportKind::polling && settings_.websocket;
    eio::append_open(
        packet, {sid_, may_upgrade, settings_.ping_interval, settings_.ping_timeout, settings_.max_payload});
    return packet;
}

// Does a request of the polling transport mean anything?
bool Session::polls() const noexcept {
    return port_ == nullptr && (state_ == State::open || state_ == State::closing);
}

void Session::on_poll(const ExchangeId &id, Millis now) {
    if (!polls()) {
        refuse(id);
        return;
    }
    if (poll_) {
        // Two GETs at once: nobody can tell which of them the client still reads.
        answer(poll_, {200, BodyKind::packets, eio::kClose});
        static_cast<void>(ports_.exchanges.answer(id, kBad));
        end(CloseReason::transport_error, now);
        return;
    }
    poll_ = id;
    if (state_ == State::closing) {
        answer_closing();
        return;
    }
    if (!queue_.empty()) {
        ports_.turn.add(*this);
    }
}

bool Session::on_post_begin(const ExchangeId &id, Millis now) {
    if (!polls()) {
        refuse(id);
        return false;
    }
    if (post_) {
        answer(post_, kBad);
        static_cast<void>(ports_.exchanges.answer(id, kBad));
        end(CloseReason::transport_error, now);
        return false;
    }
    post_ = id;
    return true;
}

void Session::on_post(const ExchangeId &id, Text body, Millis now) {
    if (post_ != id && !on_post_begin(id, now)) {
        return;
    }
    ExchangeId reading = std::exchange(post_, {});
    if (state_ == State::open && !on_payload(body, now)) {
        answer(reading, kBad);
        end(CloseReason::parse_error, now);
    } else if (!answer(reading, kOk)) {
        end(CloseReason::transport_error, now);
    }
}

// False: a part of it is no packet. A packet may end the session; what follows it is ignored.
bool Session::on_payload(Text body, Millis now) {
    if (!is_utf8(as_bytes(body))) {
        return false;
    }
    const Result<void> done = eio::decode_payload(body, [&](const eio::Packet &packet) -> Result<void> {
        on_packet(packet, now);
        return state_ == State::open ? Result<void>() : Result<void>(Code::gone, "the session has ended");
    });
    return done || done.code() == Code::gone;
}

void Session::on_post_drop(const ExchangeId &id) {
    if (id == post_) {
        post_ = {};
    }
}

void Session::on_abort(const ExchangeId &id, Millis now) {
    if (id == poll_) {
        poll_ = {};
    } else if (id == post_) {
        post_ = {};
    } else {
        return;
    }
    end(CloseReason::transport_error, now);
}

void Session::on_seat_gone(std::uint32_t seat, std::uint32_t seat_generation, Millis now) {
    for (const ExchangeId id : {poll_, post_}) {
        if (id && !id.abroad() && id.seat == seat && id.seat_generation == seat_generation) {
            on_abort(id, now);
        }
    }
}

bool Session::probe_begin(Millis now) {
    if (!may_upgrade() || probe_ != nullptr) {
        return false;
    }
    probe_ = std::make_unique<Probe>(ports_.deadlines, *this);
    probe_->start(now, settings_.upgrade_timeout);
    return true;
}

void Session::probe_seen(Millis now) {
    if (probe_ != nullptr) {
        probe_->seen(now);
    }
}

void Session::probe_end(Millis) {
    probe_.reset();
    if (!queue_.empty()) {
        ports_.turn.add(*this);
    }
}

void Session::on_probe_tick(Millis) { answer(poll_, {200, BodyKind::packets, eio::kNoop}); }

void Session::on_probe_timeout(Millis now) { probe_end(now); }

void Session::upgrade(WsPort &port, Millis now) {
    quiet(now);
    probe_.reset();
    port_ = &port;
    if (!queue_.empty()) {
        ports_.turn.add(*this);
    }
}

void Session::on_ws_text(Text packet, Millis now) {
    if (state_ != State::open) {
        return;
    }
    eio::Decoder decoder;
    const Result<eio::Packet> decoded = decoder.decode(packet);
    if (!decoded) {
        close(CloseReason::parse_error, now);
        return;
    }
    on_packet(*decoded, now);
}

void Session::on_ws_binary(Bytes data, Millis now) {
    if (state_ == State::open) {
        events_.on_binary(data, now);
    }
}

void Session::on_ws_closed(CloseReason reason, Millis now) {
    port_ = nullptr;
    end(reason, now);
}

void Session::on_packet(const eio::Packet &packet, Millis now) {
    switch (packet.type) {
    case eio::PacketType::message:
        if (packet.binary) {
            events_.on_binary(as_bytes(packet.data), now);
        } else {
            events_.on_text(packet.data, now);
        }
        return;
    case eio::PacketType::pong:
        on_pong(now);
        return;
    case eio::PacketType::ping:
        // Only EIO=3 clients ping: "invalid heartbeat direction".
        close(CloseReason::parse_error, now);
        return;
    case eio::PacketType::close:
        answer(poll_, {200, BodyKind::packets, eio::kNoop});
        close(CloseReason::transport_close, now);
        return;
    case eio::PacketType::open:
    case eio::PacketType::upgrade:
    case eio::PacketType::noop:
        return; // as the reference: no meaning here, and no harm
    }
}

void Session::on_pong(Millis now) {
    awaits_pong_ = false;
    ports_.deadlines.start(*this, now, settings_.ping_interval);
}

void Session::on_deadline(Millis now) {
    if (state_ == State::closing) {
        finish();
    } else if (awaits_pong_) {
        close(CloseReason::ping_timeout, now);
    } else {
        ping(now);
    }
}

// A session ends at interval and timeout after its last pong, not later because two timers
// were; but a worker that was stopped for long gives its clients their time.
void Session::ping(Millis now) {
    awaits_pong_ = true;
    ports_.deadlines.start(*this, std::max(was_due(), now - kLate), settings_.ping_timeout);
    send(wire::Frame::text({eio::kPing}), Delivery::reliable, now);
}

bool Session::writable() const noexcept {
    if (port_ != nullptr) {
        return !port_->blocked();
    }
    return poll_ && (probe_ == nullptr || !probe_->was_seen());
}

// A frame that alone exceeds the buffer may pass when nothing waits: the bound is for what
// piles up, and the frame is shared. What piled up in this turn only has not been offered to the
// transport yet: a client is slow if that does not take it.
bool Session::make_room(const wire::Frame &frame, Delivery delivery, Millis now) {
    const bool is_volatile = delivery == Delivery::volatile_;
    if (is_volatile && settings_.slow_policy == SlowPolicy::close && !writable()) {
        return false;
    }
    if (has_room(frame)) {
        return true;
    }
    if (port_ != nullptr && writable()) {
        port_->write(queue_);
    }
    if (has_room(frame)) {
        return true;
    }
    if (!is_volatile) {
        close(CloseReason::slow_client, now);
    }
    return false;
}

bool Session::has_room(const wire::Frame &frame) const noexcept {
    return queue_.empty() || queue_.cost() + frame.size() <= settings_.send_buffer;
}

bool Session::send(const Ref<wire::Frame> &frame, Delivery delivery, Millis now) {
    if (state_ != State::open || !make_room(*frame, delivery, now)) {
        return false;
    }
    queue_.push(port_ != nullptr ? port_->form(frame) : frame);
    ports_.turn.add(*this);
    return true;
}

bool Session::send_last(const Ref<wire::Frame> &frame, Millis now) {
    if (port_ == nullptr || !queue_.empty() || state_ != State::open) {
        return send(frame, Delivery::reliable, now);
    }
    queue_.push(port_->form(frame));
    port_->write(queue_);
    tell_if_slow(now);
    return true;
}

void Session::flush(Millis now) {
    if (queue_.empty()) {
        return;
    }
    if (port_ != nullptr) {
        port_->write(queue_);
    } else if (writable() && !answer_poll()) {
        end(CloseReason::transport_error, now);
    }
    tell_if_slow(now);
}

// Once, until it is forgotten: something waits that the transport did not take.
void Session::tell_if_slow(Millis now) {
    if (!queue_.empty() && !std::exchange(slow_, true)) {
        events_.on_slow(now);
    }
}

void Session::on_writable() {
    if (port_ != nullptr) {
        port_->write(queue_);
    }
}

// What is queued goes alone: a client that reads a close packet in the same answer drops what
// stood before it. The next GET gets the close, behind a noop as in the reference.
void Session::answer_closing() {
    if (!queue_.empty()) {
        answer_poll();
        return;
    }
    answer(poll_, {200, BodyKind::packets,
                   "6\x1e"
                   "1"});
    finish();
}

// Everything that is queued. False: it is lost.
bool Session::answer_poll() {
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < queue_.frames(); ++i) {
        size += queue_[i].polling_size() + 1;
    }
    std::string body;
    body.reserve(size);
    for (std::uint32_t i = 0; i < queue_.frames(); ++i) {
        if (!body.empty()) {
            body += eio::kSeparator;
        }
        queue_[i].append_polling(body);
    }
    queue_.clear();
    return answer(poll_, {200, BodyKind::packets, body});
}

bool Session::answer(ExchangeId &id, const Answer &answer) {
    return !id || ports_.exchanges.answer(std::exchange(id, {}), answer);
}

void Session::refuse(const ExchangeId &id) const {
    const auto error =
        state_ == State::open ? eio::RequestError::bad_request : eio::RequestError::unknown_sid;
    const eio::ErrorAnswer &told = eio::answer_to(error);
    static_cast<void>(ports_.exchanges.answer(id, {told.status, BodyKind::json, told.body}));
}

void Session::close(CloseReason reason, Millis now) {
    if (state_ != State::open) {
        return;
    }
    // A client that broke off or broke the protocol gets no last words on polling.
    const bool orderly = reason == CloseReason::forced_close || reason == CloseReason::forced_server_close ||
                         reason == CloseReason::server_shutting_down;
    // At a full stop nobody will accept another GET.
    const bool last_chance = reason == CloseReason::server_shutting_down && !poll_;
    if (port_ != nullptr || !orderly || last_chance) {
        end(reason, now);
        return;
    }
    state_ = State::closing;
    probe_.reset();
    events_.on_closed(reason, now);
    if (poll_ && queue_.empty()) {
        answer(poll_, {200, BodyKind::packets, eio::kClose});
        finish();
        return;
    }
    ports_.deadlines.start(*this, now, reason == CloseReason::server_shutting_down ? kLastMoment : kLinger);
    if (poll_) {
        answer_closing();
    }
}

// At once: the transport is told, nothing waits.
void Session::end(CloseReason reason, Millis now) {
    if (state_ == State::closing) {
        finish();
        return;
    }
    if (state_ != State::open) {
        return;
    }
    state_ = State::closed;
    if (WsPort *port = std::exchange(port_, nullptr); port != nullptr) {
        port->shut(std::move(queue_), close_status(reason));
    }
    answer(poll_, {200, BodyKind::packets, eio::kClose});
    events_.on_closed(reason, now);
    finish();
}

void Session::finish() {
    state_ = State::closed;
    Deadline::stop();
    static_cast<Link<OutputTag> &>(*this).unlink();
    probe_.reset();
    queue_.clear();
    answer(post_, kBad); // its body has not come, so nothing of it was taken
    events_.on_finished();
}

// The client has stopped polling; what is held nevertheless is not its transport any more.
void Session::quiet(Millis) {
    answer(poll_, {200, BodyKind::packets, eio::kNoop});
    answer(post_, kBad);
}

} // namespace rt::engine
