// SPDX-License-Identifier: BSD-2-Clause
// SlotMap: handles find their object and nothing else, also while objects come and go.
#include "base/slots.hpp"

#include "tap.hpp"

#include <functional>
#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;

namespace {

struct Thing {
    explicit Thing(int value_, std::function<void()> at_end_ = {})
        : value(value_), at_end(std::move(at_end_)) {}
    Thing(const Thing &) = delete;
    Thing &operator=(const Thing &) = delete;

    ~Thing() {
        if (at_end) {
            at_end();
        }
    }

    int value;
    std::function<void()> at_end;
};

void test_find() {
    SlotMap<Thing> map;
    const Handle a = map.emplace(1);
    const Handle b = map.emplace(2);
    ok(a != b && a && b, "handles differ and are true");
    is(map.find(a)->value + map.find(b)->value, 3, "each finds its own");
    is(map.size(), 2U, "two objects");
    ok(!Handle{} && map.find(Handle{}) == nullptr, "the handle of nothing finds nothing");
    ok(map.find(Handle{7, 1}) == nullptr, "nor does an index past the end");
    ok(map.find(Handle{a.index, a.generation + 1}) == nullptr, "nor a generation to come");
}

void test_stale() {
    SlotMap<Thing> map;
    const Handle old = map.emplace(1);
    map.erase(old);
    ok(map.find(old) == nullptr && map.size() == 0, "erased is not found");
    ok(map.find(Handle{old.index, old.generation + 1}) == nullptr, "nor is the free slot");
    const Handle young = map.emplace(2);
    is(young.index, old.index, "the slot is used again");
    ok(map.find(old) == nullptr, "the old handle does not find the new object");
    map.erase(old);
    ok(map.find(young) != nullptr && map.size() == 1, "nor erases it");
    ok(map.take(old) == nullptr, "nor takes it");
    map.erase(Handle{99, 1});
    is(map.size(), 1U, "erasing nothing changes nothing");
}

void test_take() {
    SlotMap<Thing> map;
    const Handle handle = map.emplace(4);
    const std::unique_ptr<Thing> thing = map.take(handle);
    ok(thing != nullptr && thing->value == 4, "the object comes out");
    ok(map.find(handle) == nullptr && map.size() == 0, "and is found no more");
}

void test_addresses() {
    SlotMap<Thing> map;
    const Handle first = map.emplace(0);
    const Thing *where = map.find(first);
    for (int i = 1; i < 1000; ++i) {
        map.emplace(i);
    }
    ok(map.find(first) == where, "objects do not move when the map grows");
}

std::vector<Handle> fill(SlotMap<Thing> &map, int from, int to) {
    std::vector<Handle> handles;
    for (int i = from; i < to; ++i) {
        handles.push_back(map.emplace(i));
    }
    return handles;
}

void test_each() {
    SlotMap<Thing> map;
    const std::vector<Handle> handles = fill(map, 0, 6);
    map.erase(handles[2]);
    std::string seen;
    map.each([&](Handle handle, const Thing &thing) {
        seen += std::to_string(thing.value);
        if (thing.value == 0) {
            map.erase(handles[3]); // another one, not met yet
            map.erase(handle);
            fill(map, 100, 200); // the table moves under the walk
        }
    });
    is(seen.substr(0, 1) + seen.substr(seen.size() - 3), "0199", "a visitor may erase and emplace");
    ok(seen.find("14") != std::string::npos || seen.find("45") != std::string::npos, "the others are met");
    is(map.size(), 103U, "and counted");
}

void test_reentrant_end() {
    SlotMap<Thing> map;
    Handle self;
    Handle other = map.emplace(2);
    bool clean = false;
    self = map.emplace(1, [&] {
        clean = map.find(self) == nullptr && map.find(other) != nullptr && map.size() == 1;
        map.erase(other);
    });
    map.erase(self);
    ok(clean, "an object at its end does not find itself, but the others");
    is(map.size(), 0U, "and may erase them");
}

void test_clear() {
    SlotMap<Thing> map;
    const Handle first = map.emplace(1);
    const Handle last = map.emplace(2);
    std::string ended;
    map.find(first)->at_end = [&] {
        ended += map.find(last) != nullptr && map.size() == 1 ? "first," : "lost,";
    };
    map.find(last)->at_end = [&] { ended += map.find(first) == nullptr ? "last" : "stale"; };
    map.clear();
    is(ended, "first,last", "clear ends all, and each still finds those after it");
    ok(map.size() == 0 && map.find(last) == nullptr && map.emplace(9), "and the map goes on");
}

void test_destructor() {
    int ended = 0;
    {
        SlotMap<Thing> map;
        const Handle last = map.emplace(2, [&] { ++ended; });
        map.emplace(1, [&] { map.erase(last); });
    }
    is(ended, 1, "at the end of the map objects may still erase others");
}

} // namespace

int main() {
    test_find();
    test_stale();
    test_take();
    test_addresses();
    test_each();
    test_reentrant_end();
    test_clear();
    test_destructor();
    return test::done();
}
