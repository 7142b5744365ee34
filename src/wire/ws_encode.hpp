// SPDX-License-Identifier: BSD-2-Clause
// What a server writes on a WebSocket (RFC 6455 5.2): opcodes, frame heads and close codes.
// Our own frames are unmasked and never fragmented.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>

namespace rt::wire {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

inline constexpr std::size_t kWsControlMax = 125;  // RFC 6455 5.5
inline constexpr std::uint16_t kWsNoStatus = 1005; // a close frame without a code; never sent

inline constexpr std::size_t kWsHeadMax = 10;

// Size of the head before a payload of that many bytes: 2, 4 or 10.
constexpr std::size_t ws_head_size(std::size_t payload) noexcept {
    if (payload <= kWsControlMax) {
        return 2;
    }
    return payload <= 0xFFFF ? 4 : 10;
}

// Writes the head of one complete frame; `at` has ws_head_size(payload) bytes. `compressed`
// sets RSV1 (RFC 7692 6). Returns the size written.
std::size_t put_ws_head(std::uint8_t *at, WsOpcode opcode, std::size_t payload, bool compressed) noexcept;

// The first frame in bytes that put_ws_head and a payload made; not for what a peer sent.
struct WsPart {
    WsOpcode opcode;
    Bytes whole; // head and payload
    Bytes payload;
};
WsPart first_ws_part(Bytes frames) noexcept;

// May a peer send this code (RFC 6455 7.4, and the codes registered since)?
bool is_close_code(std::uint16_t code) noexcept;

// The code to close with after an error; 1011 for what is our own fault.
std::uint16_t close_code(Code code) noexcept;

} // namespace rt::wire
