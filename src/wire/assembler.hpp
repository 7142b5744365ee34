// SPDX-License-Identifier: BSD-2-Clause
// Joins a binary Socket.IO packet with the attachments that follow it. (socket.io-protocol,
// Packet encoding) One null pointer while no packet is waiting; never holds more than its
// bound of bytes. The owner closes a connection whose attachments stop arriving.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/sio.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rt::wire {

struct AssemblyLimits {
    sio::Limits packet;
    std::size_t bytes; // of a packet's text and attachments together: maxPayload
};

// A binary packet with its attachments. The views live as long as this object.
class Assembled {
public:
    Assembled(std::string text, std::size_t max_bytes) : text_(std::move(text)), max_bytes_(max_bytes) {}
    Assembled(const Assembled &) = delete;
    Assembled &operator=(const Assembled &) = delete;

    [[nodiscard]] const sio::Packet &packet() const noexcept { return packet_; }
    [[nodiscard]] std::span<const Bytes> attachments() const noexcept { return views_; }

private:
    friend class Assembler;

    Result<void> begin(const sio::Limits &limits);
    Result<bool> add(Bytes part); // true: that was the last one

    std::string text_; // packet_ views it
    sio::Packet packet_{};
    std::vector<std::string> parts_;
    std::vector<Bytes> views_; // filled when the last part is here
    std::size_t bytes_ = 0;
    std::size_t max_bytes_;
};

// Errors are protocol, bad_utf8 or too_big; each one ends the connection.
class Assembler {
public:
    // A text message: the packet (views into the message) if it is complete in itself;
    // nothing if its attachments are still to come.
    Result<std::optional<sio::Packet>> on_text(Text message, const AssemblyLimits &limits);

    // A binary message: the packet if this was its last attachment, else null.
    Result<std::unique_ptr<Assembled>> on_binary(Bytes attachment);

    // True while attachments are outstanding.
    [[nodiscard]] bool waiting() const noexcept { return pending_ != nullptr; }

    void freeze(Writer &out) const;
    // Replaces what is waiting. False if the image makes no sense; nothing waits then.
    [[nodiscard]] bool thaw(Reader &in);

private:
    std::unique_ptr<Assembled> pending_;
};

} // namespace rt::wire
