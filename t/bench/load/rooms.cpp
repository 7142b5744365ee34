// SPDX-License-Identifier: BSD-2-Clause
#include "load/events.hpp"
#include "load/latencies.hpp"
#include "load/scenarios.hpp"

#include <cmath>

namespace bench {

namespace {

constexpr double kLimitMs = 50;
constexpr std::uint32_t kSampled = 8; // every eighth member looks at the clock
constexpr double kStep = 1.1;

// All members talk for some seconds, evenly spread; the time that 99 % of what the sampled
// members heard did not exceed.
double talk(Crowd &crowd, const Options &options) {
    Latencies latencies;
    const std::int64_t begin = now_us();
    const std::int64_t measured = begin + std::lround(options.warmup * 1e6);
    const std::int64_t end = measured + std::lround(options.seconds * 1e6);
    const double pause = 1e6 / options.rate / static_cast<double>(crowd.size());
    const auto hear = [&](const Peer &peer, Text packet) {
        if (peer.index % kSampled == 0 && is_event(packet) && due_of(packet) >= measured) {
            latencies.add(now_us() - due_of(packet));
        }
    };
    std::uint64_t said = 0;
    for (std::int64_t now = begin; now < end; now = now_us()) {
        const auto owed = static_cast<std::uint64_t>(static_cast<double>(now - begin) / pause);
        for (; said < owed; ++said) {
            const std::int64_t due = begin + std::lround(static_cast<double>(said) * pause);
            crowd.send(crowd[said % crowd.size()], event_packet("chat", options.payload, due));
        }
        crowd.poll(std::lround(pause), hear);
    }
    // What is late counts most.
    for (const std::int64_t late = now_us() + 300000; now_us() < late;) {
        crowd.poll(10000, hear);
    }
    return latencies.percentile_ms(0.99);
}

void grow(Crowd &crowd, std::uint32_t count) {
    const std::size_t before = crowd.size();
    crowd.grow_to(count);
    for (std::size_t i = before; i < count; ++i) {
        crowd.send(crowd[i], "42[\"join\"]");
    }
}

} // namespace

void run_rooms(const Options &options) {
    Crowd crowd(options);
    Report report;
    std::uint32_t passed = 0;
    int failures = 0;
    for (double members = options.clients; failures < 2 && members <= options.most; members *= kStep) {
        grow(crowd, static_cast<std::uint32_t>(members));
        const double p99 = talk(crowd, options);
        failures = p99 <= kLimitMs ? 0 : failures + 1;
        passed = p99 <= kLimitMs ? static_cast<std::uint32_t>(members) : passed;
    }
    report.add("members", passed).print();
}

} // namespace bench
