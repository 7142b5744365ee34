// SPDX-License-Identifier: BSD-2-Clause
#include "wire/ws_encode.hpp"

namespace rt::wire {

std::size_t put_ws_head(std::uint8_t *at, WsOpcode opcode, std::size_t payload, bool compressed) noexcept {
    const std::size_t size = ws_head_size(payload);
    at[0] = static_cast<std::uint8_t>(0x80 | (compressed ? 0x40 : 0) | static_cast<std::uint8_t>(opcode));
    switch (size) {
    case 2:
        at[1] = static_cast<std::uint8_t>(payload);
        break;
    case 4:
        at[1] = 126;
        store_be(at + 2, static_cast<std::uint16_t>(payload));
        break;
    default:
        at[1] = 127;
        store_be(at + 2, static_cast<std::uint64_t>(payload));
    }
    return size;
}

WsPart first_ws_part(Bytes frames) noexcept {
    std::size_t payload = frames[1];
    if (payload == 126) {
        payload = load_be<std::uint16_t>(&frames[2]);
    } else if (payload == 127) {
        payload = load_be<std::uint64_t>(&frames[2]);
    }
    const std::size_t head = ws_head_size(payload);
    return {static_cast<WsOpcode>(frames[0] & 0x0F), frames.first(head + payload),
            frames.subspan(head, payload)};
}

bool is_close_code(std::uint16_t code) noexcept {
    // 1004 is reserved; 1005, 1006 and 1015 only name the absence of a code.
    const bool registered = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
    return registered || (code >= 3000 && code <= 4999);
}

std::uint16_t close_code(Code code) noexcept {
    switch (code) {
    case Code::ok:
        return 1000;
    case Code::protocol:
        return 1002;
    case Code::bad_utf8:
        return 1007;
    case Code::unauthorized:
    case Code::forbidden:
        return 1008;
    case Code::too_big:
        return 1009;
    case Code::busy:
    case Code::full:
    case Code::unavailable:
        return 1013;
    default:
        return 1011;
    }
}

} // namespace rt::wire
