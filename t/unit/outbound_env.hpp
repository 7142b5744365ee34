// SPDX-License-Identifier: BSD-2-Clause
// What tests of Outbound share: a host that emits, and the servers that hear it.
#pragma once

#include "bridge_env.hpp"
#include "cluster/outbound.hpp"

#include <memory>

namespace rt::test {

using cluster::Outbound;

// Other servers, at the far end of the line.
class World final : public cluster::OutboundEvents {
public:
    explicit World(std::size_t size = 1u << 20) : host(size) { take_over(); }

    // Another worker holds the bridge from now on.
    void take_over() {
        take_silently();
        begin();
    }
    // It is not greeted yet.
    void take_silently() {
        pipe.unanswered.clear();
        done = 0;
        outbound = std::make_unique<Outbound>(Outbound::Ports{*ours, pipe, metrics, *this}, host.zone.stream,
                                              host.zone.bridge, kOurUid);
    }
    void begin() {
        outbound->start();
        outbound->freshen();
    }

    // Redis reads the next command; whether it can still answer is another thing.
    bool carry_out() {
        if (done >= pipe.unanswered.size()) {
            return false;
        }
        const Pipe::Command &command = pipe.unanswered[done++];
        const auto message = theirs->hear(command.words[1], as_bytes(command.words[2]));
        heard += message ? "#" + std::to_string((*message)->number) + std::string((*message)->envelope.data)
                         : "malformed";
        if (message && (*message)->number != 0) {
            numbers.push_back((*message)->number);
        }
        return true;
    }
    void answer(const Reply &reply = good()) {
        const Pipe::Command command = pipe.unanswered.front();
        pipe.unanswered.pop_front();
        done -= done > 0 ? 1 : 0;
        outbound->unblock();
        outbound->on_reply(command.cookie.value, reply.value(), 0);
    }
    void lose() {
        for (const Pipe::Command &command : std::exchange(pipe.unanswered, {})) {
            outbound->on_reply(command.cookie.value, nullptr, 0);
        }
        done = 0;
        outbound->lost();
    }
    void work() {
        while (outbound->work(1000, 0)) {
        }
    }
    void settle() {
        work();
        while (!pipe.unanswered.empty()) {
            if (done == 0) {
                carry_out();
            }
            answer();
            work();
        }
    }
    std::string take() { return std::exchange(heard, {}); }

    void on_ask(const hub::Envelope &envelope, Millis) override {
        asked += "ask " + std::string(envelope.data) + ";";
    }
    void on_stale_ask(const hub::AskerId &asker) override {
        asked += "stale " + std::to_string(asker.slot.index) + ";";
    }
    void on_refused(Text text, Millis) override { refused += std::string(text) + ";"; }

    LogHost host;
    std::unique_ptr<cluster::Dialect> ours = classic();
    std::unique_ptr<cluster::Dialect> theirs = classic(kTheirUid);
    Pipe pipe;
    Tallies metrics;
    std::unique_ptr<Outbound> outbound;
    std::vector<std::uint64_t> numbers; // as Redis has them
    std::string heard;
    std::string asked;
    std::string refused;
    std::size_t done = 0; // of the unanswered ones
};

inline hub::Envelope emit_of(Text data) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.data = data;
    return envelope;
}

inline hub::Envelope fleeting(Text data) {
    hub::Envelope envelope = emit_of(data);
    envelope.is_volatile = true;
    return envelope;
}

} // namespace rt::test
