// SPDX-License-Identifier: BSD-2-Clause
#include "load/events.hpp"
#include "load/latencies.hpp"
#include "load/scenarios.hpp"

#include <cmath>

namespace bench {

namespace {

// One round: the window's events leave in one write, and are heard by all.
void cast_round(Crowd &crowd, const std::string &events, std::uint64_t due) {
    send_all(crowd[0].fd, events);
    std::uint64_t heard = 0;
    while (heard < due) {
        crowd.poll(1000000, [&](const Peer &, Text packet) { heard += is_event(packet) ? 1 : 0; });
    }
}

} // namespace

void run_fanout(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(options.clients);
    std::string events;
    for (std::uint32_t i = 0; i < options.window; ++i) {
        events += text_frame(event_packet("cast", options.payload, 0), true);
    }
    const std::uint64_t due = std::uint64_t{options.clients} * options.window;
    for (const Usage warmup({}); warmup.seconds() < options.warmup;) {
        cast_round(crowd, events, due);
    }
    const Usage usage(options.pids);
    std::uint64_t delivered = 0;
    while (usage.seconds() < options.seconds) {
        cast_round(crowd, events, due);
        delivered += due;
    }
    Report report;
    report.add("rate", static_cast<double>(delivered) / usage.seconds());
    usage.report(report, static_cast<double>(delivered));
    report.print();
}

void run_pace(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(options.clients);
    Latencies latencies;
    const std::int64_t pause = 1000000 / options.rate;
    const std::int64_t begin = now_us() + pause;
    const std::int64_t measured = begin + std::lround(options.warmup * 1e6);
    const std::int64_t end = measured + std::lround(options.seconds * 1e6);
    const auto hear = [&](const Peer &, Text packet) {
        if (is_event(packet) && due_of(packet) >= measured) {
            latencies.add(now_us() - due_of(packet));
        }
    };
    const Usage usage(options.pids);
    for (std::int64_t due = begin; due < end; due += pause) {
        for (std::int64_t now = now_us(); now < due; now = now_us()) {
            crowd.poll(due - now, hear);
        }
        crowd.send(crowd[0], event_packet("cast", options.payload, due));
    }
    crowd.poll(pause, hear);
    Report report;
    report.add("p50", latencies.percentile_ms(0.5)).add("p99", latencies.percentile_ms(0.99));
    usage.report(report, static_cast<double>(latencies.total()));
    report.print();
}

} // namespace bench
