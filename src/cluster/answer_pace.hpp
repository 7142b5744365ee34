// SPDX-License-Identifier: BSD-2-Clause
// How much of answers may be on its way to other servers at once. Redis holds for a subscriber what
// it has not read, and cuts the connection of one for which that is 32 MB (redis.conf,
// client-output-buffer-limit). Whoever reads kPerMilli never has more than kAtOnce before it, or one
// answer.
#pragma once

#include "base/ports.hpp"

#include <algorithm>
#include <cstddef>

namespace rt::cluster {

class AnswerPace {
public:
    static constexpr std::size_t kAtOnce = 16U << 20;
    static constexpr std::size_t kPerMilli = 32U << 10; // a quarter of a gigabit per second

    explicit AnswerPace(std::size_t at_once = kAtOnce) noexcept : at_once_(at_once) {}

    // What is larger than all that may be on its way goes by itself.
    [[nodiscard]] bool has_room(std::size_t bytes, Millis now) const noexcept {
        const std::size_t before = flying_ + unread(now);
        return before == 0 || before + bytes <= at_once_;
    }

    // It goes to Redis; Redis has it, or nobody knows.
    void said(std::size_t bytes) noexcept { flying_ += bytes; }
    void taken(std::size_t bytes, Millis now) noexcept {
        unread_ = unread(now) + bytes;
        since_ = now;
        flying_ -= std::min(bytes, flying_);
    }

private:
    // By servers that read no faster.
    [[nodiscard]] std::size_t unread(Millis now) const noexcept {
        const auto elapsed = static_cast<std::size_t>(std::max<Millis>(now - since_, 0));
        return unread_ - std::min(unread_, elapsed * kPerMilli);
    }

    std::size_t at_once_;
    std::size_t flying_ = 0; // without a reply of Redis
    std::size_t unread_ = 0; // then,
    Millis since_ = 0;
};

} // namespace rt::cluster
