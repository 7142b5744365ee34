// SPDX-License-Identifier: BSD-2-Clause
#include "shm_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::uint64_t kLayout = layout_of({1, 2, 3});

void region_is_verified() {
    Mapping map(8192);
    const MutableBytes memory = map.memory();
    ok(Region::attach(memory, kLayout).code() == Code::not_found, "fresh memory is not formatted");
    ok(bool(Region::create(memory, kLayout, 77)), "memory is formatted");
    const auto attached = Region::attach(map.view(), kLayout);
    ok(bool(attached), "another mapping attaches");
    is(attached->epoch(), 77U, "it reads the epoch");
    ok(Region::attach(memory, kLayout + 1).code() == Code::unsupported, "another layout is refused");
    ok(Region::attach(memory.first(4096), kLayout).code() == Code::unsupported, "another size is refused");
    memory[3] ^= 1;
    ok(Region::attach(memory, kLayout).code() == Code::unsupported, "another magic is refused");
    ok(!Region::create(memory.first(32), kLayout, 1), "too little memory is refused");
    ok(!Region::create(memory.subspan(8), kLayout, 1), "unaligned memory is refused");
}

void layouts_differ() {
    ok(layout_of({1, 2}) != layout_of({2, 1}), "a layout depends on the order");
    ok(layout_of({1}) != layout_of({1, 0}), "a layout depends on the count");
}

void carving() {
    Mapping map(4096);
    Carver carver(map.memory());
    const auto first = carver.take(10);
    const auto second = carver.take(100, 256);
    ok(first && first->data() == map.memory().data() && first->size() == 10, "the first area is the start");
    ok(second && second->data() == map.memory().data() + 256, "the second area is aligned");
    ok(carver.take(4096).code() == Code::full, "more than is left is refused");
    ok(carver.take(SIZE_MAX).code() == Code::full, "an absurd size is refused");
    const MutableBytes rest = carver.rest();
    is(rest.data() - map.memory().data(), 384, "the rest starts on a line");
    is(rest.size(), 4096U - 384U, "the rest is all the rest");
    ok(carver.rest().empty(), "then nothing is left");
    ok(carver.take(1).code() == Code::full, "nothing at all");
    ok(Carver(map.memory().first(0)).rest().empty(), "nothing of nothing");
}

void section_of_a_dead_holder() {
    Mapping map(4096);
    const Arena arena(map.memory());
    RobustLock lock;
    {
        const Locked held(lock, arena.region);
        ok(!held.damaged(), "a fresh region is whole");
        is(held.wounds(), 0U, "it has no wounds");
    }
    const int status = reap(spawn([&] {
        const Locked held(lock, arena.region);
        kill(getpid(), SIGKILL);
    }));
    ok(killed_by(status, SIGKILL), "a holder dies");
    {
        const Locked held(lock, arena.region);
        ok(held.damaged(), "the next holder is told");
        is(held.wounds(), 1U, "the wound is counted");
    }
    const Locked held(lock, arena.region);
    ok(!held.damaged(), "the one after is not told again");
    is(held.wounds(), 1U, "but can still count");
}

} // namespace

int main() {
    region_is_verified();
    layouts_differ();
    carving();
    section_of_a_dead_holder();
    return done();
}
