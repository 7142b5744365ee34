// SPDX-License-Identifier: BSD-2-Clause
// What the status document says of other hosts and of Redis (docs/api.md, Status).
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rt::hub {

// Another host of ours, as this one hears it.
struct HostStatus {
    std::string host; // the first part of its ids
    std::string node;
    std::string version;
    std::string state;        // of its own bridge
    std::uint64_t heard = 0;  // milliseconds ago
    std::uint64_t last = 0;   // the last number heard of it
    std::uint64_t missed = 0; // of its messages
};

struct RedisStatus {
    bool enabled = false;
    std::vector<std::pair<std::string, std::string>> options; // in effect; secrets are masked
    std::uint64_t reconnects = 0;
    std::string error; // the last one; empty while connected
};

struct ClusterStatus {
    Text mode = "single-instance"; // alone, cluster
    Text state = "off";            // joining, connected, degraded
    std::uint32_t live = 1;        // hosts of ours, this one among them
    std::uint32_t servers = 0;     // others: Node
    std::int32_t holder = 0;       // process id of the worker that holds the bridge
    std::optional<std::uint64_t> probe_ms;
    std::uint64_t waiting = 0;   // bytes of the log that are not published yet
    std::uint64_t gaps = 0;      // times that something of others was missed
    std::uint64_t missed = 0;    // messages, as far as they have numbers
    std::uint64_t malformed = 0; // messages of others
    std::vector<HostStatus> hosts;
    RedisStatus redis;
};

// Mode of a host that has a Redis and hears so many others.
[[nodiscard]] constexpr Text cluster_mode(bool redis, bool alone) noexcept {
    if (!redis) {
        return "single-instance";
    }
    return alone ? "alone" : "cluster";
}

// One JSON object; and a paragraph with tables.
void append_cluster_json(std::string &out, const ClusterStatus &cluster);
void append_cluster_html(std::string &out, const ClusterStatus &cluster);

} // namespace rt::hub
