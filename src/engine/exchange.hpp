// SPDX-License-Identifier: BSD-2-Clause
// An HTTP exchange (a GET or POST of a polling session) that waits for its answer. It
// stands at the worker that accepted the request, which need not be the session's home:
// the id travels, the answer comes back, and nobody holds a pointer.
#pragma once

#include "base/bytes.hpp"
#include "base/slots.hpp"

#include <array>
#include <cstdint>

namespace rt::engine {

struct ExchangeId {
    std::uint32_t seat = 0;            // the worker that holds the request
    std::uint32_t seat_generation = 0; // 0 is no exchange
    Handle slot;
    std::array<char, 4> host{}; // of another host, with which its ids begin; zeroes: of this one

    bool operator==(const ExchangeId &) const noexcept = default;
    explicit operator bool() const noexcept { return seat_generation != 0; }
    [[nodiscard]] bool abroad() const noexcept { return host[0] != 0; }
    [[nodiscard]] Text host_text() const noexcept { return {host.data(), host.size()}; }
};

enum class BodyKind : std::uint8_t {
    packets, // text/plain; charset=UTF-8, not to be stored
    ok,      // text/html, not to be stored
    json,    // application/json
    empty,
};

struct Answer {
    std::uint16_t status; // HTTP
    BodyKind kind;
    Text body; // valid during the call only
};

class Exchanges {
public:
    virtual ~Exchanges() = default;

    // Ends the exchange; if its client has gone meanwhile nothing happens. False: the answer
    // cannot be brought to its worker, so what it said is lost.
    [[nodiscard]] virtual bool answer(const ExchangeId &id, const Answer &answer) = 0;
};

} // namespace rt::engine
