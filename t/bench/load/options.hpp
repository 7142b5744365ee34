// SPDX-License-Identifier: BSD-2-Clause
// What the command line says: words of the form name=value behind the name of a scenario.
#pragma once

#include "net/cpu.hpp"
#include "net/sockets.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Options {
    Address server{0x7F000001, 3000};
    Address speaker{0x7F000001, 0};  // where the first client is, who speaks; port 0: with the others
    Address redis{0x7F000001, 6379}; // publish: where to
    std::uint32_t clients = 1000;
    std::uint32_t most = 2000;  // rooms: where the search ends
    std::uint32_t window = 1;   // events in flight
    std::uint32_t payload = 64; // bytes of an event's argument
    std::uint32_t rate = 20;    // events a second
    std::uint32_t rooms = 0;    // publish: to so many, one after the other; 0: to all
    std::uint32_t ramp = 64;    // handshakes under way
    std::uint32_t source = 1;   // connect from 127.0.<source>.1
    std::uint32_t spin = 1;     // 1: never sleeps, so that no server pays for waking it
    double seconds = 2;         // of measuring
    double warmup = 0.5;        // before that
    std::vector<pid_t> pids;    // the server's processes
};

[[nodiscard]] Options parse_options(int count, char **words);

} // namespace bench
