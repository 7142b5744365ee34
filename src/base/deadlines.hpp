// SPDX-License-Identifier: BSD-2-Clause
// Deadlines: thousands of timers of few distinct lengths (ping intervals, timeouts).
// Timers of one length expire in the order they were started, so each length is a list:
// start, restart and stop are O(1), and an idle connection costs 32 bytes and no timer of
// the event loop.
#pragma once

#include "base/list.hpp"
#include "base/ports.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace rt {

struct DeadlineTag;

// Base of what can expire. Stops by itself when destroyed.
class Deadline : public Link<DeadlineTag> {
public:
    virtual void on_deadline(Millis now) = 0;
    [[nodiscard]] bool running() const noexcept { return linked(); }
    [[nodiscard]] Millis due() const noexcept { return linked() ? due_ : kNever; }
    void stop() noexcept { unlink(); }

protected:
    Deadline() = default;
    ~Deadline() = default;

    // Inside on_deadline: the moment that was waited for. The event loop may have come late.
    [[nodiscard]] Millis was_due() const noexcept { return due_; }

private:
    friend class Deadlines;
    Millis due_ = kNever;
};

class Deadlines {
public:
    // Starts or restarts. `now` never decreases; whoever counts from a moment before it comes
    // late by no more than that. Each length in use costs a step of a search: round lengths
    // that vary. A length of kNever never expires.
    void start(Deadline &deadline, Millis now, Millis length) {
        Lane &lane = lane_of(length);
        deadline.due_ = length < kNever - now ? now + length : kNever;
        lane.waiting.push_back(deadline);
    }

    // The earliest moment anything is due, or kNever.
    [[nodiscard]] Millis next() const noexcept {
        if (!due_.empty()) {
            return due_.front().due_;
        }
        const Lane *lane = earliest();
        return lane == nullptr ? kNever : lane->waiting.front().due_;
    }

    // Runs what is due at the call, earliest first. A callback may start, stop or destroy any
    // deadline; what it starts waits for the next call, even with a length of 0.
    void expire(Millis now) {
        collect(now);
        while (!due_.empty()) {
            Deadline &deadline = due_.front();
            deadline.stop();
            deadline.on_deadline(now);
        }
    }

private:
    struct Lane {
        explicit Lane(Millis length_) : length(length_) {}
        Millis length;
        List<Deadline, DeadlineTag> waiting;
    };

    static constexpr std::size_t kSpareLanes = 16; // kept though empty, so that none is made per timer

    // No callback runs in here, so lanes may come and go under the callbacks.
    void collect(Millis now) noexcept {
        for (Lane *lane = earliest(); lane != nullptr && lane->waiting.front().due_ <= now;
             lane = earliest()) {
            due_.push_back(lane->waiting.front());
        }
        if (lanes_.size() > kSpareLanes) {
            std::erase_if(lanes_, [](const auto &lane) { return lane->waiting.empty(); });
        }
    }

    // The lane whose first deadline is due before those of all others; null if all are empty.
    [[nodiscard]] Lane *earliest() const noexcept {
        Lane *best = nullptr;
        for (const auto &lane : lanes_) {
            const bool waits = !lane->waiting.empty();
            if (waits && (best == nullptr || lane->waiting.front().due_ < best->waiting.front().due_)) {
                best = lane.get();
            }
        }
        return best;
    }

    Lane &lane_of(Millis length) {
        for (const auto &lane : lanes_) {
            if (lane->length == length) {
                return *lane;
            }
        }
        lanes_.push_back(std::make_unique<Lane>(length));
        return *lanes_.back();
    }

    std::vector<std::unique_ptr<Lane>> lanes_;
    List<Deadline, DeadlineTag> due_; // a member: what a throwing callback leaves runs next time
};

} // namespace rt
