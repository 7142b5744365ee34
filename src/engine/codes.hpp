// SPDX-License-Identifier: BSD-2-Clause
// Why a session ends, in the reference server's words, and what the peer is told:
// the one table from a reason or a Code to a WebSocket close status.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>

namespace rt::engine {

enum class CloseReason : std::uint8_t {
    transport_error,
    transport_close,
    forced_close, // nothing joined in time
    ping_timeout,
    parse_error,
    server_shutting_down,
    going_away, // its application is no longer configured
    forced_server_close,
    slow_client, // its send buffer is full
};

// The text of $realtime_close_reason (socket.io, "disconnect" reasons).
[[nodiscard]] constexpr Text reason_text(CloseReason reason) noexcept {
    switch (reason) {
    case CloseReason::transport_error:
        return "transport error";
    case CloseReason::transport_close:
    case CloseReason::slow_client:
        return "transport close";
    case CloseReason::forced_close:
        return "forced close";
    case CloseReason::ping_timeout:
        return "ping timeout";
    case CloseReason::parse_error:
        return "parse error";
    case CloseReason::server_shutting_down:
    case CloseReason::going_away:
        return "server shutting down";
    case CloseReason::forced_server_close:
        return "forced server close";
    }
    return "transport close";
}

// RFC 6455 7.4.1; 0 is a close frame without a status, which is what Node sends.
[[nodiscard]] constexpr std::uint16_t close_status(CloseReason reason) noexcept {
    switch (reason) {
    case CloseReason::server_shutting_down:
        return 1012; // come back: another worker takes you (decisions.md, ruling 17)
    case CloseReason::going_away:
        return 1001;
    case CloseReason::slow_client:
        return 1013;
    default:
        return 0;
    }
}

} // namespace rt::engine
