// SPDX-License-Identifier: BSD-2-Clause
// Any bytes on any channel of a dialect: what one host understands and says again, another host
// understands, and would say in the same bytes.
#pragma once

#include "cluster/dialect.hpp"

#include <string>

namespace rt::test {

inline void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

// The first byte chooses the channel.
inline void check_round(cluster::Dialect &one, cluster::Dialect &other, std::span<const Text> channels,
                        Bytes input) {
    if (input.empty()) {
        return;
    }
    const Text channel = channels[input.front() % channels.size()];
    const auto heard = one.hear(channel, input.subspan(1));
    if (!heard) {
        return;
    }
    cluster::Publication first;
    one.say(**heard, (*heard)->uid, first);
    if (first.channel.empty()) {
        return;
    }
    const auto again = other.hear(first.channel, as_bytes(first.payload));
    check(static_cast<bool>(again));
    check((*again)->says == (*heard)->says && (*again)->number == (*heard)->number);
    check((*again)->envelope.to.size() == (*heard)->envelope.to.size());
    cluster::Publication second;
    one.say(**again, (*heard)->uid, second);
    check(second.payload == first.payload);
}

} // namespace rt::test
