// SPDX-License-Identifier: BSD-2-Clause
// A session and its client as bytes (decisions.md, idea 3): what move, reload and reconnect
// have in common. Times travel as time left, so the clocks need not agree.
#include "engine/client.hpp"
#include "engine/frame_image.hpp"
#include "engine/session.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace rt::engine {

namespace {

constexpr std::size_t kLeastPart = 5; // flag and length: what a part costs in the image

// 0 is a deadline that does not run.
Millis left_of(const Deadline &deadline, Millis now) {
    return deadline.running() ? std::max<Millis>(deadline.due() - now, 1) : 0;
}

// Goes on with what left_of() said. Every length in use costs a step of each later search, so
// the many that sessions arrive with are rounded up, by a 32nd at most.
void start_again(Deadlines &deadlines, Deadline &deadline, Millis now, Millis left) {
    constexpr Millis most = Millis{1} << 40;
    if (left <= 0) {
        return;
    }
    const auto length = static_cast<std::uint64_t>(std::min(left, most));
    const std::uint64_t step = std::max<std::uint64_t>(std::bit_floor(length) / 32, 1);
    deadlines.start(deadline, now, static_cast<Millis>((length + step - 1) / step * step));
}

} // namespace

// Field by field: an image is bytes, and not every byte is a bool.
void freeze_settings(Writer &out, const SessionSettings &settings) {
    static_assert(sizeof(SessionSettings) == 88, "a new setting belongs into the image");
    for (const Millis time : {settings.ping_interval, settings.ping_timeout, settings.upgrade_timeout,
                              settings.connect_timeout, settings.drain}) {
        out.put(time);
    }
    out.put(settings.send_buffer);
    out.put(settings.max_per_user);
    out.put(settings.max_payload);
    out.put(settings.slow_policy);
    out.put(settings.polling);
    out.put(settings.websocket);
    out.put(settings.deflate);
    out.put(settings.deflate_threshold);
    out.put(settings.limits);
}

Result<SessionSettings> thaw_settings(Reader &in) {
    SessionSettings settings;
    settings.ping_interval = in.get<Millis>();
    settings.ping_timeout = in.get<Millis>();
    settings.upgrade_timeout = in.get<Millis>();
    settings.connect_timeout = in.get<Millis>();
    settings.drain = in.get<Millis>();
    settings.send_buffer = in.get<std::uint64_t>();
    settings.max_per_user = in.get<std::uint64_t>();
    settings.max_payload = in.get<std::uint32_t>();
    settings.slow_policy = in.get<SlowPolicy>();
    settings.polling = in.get<bool>();
    settings.websocket = in.get<bool>();
    settings.deflate = in.get<bool>();
    settings.deflate_threshold = in.get<std::uint32_t>();
    settings.limits = in.get<Limits>();
    const bool timed = settings.ping_interval > 0 && settings.ping_timeout > 0 &&
                       settings.upgrade_timeout >= 0 && settings.connect_timeout >= 0 && settings.drain >= 0;
    if (!in.ok() || !timed || settings.slow_policy > SlowPolicy::drop_volatile) {
        return {Code::protocol, "session image: settings"};
    }
    return settings;
}

void Session::freeze(Writer &out, Millis now) {
    quiet(now);
    out.put(static_cast<std::uint8_t>(awaits_pong_));
    out.put(left_of(*this, now));
    out.put(queue_.begun());
    out.put(queue_.frames());
    for (std::uint32_t i = 0; i < queue_.frames(); ++i) {
        freeze_frame(out, queue_[i]);
    }
    state_ = State::moved;
    port_ = nullptr; // whoever froze the session has its socket
    queue_.clear();
    Deadline::stop();
    probe_.reset();
    static_cast<Link<OutputTag> &>(*this).unlink();
}

bool Session::thaw(Reader &in, Millis now) {
    awaits_pong_ = in.get<std::uint8_t>() != 0;
    const auto left = in.get<Millis>();
    const auto begun = in.get<std::uint32_t>();
    const std::uint32_t frames = in.get_count(sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < frames && in.ok(); ++i) {
        queue_.push(thaw_frame(in));
    }
    if (!in.ok() || left <= 0 || begun > (queue_.empty() ? 0 : queue_[0].size())) {
        return false;
    }
    queue_.set_begun(begun);
    start_again(ports_.deadlines, *this, now, left);
    return true;
}

void Session::attach(WsPort &port) {
    port_ = &port;
    if (!queue_.empty()) {
        ports_.turn.add(*this);
    }
}

// What it got has been sent already, or is still to come by the next GET.
void Session::let_go(const ExchangeId &id) {
    if (id == poll_) {
        poll_ = {};
    }
    static_cast<void>(ports_.exchanges.answer(id, {200, BodyKind::packets, wire::eio::kNoop}));
}

void Session::confirm_post(const ExchangeId &id) {
    if (id != post_) {
        static_cast<void>(ports_.exchanges.answer(id, {400, BodyKind::empty, ""}));
    }
}

bool Client::quiet() const noexcept {
    return std::none_of(members_.begin(), members_.end(),
                        [](const Member &member) { return member.state == State::connecting; });
}

void Client::freeze(Writer &out, Millis now) const {
    out.put(static_cast<std::uint8_t>(ever_joined_));
    out.put(refusals_);
    out.put(left_of(*this, now));
    assembler_.freeze(out);
    out.put(static_cast<std::uint32_t>(members_.size()));
    for (const Member &member : members_) {
        out.put(static_cast<std::uint8_t>(member.state == State::joined));
        out.put_text(member.name());
    }
}

Result<std::vector<Client::ThawedMember>> Client::thaw(Reader &in, Millis now) {
    ever_joined_ = in.get<std::uint8_t>() != 0;
    refusals_ = in.get<std::uint32_t>();
    const auto left = in.get<Millis>();
    if (!assembler_.thaw(in)) {
        return {Code::protocol, "session image: attachments"};
    }
    std::vector<ThawedMember> members;
    const std::uint32_t count = in.get_count(kLeastPart);
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool joined = in.get<std::uint8_t>() != 0;
        members.push_back({std::string(in.get_text()), joined});
        if (!joined) {
            members_.push_back({{}, members.back().nsp, {}, State::left});
        }
    }
    if (!in.ok()) {
        return {Code::protocol, "session image: members"};
    }
    start_again(deadlines_, *this, now, left);
    return members;
}

void Client::adopt(Text name, Handle socket) { members_.push_back({name, {}, socket, State::joined}); }

} // namespace rt::engine
