// SPDX-License-Identifier: BSD-2-Clause
// WebSocket frames (RFC 6455 5.2) as the benchmark needs them: whole text messages, well formed.
#pragma once

#include "net/sockets.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace bench {

// The key and its answer are RFC 6455's own example.
inline constexpr Text kKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr Text kKeyAnswer = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

struct Frame {
    std::size_t size = 0; // of the whole frame; 0: not all of it is here
    std::size_t head = 0;
    bool masked = false;
    std::uint8_t opcode = 0;
};

[[nodiscard]] inline std::uint8_t byte_at(Text bytes, std::size_t at) noexcept {
    return static_cast<std::uint8_t>(bytes[at]);
}

[[nodiscard]] inline Frame first_frame(Text bytes) noexcept {
    if (bytes.size() < 2) {
        return {};
    }
    const std::uint8_t length = byte_at(bytes, 1) & 0x7F;
    const std::size_t wide = length < 126 ? 0 : length == 126 ? 2 : 8;
    if (bytes.size() < 2 + wide) {
        return {};
    }
    std::size_t size = wide == 0 ? length : 0;
    for (std::size_t i = 0; i < wide; ++i) {
        size = size << 8 | byte_at(bytes, 2 + i);
    }
    const bool masked = (byte_at(bytes, 1) & 0x80) != 0;
    const std::size_t head = 2 + wide + (masked ? 4 : 0);
    if (bytes.size() < head + size) {
        return {};
    }
    return {head + size, head, masked, static_cast<std::uint8_t>(byte_at(bytes, 0) & 0x0F)};
}

// Calls visit(Text frame, Frame) for each whole frame; what is left at the end.
template <class Visitor> [[nodiscard]] Text each_frame(Text bytes, Visitor visit) {
    for (Frame frame = first_frame(bytes); frame.size != 0; frame = first_frame(bytes)) {
        visit(bytes.substr(0, frame.size), frame);
        bytes.remove_prefix(frame.size);
    }
    return bytes;
}

// A text message. Clients must mask; any key will do.
[[nodiscard]] std::string text_frame(Text payload, bool masked);

// The payload of a frame that each_frame visited.
[[nodiscard]] std::string payload_of(Text whole, const Frame &frame);

} // namespace bench
