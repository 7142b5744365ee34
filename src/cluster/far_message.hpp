// SPDX-License-Identifier: BSD-2-Clause
// Messages between hosts about sessions that cross, and what comes after them (Topic::crossing).
#pragma once

#include "hub/bus.hpp"
#include "hub/payload.hpp"

#include <string>

namespace rt::cluster {

inline constexpr std::uint8_t kCrossingVersion = 1;

enum class CrossingSaid : std::uint8_t {
    barrier = 1, // to all hosts
    confirm,     // the session has arrived, or has not
    ack,         // of a client that has moved, to who asked it; until it is confirmed
    claim,       // a client came back that had a socket there
    returned,    // what it had and missed, or nothing
    acked,       // an ack has come
};

// In front of each.
inline void put_crossing_head(Writer &out, CrossingSaid said) {
    out.put(kCrossingVersion);
    out.put(said);
}

} // namespace rt::cluster
