// SPDX-License-Identifier: BSD-2-Clause
// When a lost Redis is tried again (seed rows 004-27, 004-28).
#include "cluster/redis_schedule.hpp"
#include "tap.hpp"

#include <string>
#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

std::string delays(RedisSchedule &schedule, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
        const auto delay = schedule.next();
        out += (i == 0 ? "" : " ") + (delay ? std::to_string(*delay) : std::string(delay.error().where));
    }
    return out;
}

void rows() {
    struct Row {
        const char *name;
        RedisScheduleSettings settings;
        int count;
        std::string delays;
    };
    const std::vector<Row> rows = {
        {"min(retries * step, max)", {100, 500, 0}, 7, "100 200 300 400 500 500 500"},
        {"max is no multiple", {100, 250, 0}, 4, "100 200 250 250"},
        {"max below step", {100, 50, 0}, 2, "50 50"},
        {"no delay", {1, 0, 0}, 2, "0 0"},
        {"tries=3", {100, 3000, 3}, 5, "100 200 300 Too many retries Too many retries"},
        {"tries=1", {100, 3000, 1}, 2, "100 Too many retries"},
        {"a large step", {INT64_MAX, INT64_MAX, 0}, 2, "9223372036854775807 9223372036854775807"},
    };
    for (const Row &row : rows) {
        RedisSchedule schedule(row.settings);
        is(delays(schedule, row.count), row.delays, row.name);
    }
}

void defaults() {
    RedisSchedule schedule(RedisScheduleSettings{});
    Millis last = 0;
    for (int i = 1; i <= 30; ++i) {
        last = *schedule.next();
        if (last != i * 100) {
            ok(false, "delay " + std::to_string(i));
        }
    }
    is(last, 3000, "the thirtieth is the longest");
    for (int i = 0; i < 100'000; ++i) {
        last = *schedule.next();
    }
    is(last, 3000, "it never gives up");
}

void connected() {
    RedisSchedule schedule({100, 3000, 2});
    is(delays(schedule, 2), "100 200", "two tries");
    schedule.reset();
    is(schedule.retries(), 0U, "connected");
    is(delays(schedule, 3), "100 200 Too many retries", "as new");
}

} // namespace

int main() {
    rows();
    defaults();
    connected();
    return done();
}
