// SPDX-License-Identifier: BSD-2-Clause
#include "wire/assembler.hpp"

#include "wire/json.hpp"
#include "wire/placeholders.hpp"

#include <cstdint>
#include <utility>

namespace rt::wire {

namespace {

// A packet in an image was accepted under the limits of its time; they may be lower now.
constexpr sio::Limits kAnyLimits{UINT32_MAX, json::kMaxDepth};

// Told before decoding, because the views of a packet that waits must be into its own copy.
bool is_binary(Text message) noexcept {
    constexpr char event = '0' + static_cast<char>(sio::Type::binary_event);
    constexpr char ack = '0' + static_cast<char>(sio::Type::binary_ack);
    return message.starts_with(event) || message.starts_with(ack);
}

} // namespace

Result<void> Assembled::begin(const sio::Limits &limits) {
    RT_TRY(packet, sio::decode(text_, limits));
    packet_ = packet;
    bytes_ = text_.size();
    return {};
}

Result<bool> Assembled::add(Bytes part) {
    if (bytes_ > max_bytes_ || part.size() > max_bytes_ - bytes_) {
        return {Code::too_big, "attachments over the payload limit"};
    }
    bytes_ += part.size();
    parts_.emplace_back(as_text(part));
    if (parts_.size() < packet_.attachments) {
        return false;
    }
    if (Result<void> good = check_placeholders(packet_.data, packet_.attachments); !good) {
        return good.error();
    }
    for (const std::string &kept : parts_) {
        views_.push_back(as_bytes(kept));
    }
    return true;
}

Result<std::optional<sio::Packet>> Assembler::on_text(Text message, const AssemblyLimits &limits) {
    if (waiting()) {
        return {Code::protocol, "text while attachments are outstanding"};
    }
    if (!is_binary(message)) {
        RT_TRY(packet, sio::decode(message, limits.packet));
        return std::optional(packet);
    }
    auto pending = std::make_unique<Assembled>(std::string(message), limits.bytes);
    if (Result<void> begun = pending->begin(limits.packet); !begun) {
        return begun.error();
    }
    pending_ = std::move(pending);
    return std::optional<sio::Packet>();
}

Result<std::unique_ptr<Assembled>> Assembler::on_binary(Bytes attachment) {
    if (!waiting()) {
        return {Code::protocol, "binary message that no packet announced"};
    }
    RT_TRY(whole, pending_->add(attachment));
    return whole ? std::move(pending_) : nullptr;
}

void Assembler::freeze(Writer &out) const {
    out.put(static_cast<std::uint8_t>(waiting()));
    if (!waiting()) {
        return;
    }
    out.put(static_cast<std::uint64_t>(pending_->max_bytes_));
    out.put_text(pending_->text_);
    out.put(static_cast<std::uint32_t>(pending_->parts_.size()));
    for (const std::string &part : pending_->parts_) {
        out.put_text(part);
    }
}

bool Assembler::thaw(Reader &in) {
    pending_.reset();
    if (in.get<std::uint8_t>() == 0) {
        return in.ok();
    }
    const auto max_bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
    auto pending = std::make_unique<Assembled>(std::string(in.get_text()), max_bytes);
    if (!pending->begin(kAnyLimits)) {
        return false;
    }
    for (auto left = in.get_count(sizeof(std::uint32_t)); left > 0; --left) {
        const Result<bool> whole = pending->add(as_bytes(in.get_text()));
        if (!whole || *whole) {
            return false;
        }
    }
    if (!in.ok() || pending->packet().attachments == 0) {
        return false;
    }
    pending_ = std::move(pending);
    return true;
}

} // namespace rt::wire
