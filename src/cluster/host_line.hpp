// SPDX-License-Identifier: BSD-2-Clause
// How hosts of ours speak to each other, apart from what Node servers hear: small messages
// through Redis, on `<key_prefix>relay:<host>` for one host and `<key_prefix>hosts` for all. In
// order per pair of hosts, at most once, and never kept for later.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <span>

namespace rt::cluster {

// Who handles a message at the other host. The numbers are on the wire.
enum class Topic : std::uint8_t { hello = 1, relay = 2, crossing = 3 };

class HostLine {
public:
    virtual ~HostLine() = default;

    // `host`: the 4 characters its ids begin with; empty: all hosts, this one too. unavailable:
    // this worker does not hold the bridge, or Redis is away.
    virtual Result<void> tell(Text host, Topic topic, std::span<const Bytes> pieces) = 0;
};

class HostLineEvents {
public:
    virtual ~HostLineEvents() = default;
    // `from`: the 4 characters of who said it. The views are valid during the call. The body may be
    // anything: another version, or nobody of ours.
    virtual void on_told(Text from, Bytes body, Millis now) = 0;
};

} // namespace rt::cluster
