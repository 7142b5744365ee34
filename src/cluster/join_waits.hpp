// SPDX-License-Identifier: BSD-2-Clause
// Chains of this worker that wait until the holder of the bridge hears the rooms that they have joined.
// Each is resumed once: when that is so, when nobody could say so, or when its time is over.
#pragma once

#include "base/fifo.hpp"
#include "base/fn.hpp"
#include "hub/hearing.hpp"

namespace rt::cluster {

class JoinWaits final : public hub::Hearing {
public:
    // At most so long, looked at a few times a second: longer than it takes another worker to hold the
    // bridge and to hear everything.
    static constexpr Millis kMost = 2000;

    explicit JoinWaits(Fn<void(Handle, Millis)> resume) : resume_(std::move(resume)) {}

    // The number of what the holder is told next.
    [[nodiscard]] std::uint64_t ask() noexcept { return ++asked_; }
    // The holder says: heard, up to this number.
    void told(std::uint64_t number) noexcept;
    // Nobody will say so.
    void give_up() noexcept { heard_ = asked_; }

    // Nobody waits.
    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    // Once per turn.
    void go_on(Millis now);

    [[nodiscard]] std::uint64_t asked() const noexcept override { return asked_; }
    [[nodiscard]] bool is_heard(std::uint64_t mark) const noexcept override { return mark <= heard_; }
    void await(std::uint64_t mark, Handle run, Millis now) override;

private:
    struct Waiting {
        std::uint64_t mark = 0;
        Handle run;
        Millis until = 0;
    };

    Fn<void(Handle, Millis)> resume_;
    Fifo<Waiting> waiting_;
    std::uint64_t asked_ = 0;
    std::uint64_t heard_ = 0;
};

} // namespace rt::cluster
