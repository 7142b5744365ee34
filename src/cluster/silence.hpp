// SPDX-License-Identifier: BSD-2-Clause
// How long another worker has been silent while this one was awake: a machine that stood still as a
// whole blames nobody.
#pragma once

#include "base/ports.hpp"
#include "shm/seats.hpp"

#include <algorithm>

namespace rt::cluster {

class Silence {
public:
    // Of the time between two looks, or from a beat to the first look at it, no more counts.
    static constexpr Millis kMost = 300;

    // `beat`: when that worker last showed that it lives.
    Millis look(shm::SeatRef who, Millis beat, Millis now) noexcept {
        if (who != who_ || beat != beat_) {
            who_ = who;
            looked_ = beat_ = beat;
            silent_ = 0;
        }
        silent_ += std::clamp<Millis>(now - looked_, 0, kMost);
        looked_ = now;
        return silent_;
    }

private:
    shm::SeatRef who_;
    Millis beat_ = 0;
    Millis looked_ = 0;
    Millis silent_ = 0;
};

} // namespace rt::cluster
