// SPDX-License-Identifier: BSD-2-Clause
// When a lost Redis is tried again: after min(retries * step, max), for ever or for a number of
// times (`reconnect step=100ms max=3s tries=10`).
#pragma once

#include "base/ports.hpp"
#include "base/result.hpp"

#include <algorithm>
#include <cstdint>

namespace rt::cluster {

struct RedisScheduleSettings {
    Millis step = 100; // at least 1
    Millis max = 3000;
    std::uint32_t tries = 0; // 0: never gives up
};

class RedisSchedule {
public:
    explicit RedisSchedule(const RedisScheduleSettings &settings) noexcept : settings_(settings) {}

    // How long to wait before the next attempt. unavailable: no more of them, and it stays so.
    Result<Millis> next() noexcept {
        if (settings_.tries != 0 && retries_ == settings_.tries) {
            return {Code::unavailable, "Too many retries"};
        }
        retries_ += retries_ < kMost ? 1 : 0;
        const Millis most = std::max<Millis>(settings_.max, 0);
        const bool over = settings_.step > most / static_cast<Millis>(retries_);
        return over ? most : settings_.step * static_cast<Millis>(retries_);
    }

    // Connected, that is greeted: the next loss starts over.
    void reset() noexcept { retries_ = 0; }

    [[nodiscard]] std::uint32_t retries() const noexcept { return retries_; }

private:
    static constexpr std::uint32_t kMost = UINT32_MAX;

    RedisScheduleSettings settings_;
    std::uint32_t retries_ = 0;
};

} // namespace rt::cluster
