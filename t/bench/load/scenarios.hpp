// SPDX-License-Identifier: BSD-2-Clause
// What can be measured. Each scenario prints one line of JSON when it is done, or several.
#pragma once

#include "load/crowd.hpp"
#include "load/options.hpp"

#include <string>

namespace bench {

// One line: {"name":number,...}
class Report {
public:
    Report &add(Text name, double value);
    void print() const;

private:
    std::string text_;
};

// What the server used of the processor, and the time it took, since this was made.
class Usage {
public:
    explicit Usage(const std::vector<pid_t> &pids) : pids_(pids), cpu_(cpu_of(pids)), began_(now_us()) {}

    [[nodiscard]] double seconds() const noexcept { return static_cast<double>(now_us() - began_) / 1e6; }

    // Adds seconds, and per unit of work: cpu_us, user_us, system_us.
    void report(Report &report, double work) const;

private:
    const std::vector<pid_t> &pids_;
    Cpu cpu_;
    std::int64_t began_;
};

// `window` events at a time go to all `clients`; when all have them all, the next are sent.
void run_fanout(const Options &options);

// `rate` events a second go to all `clients`.
void run_pace(const Options &options);

// A room grows until its members, of whom each says `rate` things a second, hear them with a
// p99 above 50 ms; `clients` is where it begins, `most` where it ends.
void run_rooms(const Options &options);

// Each client asks, and asks again when it is answered.
void run_calls(const Options &options);

// All `clients` connect and join.
void run_handshakes(const Options &options);

// All `clients` connect, join and stay until the standard input ends. Says when all have joined,
// and each time they all have heard an event.
void run_hold(const Options &options);

// One client sends an event to all.
void run_cast(const Options &options);

// Broadcasts as a Node server publishes them (its Redis adapter, classic): `rate` a second to
// `rooms`; with rate 0 as fast as `clients` of the server hear them, `window` in flight.
void run_publish(const Options &options);

} // namespace bench
