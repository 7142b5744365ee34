// SPDX-License-Identifier: BSD-2-Clause
// A session and its client as bytes (decisions.md, idea 3): what move, reload and reconnect
// have in common. Times travel as time left, so the clocks need not agree.
#include "engine/client.hpp"
#include "engine/session.hpp"

#include <algorithm>
#include <utility>

namespace rt::engine {

namespace {

constexpr std::size_t kLeastPart = 5; // flag and length: what a part costs in the image

Millis left_of(const Deadline &deadline, Millis now) {
    return deadline.running() ? std::max<Millis>(deadline.due() - now, 0) : 0;
}

void freeze_frame(Writer &out, const wire::Frame &frame) {
    std::uint32_t parts = 0;
    frame.each_part([&](bool, Bytes) { ++parts; });
    out.put(parts);
    frame.each_part([&](bool binary, Bytes payload) {
        out.put(static_cast<std::uint8_t>(binary));
        out.put_text(as_text(payload));
    });
}

// A text part first, unless it is a lone binary message; then the attachments.
Ref<wire::Frame> thaw_frame(Reader &in) {
    const std::uint32_t parts = in.get_count(kLeastPart);
    Text text;
    std::vector<Bytes> attachments;
    for (std::uint32_t i = 0; i < parts; ++i) {
        const bool binary = in.get<std::uint8_t>() != 0;
        const Text payload = in.get_text();
        if (binary) {
            attachments.push_back(as_bytes(payload));
        } else {
            text = payload;
        }
    }
    if (text.empty()) {
        return attachments.empty() ? Ref<wire::Frame>() : wire::Frame::binary(attachments.front());
    }
    return wire::Frame::packet({text}, attachments);
}

} // namespace

void Session::freeze(Writer &out, Millis now) {
    quiet(now);
    out.put(static_cast<std::uint8_t>(awaits_pong_));
    out.put(left_of(*this, now));
    out.put(queue_.frames());
    for (std::uint32_t i = 0; i < queue_.frames(); ++i) {
        freeze_frame(out, queue_[i]);
    }
    state_ = State::moved;
    queue_.clear();
    Deadline::stop();
    probe_.reset();
    static_cast<Link<OutputTag> &>(*this).unlink();
}

bool Session::thaw(Reader &in, Millis now) {
    awaits_pong_ = in.get<std::uint8_t>() != 0;
    const auto left = in.get<Millis>();
    const std::uint32_t frames = in.get_count(sizeof(std::uint32_t));
    for (std::uint32_t i = 0; i < frames && in.ok(); ++i) {
        if (Ref<wire::Frame> frame = thaw_frame(in); frame) {
            queue_.push(std::move(frame));
        }
    }
    ports_.deadlines.start(*this, now, left);
    return in.ok();
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
    if (left > 0) {
        deadlines_.start(*this, now, left);
    }
    return members;
}

void Client::adopt(Text name, Handle socket) { members_.push_back({name, {}, socket, State::joined}); }

} // namespace rt::engine
