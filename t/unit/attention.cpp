// SPDX-License-Identifier: BSD-2-Clause
// Who needs everything to be heard: one record for all of a worker, as long as one of them lives, and
// each knows whether anything was left out.
#include "hub/attention.hpp"

#include "hub_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::test;
using hub::Attention;

namespace {

struct World {
    Roster roster;
    RosterView directory{roster, 0};
    Attention &attention = directory.attention();
};

void one_record() {
    World world;
    ok(!Attention::Hold().unbroken(), "nobody attends");
    {
        const Attention::Hold first = world.attention.hold(0);
        Attention::Hold second = world.attention.hold(1);
        is(world.roster.attended.size(), 1u, "one record for two");
        ok(first.unbroken() && second.unbroken(), "both hear everything");
        const Attention::Hold moved = std::move(second);
        second = Attention::Hold();
        ok(moved.unbroken() && !second.unbroken(), "one that moved goes on");
    }
    is(world.roster.attended.size(), 0u, "none without them");
    const Attention::Hold later = world.attention.hold(2);
    ok(later.unbroken(), "a later one begins anew");
}

void loses_its_room() {
    World world;
    const Attention::Hold first = world.attention.hold(0);
    world.roster.attended.clear();
    ok(!first.unbroken(), "the record gave its room to another");
    {
        const Attention::Hold second = world.attention.hold(1);
        ok(second.unbroken() && !first.unbroken(),
           "who comes later hears everything, who was there does not");
    }
    is(world.roster.attended.size(), 1u, "the record is for both");
    World full;
    full.roster.full = true;
    ok(!full.attention.hold(0).unbroken(), "without room nobody can be sure");
}

// There is always somebody: the record is renewed before its time is over.
void goes_on() {
    World world;
    std::deque<Attention::Hold> holds;
    holds.push_back(world.attention.hold(0));
    const auto first = world.roster.attended;
    Millis now = 0;
    bool whole = true;
    for (; now < 3 * Attention::kLease; now += 1000) {
        holds.push_back(world.attention.hold(now));
        whole = whole && holds.front().unbroken() && world.roster.attended.size() == 1;
        holds.pop_front();
    }
    ok(whole, "it never breaks");
    ok(world.roster.attended != first, "for the record is made anew");
    world.roster.attended.clear();
    holds.push_back(world.attention.hold(now));
    ok(!holds.front().unbroken() && holds.back().unbroken(), "but where it was lost");
}

} // namespace

int main() {
    one_record();
    loses_its_room();
    goes_on();
    return done();
}
