// SPDX-License-Identifier: BSD-2-Clause
// The upgrade dance (engine.io-protocol, Upgrade), both ends of it: what the probing socket
// may say, and how the session's home keeps the client's GETs moving meanwhile.
#pragma once

#include "base/deadlines.hpp"
#include "wire/eio.hpp"

namespace rt::engine {

enum class ProbeStep : std::uint8_t {
    answer, // `2probe`: say `3probe`, tell the home
    take,   // `5`, also without a probe before it: the session goes on here
    fail,   // anything else: this socket is closed, the session stays on polling
};

[[nodiscard]] inline ProbeStep probe_step(Text packet) noexcept {
    if (packet == wire::eio::kProbe) {
        return ProbeStep::answer;
    }
    return packet == wire::eio::kUpgrade ? ProbeStep::take : ProbeStep::fail;
}

class ProbeEvents {
public:
    virtual ~ProbeEvents() = default;
    virtual void on_probe_tick(Millis now) = 0;    // answer a held GET with a noop
    virtual void on_probe_timeout(Millis now) = 0; // the other worker never ended it
};

// At the home, while a socket probes. The client sends `5` only when its GET has come back,
// so each one is answered, within 100 ms, as the reference does.
class Probe final : public Deadline {
public:
    static constexpr Millis kTick = 100;
    static constexpr Millis kGrace = 1000; // the prober's own timer comes first

    Probe(Deadlines &deadlines, ProbeEvents &events) : deadlines_(deadlines), events_(events) {}

    void start(Millis now, Millis timeout) {
        until_ = now + timeout + kGrace;
        deadlines_.start(*this, now, timeout + kGrace);
    }

    void seen(Millis now) {
        seen_ = true;
        deadlines_.start(*this, now, kTick);
    }

    [[nodiscard]] bool was_seen() const noexcept { return seen_; }

    void on_deadline(Millis now) override {
        if (now >= until_) {
            events_.on_probe_timeout(now); // destroys this
            return;
        }
        deadlines_.start(*this, now, kTick);
        events_.on_probe_tick(now);
    }

private:
    Deadlines &deadlines_;
    ProbeEvents &events_;
    Millis until_ = 0;
    bool seen_ = false;
};

} // namespace rt::engine
