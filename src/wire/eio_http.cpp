// SPDX-License-Identifier: BSD-2-Clause
#include "wire/eio_http.hpp"

#include "base/text.hpp"

#include <array>
#include <cstddef>

namespace rt::wire::eio {

namespace {

// By the protocol's number.
constexpr std::array<ErrorAnswer, 6> kAnswers{{
    {400, "Transport unknown", R"({"code":0,"message":"Transport unknown"})"},
    {400, "Session ID unknown", R"({"code":1,"message":"Session ID unknown"})"},
    {400, "Bad handshake method", R"({"code":2,"message":"Bad handshake method"})"},
    {400, "Bad request", R"({"code":3,"message":"Bad request"})"},
    {403, "Forbidden", R"({"code":4,"message":"Forbidden"})"},
    {400, "Unsupported protocol version", R"({"code":5,"message":"Unsupported protocol version"})"},
}};

Transport transport_of(Text name) noexcept {
    if (name == "polling") {
        return Transport::polling;
    }
    return name == "websocket" ? Transport::websocket : Transport::unknown;
}

} // namespace

Query parse_query(Text query) {
    return {
        query_value(query, "EIO") == "4",
        transport_of(query_value(query, "transport")),
        percent_decode(query_value(query, "sid"), true),
    };
}

const ErrorAnswer &answer_to(RequestError error) noexcept {
    return kAnswers[static_cast<std::size_t>(error)];
}

} // namespace rt::wire::eio
