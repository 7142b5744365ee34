// SPDX-License-Identifier: BSD-2-Clause
// Engine.IO at the door: the query of a request, and the errors that answer one.
// (engine.io-protocol, Handshake)
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <string>

namespace rt::wire::eio {

enum class Transport : std::uint8_t { polling, websocket, unknown };

struct Query {
    bool v4;             // EIO is exactly "4"
    Transport transport; // exactly "polling" or "websocket", else unknown
    std::string sid;     // percent-decoded; empty: a handshake
};

// Of repeated names the first counts.
[[nodiscard]] Query parse_query(Text query);

// The numbers are the protocol's own.
enum class RequestError : std::uint8_t {
    unknown_transport,
    unknown_sid,
    bad_handshake_method,
    bad_request,
    forbidden,
    unsupported_version,
};

struct ErrorAnswer {
    std::uint16_t status; // HTTP
    Text message;         // the body where JSON is not spoken: a refused WebSocket upgrade
    Text body;            // application/json
};

// Static text.
[[nodiscard]] const ErrorAnswer &answer_to(RequestError error) noexcept;

} // namespace rt::wire::eio
