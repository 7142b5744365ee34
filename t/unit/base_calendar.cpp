// SPDX-License-Identifier: BSD-2-Clause
// Moments as a calendar shows them, against the calendar of the standard library.
#include "base/calendar.hpp"

#include "tap.hpp"

#include <chrono>
#include <string>

using namespace rt;
using namespace rt::test;

namespace {

std::string show(std::int64_t milliseconds) {
    const Moment at = moment_of(milliseconds);
    std::string out = std::to_string(at.year);
    for (const unsigned part : {at.month, at.day, at.hour, at.minute, at.second, at.milli, at.weekday}) {
        out += " " + std::to_string(part);
    }
    return out;
}

void known() {
    const struct {
        std::int64_t at;
        const char *shown;
    } rows[] = {
        {0, "1970 1 1 0 0 0 0 4"},
        {-1, "1969 12 31 23 59 59 999 3"},
        {951'782'400'000, "2000 2 29 0 0 0 0 2"},
        {1'795'148'633'007, "2026 11 20 4 23 53 7 5"},
        {8'640'000'000'000'000, "275760 9 13 0 0 0 0 6"},
        {-8'640'000'000'000'000, "-271821 4 20 0 0 0 0 2"},
    };
    for (const auto &[at, shown] : rows) {
        is(show(at), shown, shown);
    }
}

void each_day() {
    int wrong = 0;
    for (int day = -11'000'000; day < 11'000'000; day += 7919) {
        const std::chrono::sys_days there{std::chrono::days(day)};
        const std::chrono::year_month_day date(there);
        const Moment at = moment_of(std::int64_t{day} * 86'400'000 + 86'399'999);
        const bool same = at.year == int(date.year()) && at.month == unsigned(date.month()) &&
                          at.day == unsigned(date.day()) && at.hour == 23 && at.milli == 999 &&
                          at.weekday == std::chrono::weekday(there).c_encoding();
        wrong += same ? 0 : 1;
    }
    for (int day = -800'000; day < 800'000; ++day) {
        const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
        const Moment at = moment_of(std::int64_t{day} * 86'400'000);
        wrong += at.month == unsigned(date.month()) && at.day == unsigned(date.day()) ? 0 : 1;
    }
    is(wrong, 0, "as the standard library has it");
}

} // namespace

int main() {
    known();
    each_day();
    return done();
}
