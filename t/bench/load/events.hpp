// SPDX-License-Identifier: BSD-2-Clause
// The events of all scenarios: ["cast","<argument>"], where the argument begins with the
// moment it was due, so that whoever hears it knows how long it took. Every server knows them:
// cast goes to everybody, chat to the room that `join` joins, call is acknowledged.
#pragma once

#include "net/frames.hpp"

#include <cstdint>
#include <string>

namespace bench {

// `name` has four letters; `argument` bytes are filled up.
[[nodiscard]] std::string event_packet(Text name, std::uint32_t argument, std::int64_t due_us);

// Is it an event? The namespace / is not named.
[[nodiscard]] inline bool is_event(Text packet) noexcept {
    return packet.size() > 1 && packet[0] == '4' && packet[1] == '2';
}

// The moment in a packet that event_packet made.
[[nodiscard]] std::int64_t due_of(Text packet) noexcept;

} // namespace bench
