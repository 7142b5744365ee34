// SPDX-License-Identifier: BSD-2-Clause
// The status document of one application on one host, as JSON (docs/api.md, Status). The shell
// collects the numbers; the names are the metrics' own.
#pragma once

#include "hub/cluster_status.hpp"
#include "hub/metrics.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rt::hub {

struct WorkerStatus {
    std::uint32_t seat = 0;
    std::int32_t pid = 0;
    std::uint64_t cycle = 0; // the configuration it was started for
    bool quitting = false;
    bool silent = false;           // no beat for a second
    std::uint32_t connections = 0; // of nginx, whatever they carry
    std::array<std::uint64_t, kMetrics> values{};
};

struct LogStatus {
    std::uint64_t size = 0; // bytes
    std::uint64_t span = 0; // of them readable
    std::uint64_t position = 0;
};

struct RosterStatus {
    std::uint32_t connections = 0;
    std::uint32_t sockets = 0;
    std::uint32_t rooms = 0;
    std::uint32_t kept = 0;
    std::uint64_t used = 0; // bytes
    std::uint64_t size = 0;
    std::uint64_t free = 0;
};

// One of those for whom most waits.
struct SlowStatus {
    std::string sid; // its beginning: all of it is a secret
    std::string user;
    std::string address;
    Text transport;
    std::uint64_t queued = 0; // bytes
    std::uint64_t waits = 0;  // milliseconds
    std::int32_t pid = 0;
};

struct Status {
    std::string app;
    std::string node;
    std::string host; // first part of the ids made here
    LogStatus log;
    RosterStatus roster;
    ClusterStatus cluster;
    std::vector<WorkerStatus> workers;
    std::array<std::uint64_t, kMetrics> totals{};
    std::vector<SlowStatus> slowest;
};

[[nodiscard]] std::string status_json(const Status &status);
[[nodiscard]] std::string status_html(const Status &status);

} // namespace rt::hub
