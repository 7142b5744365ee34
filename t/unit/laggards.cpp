// SPDX-License-Identifier: BSD-2-Clause
// Slow clients of one worker: who is listed, who is worst, who is forgotten.
#include "hub/laggards.hpp"
#include "shm/slow_table.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <map>

using namespace rt;
using namespace rt::hub;
using namespace rt::test;

namespace {

Handle handle(std::uint32_t index) { return Handle{index, 1}; }

void test_worst() {
    Laggards laggards;
    std::map<std::uint32_t, std::uint64_t> queued;
    for (std::uint32_t i = 1; i <= 25; ++i) {
        queued[i] = i * 7 % 26 * 100;
        ok(laggards.add(handle(i), i), "one is slow");
    }
    const auto see = [&](Handle who) { return SlowClient{{who.index, 1}, queued[who.index], 0}; };
    const Slowest worst = laggards.look(see);
    bool sorted = true;
    for (std::size_t i = 0; i < worst.size(); ++i) {
        sorted = sorted && worst[i].queued == (25 - i) * 100 &&
                 worst[i].since == static_cast<Millis>(worst[i].record.cell);
    }
    ok(sorted, "the ten worst, in order, each since it is slow");
    for (auto &[who, bytes] : queued) {
        bytes = who == 3 ? bytes : 0;
    }
    const Slowest left = laggards.look(see);
    ok(left[0].record.cell == 3 && left[1].queued == 0, "the others are served again");
    queued[3] = 0;
    static_cast<void>(laggards.look(see));
    ok(laggards.empty(), "nobody is left");
}

void test_most() {
    Laggards laggards;
    std::size_t taken = 0;
    for (std::uint32_t i = 1; i <= Laggards::kMost + 5; ++i) {
        taken += laggards.add(handle(i), 0) ? 1 : 0;
    }
    is(taken, Laggards::kMost, "the list is bounded");
}

void test_table() {
    Mapping mapping(8192);
    constexpr std::uint32_t kSeats = 3;
    const std::size_t size = shm::SlowTable::bytes(kSeats);
    ok(!shm::SlowTable::create(mapping.memory().first(size - 1), kSeats), "too little memory is refused");
    auto mine = *shm::SlowTable::create(mapping.memory(), kSeats);
    const auto other = *shm::SlowTable::attach(mapping.view(), kSeats);
    const auto rows = [&](std::uint32_t seat) {
        std::string text;
        other.each(seat, [&](const shm::SlowRow &row) {
            text += std::to_string(row.connection.cell) + "/" + std::to_string(row.connection.serial) + ":" +
                    std::to_string(row.queued) + "@" + std::to_string(row.since) + " ";
        });
        return text;
    };
    mine.put(1, 0, {{5, 0xffffffff}, 900, 70});
    mine.put(1, 9, {{6, 2}, 100, 80});
    mine.put(1, 10, {{7, 2}, 100, 80});
    mine.put(3, 0, {{8, 2}, 100, 80});
    is(rows(1), "5/4294967295:900@70 6/2:100@80 ", "another process sees the rows");
    is(rows(0) + rows(2) + rows(3), "", "of that seat only");
    mine.clear(1);
    is(rows(1), "", "and none after the seat was left");
}

} // namespace

int main() {
    test_worst();
    test_most();
    test_table();
    return done();
}
