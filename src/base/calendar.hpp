// SPDX-License-Identifier: BSD-2-Clause
// A moment in the words of a calendar: UTC, the rules of today whenever it was, no leap seconds.
#pragma once

#include <cstdint>

namespace rt {

struct Moment {
    std::int64_t year = 0;
    unsigned month = 0; // from 1
    unsigned day = 0;   // from 1
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    unsigned milli = 0;
    unsigned weekday = 0; // 0: Sunday
};

// Downwards, also below 0.
[[nodiscard]] constexpr std::int64_t divide_down(std::int64_t value, std::int64_t by) noexcept {
    return value / by - (value % by < 0 ? 1 : 0);
}

// Of milliseconds since 1970. Days are counted in eras of 400 years that begin with March: leap
// days come last.
[[nodiscard]] constexpr Moment moment_of(std::int64_t milliseconds) noexcept {
    constexpr std::int64_t kDay = 86'400'000;
    constexpr std::int64_t kEra = 146'097;
    const std::int64_t since_1970 = divide_down(milliseconds, kDay);
    const auto of_day = static_cast<unsigned>(milliseconds - since_1970 * kDay);
    const std::int64_t days = since_1970 + 719'468; // since 0000-03-01
    const std::int64_t era = divide_down(days, kEra);
    const auto of_era = static_cast<unsigned>(days - era * kEra);
    const unsigned years = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
    const unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    const unsigned month = (5 * of_year + 2) / 153;
    Moment moment;
    moment.year = era * 400 + years + (month >= 10 ? 1 : 0);
    moment.month = month < 10 ? month + 3 : month - 9;
    moment.day = of_year - (153 * month + 2) / 5 + 1;
    moment.hour = of_day / 3'600'000;
    moment.minute = of_day / 60'000 % 60;
    moment.second = of_day / 1000 % 60;
    moment.milli = of_day % 1000;
    moment.weekday = static_cast<unsigned>(since_1970 + 4 - divide_down(since_1970 + 4, 7) * 7);
    return moment;
}

} // namespace rt
