// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/join_waits.hpp"

#include <algorithm>

namespace rt::cluster {

// Mail of a former holder may come late, and is true all the same.
void JoinWaits::told(std::uint64_t number) noexcept { heard_ = std::clamp(number, heard_, asked_); }

// One that was suspended for something else meanwhile waits with those that came before it.
void JoinWaits::await(std::uint64_t mark, Handle run, Millis now) {
    const std::uint64_t last = waiting_.empty() ? 0 : waiting_[waiting_.size() - 1].mark;
    waiting_.push({std::max(mark, last), run, now + kMost});
}

void JoinWaits::go_on(Millis now) {
    while (!waiting_.empty() && (waiting_.front().mark <= heard_ || waiting_.front().until <= now)) {
        const Handle run = waiting_.front().run;
        waiting_.pop();
        resume_(run, now);
    }
}

} // namespace rt::cluster
