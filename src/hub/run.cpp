// SPDX-License-Identifier: BSD-2-Clause
#include "hub/run.hpp"

#include "hub/frames.hpp"
#include "hub/hub.hpp"
#include "wire/json_write.hpp"
#include "wire/sio.hpp"

#include <algorithm>
#include <utility>

namespace rt::hub {

namespace sio = wire::sio;

Run::Run(Hub &hub, const Start &start, const Scope &scope)
    : hub_(hub), chain_(start.chain), place_(start.place), socket_(start.socket), ack_id_(start.ack_id),
      scope_(scope), unheard_(start.unheard) {}

Socket *Run::socket() const noexcept { return hub_.find_socket(socket_); }

bool Run::proceed(Millis now) {
    now_ = now;
    waiting_ = {};
    while (failure_ == nullptr && next_ < chain_.actions.size()) {
        if (unheard_ != 0 && !chain_.actions[next_]->is_silent() && must_wait()) {
            return false;
        }
        const Step step = chain_.actions[next_++]->run(*this);
        if (step == Step::wait) {
            return false;
        }
        if (step == Step::stop) {
            break;
        }
    }
    if (failure_ == nullptr && place_ == Place::connect && unheard_ != 0 && must_wait()) {
        return false;
    }
    if (failure_ != nullptr && place_ == Place::event) {
        Payload told;
        told.json = "{\"ok\":false,\"error\":";
        wire::json::append_string(told.json, failure_->code);
        told.json += ",\"message\":";
        wire::json::append_string(told.json, failure_->message);
        told.json += failure_->extra;
        told.json += '}';
        ack(told);
    }
    return true;
}

// Rooms that are joined one behind the other are waited for together.
bool Run::must_wait() {
    const std::uint64_t mark = std::exchange(unheard_, 0);
    Hearing *hearing = hub_.ports().hearing;
    if (hearing == nullptr || hearing->is_heard(mark)) {
        return false;
    }
    hearing->await(mark, suspend(), now_);
    return true;
}

Result<void> Run::publish(Envelope &envelope) {
    envelope.nsp = scope_.nsp;
    const Result<Position> end = hub_.ports().bus.publish(envelope);
    if (!end) {
        return end.error();
    }
    hub_.metrics().count(Metric::published);
    hub_.appended(*end);
    return {};
}

// The sender, once it has what went out before; null if that, or something else, ended it.
Socket *Run::settled() const {
    if (socket() != nullptr) {
        hub_.catch_up(now_);
    }
    return socket();
}

Result<void> Run::emit_to_sender(const Payload &data, engine::Delivery delivery) {
    if (socket() == nullptr) {
        return {};
    }
    Envelope envelope;
    envelope.nsp = scope_.nsp;
    envelope.is_volatile = delivery == engine::Delivery::volatile_;
    envelope.to = {scope_.sid};
    envelope.data = data.json;
    envelope.attachments = data.attachments;
    if (hub_.recovers()) {
        return publish(envelope);
    }
    if (Socket *sender = settled(); sender != nullptr) {
        hub_.send(*sender, event_frame(envelope, {}, {}), delivery, now_);
    }
    return {};
}

void Run::ack(const Payload &args) {
    if (acked_ || !ack_id_) {
        return;
    }
    Socket *sender = settled();
    if (sender == nullptr) {
        return;
    }
    acked_ = true;
    std::string header = "4";
    const auto attached = static_cast<std::uint32_t>(args.attachments.size());
    sio::append_header(header, {sio::Type::ack, scope_.nsp, ack_id_, attached});
    hub_.send(*sender, wire::Frame::packet({header, "[", args.json, "]"}, args.attachments),
              engine::Delivery::reliable, now_);
}

// What others published before is not for those who join now, and still for those who leave.
Socket *Run::read_up() const {
    if (socket() != nullptr) {
        hub_.read_up(now_);
    }
    return socket();
}

Result<void> Run::join(Text room, bool trusted) {
    Socket *sender = read_up();
    if (sender == nullptr) {
        return {};
    }
    const bool private_room =
        room.starts_with("user:") || (room.size() == kIdLength && hub_.ports().directory.knows_socket(room));
    if (!trusted && private_room && room != sender->id_text()) {
        return {Code::forbidden, "a client may not choose this room"};
    }
    const std::uint64_t before = hub_.asked();
    const Result<void> joined = hub_.join(*sender, room);
    unheard_ = std::max(unheard_, hub_.unheard_since(before));
    return joined;
}

void Run::leave(Text room) {
    if (Socket *sender = read_up(); sender != nullptr) {
        hub_.leave(*sender, room);
    }
}

void Run::close(bool connection) {
    if (Socket *sender = settled(); sender != nullptr) {
        hub_.put_out(*sender, connection, now_);
    }
}

Step Run::fail(Failure failure) {
    failure_ = std::make_unique<Failure>(std::move(failure));
    return Step::stop;
}

Handle Run::suspend() {
    waiting_ = hub_.reserve_run();
    return waiting_;
}

void Run::own() {
    if (kept_ == nullptr) {
        kept_ = std::make_unique<KeptScope>(scope_);
        scope_ = kept_->scope();
    }
}

} // namespace rt::hub
