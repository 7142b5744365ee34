// SPDX-License-Identifier: BSD-2-Clause
#include "load/events.hpp"
#include "load/scenarios.hpp"

#include <chrono>
#include <thread>
#include <unistd.h>

namespace bench {

void run_calls(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(options.clients);
    // With the id of the acknowledgement.
    const std::string call = "427" + event_packet("call", options.payload, 0).substr(2);
    std::uint64_t answered = 0;
    const auto ask_again = [&](const Peer &peer, Text packet) {
        if (packet.starts_with("437")) {
            ++answered;
            crowd.send(peer, call);
        }
    };
    for (std::size_t i = 0; i < crowd.size(); ++i) {
        crowd.send(crowd[i], call);
    }
    for (const Usage warmup({}); warmup.seconds() < options.warmup;) {
        crowd.poll(100000, ask_again);
    }
    answered = 0;
    const Usage usage(options.pids);
    while (usage.seconds() < options.seconds) {
        crowd.poll(100000, ask_again);
    }
    Report report;
    report.add("rate", static_cast<double>(answered) / usage.seconds());
    usage.report(report, static_cast<double>(answered));
    report.print();
}

void run_handshakes(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(options.clients / 4 + 1); // its memory has grown, its code is warm
    crowd.close_all();
    std::this_thread::sleep_for(std::chrono::milliseconds(300)); // the server sees them go
    const Usage usage(options.pids);
    crowd.grow_to(options.clients);
    Report report;
    report.add("rate", options.clients / usage.seconds());
    usage.report(report, options.clients);
    report.print();
}

void run_hold(const Options &options) {
    Crowd crowd(options);
    crowd.watch(STDIN_FILENO);
    crowd.grow_to(options.clients);
    Report().add("joined", options.clients).print();
    std::uint64_t heard = 0;
    while (!crowd.watched()) {
        crowd.poll(-1, [&](const Peer &, Text packet) { heard += is_event(packet) ? 1 : 0; });
        if (heard >= options.clients) {
            heard -= options.clients;
            Report().add("heard", options.clients).print();
        }
    }
    Report().add("also_heard", static_cast<double>(heard)).print();
}

void run_cast(const Options &options) {
    Crowd crowd(options);
    crowd.grow_to(1);
    bool heard = false;
    const std::int64_t began = now_us();
    crowd.send(crowd[0], event_packet("cast", options.payload, 0));
    while (!heard) {
        crowd.poll(1000000, [&](const Peer &, Text packet) { heard = heard || is_event(packet); });
    }
    Report().add("ms", static_cast<double>(now_us() - began) / 1000).print();
}

} // namespace bench
