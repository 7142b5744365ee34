// SPDX-License-Identifier: BSD-2-Clause
// Which events may leave together, and as what.
#include "hub/burst.hpp"

#include "tap.hpp"

using namespace rt;
using hub::Burst;
using hub::Envelope;
using test::is;
using test::ok;

namespace {

Envelope event() {
    Envelope envelope;
    envelope.nsp = "/";
    envelope.to = {"a", "b"};
    envelope.except = {"c"};
    envelope.data = "[\"e\"]";
    return envelope;
}

std::string polling(const Ref<wire::Frame> &frame) {
    std::string out;
    frame->append_polling(out);
    return out;
}

struct Case {
    const char *name;
    void (*change)(Envelope &);
    bool suits;
    bool takes;
};

constexpr Case kCases[] = {
    {"the same again", [](Envelope &) {}, true, true},
    {"other data", [](Envelope &envelope) { envelope.data = "[]"; }, true, true},
    {"another namespace", [](Envelope &envelope) { envelope.nsp = "/x"; }, true, false},
    {"another room",
     [](Envelope &envelope) {
         envelope.to = {"a", "x"};
     },
     true, false},
    {"one room more", [](Envelope &envelope) { envelope.to.emplace_back("x"); }, true, false},
    {"everybody", [](Envelope &envelope) { envelope.to.clear(); }, true, false},
    {"others left out", [](Envelope &envelope) { envelope.except = {"d"}; }, true, false},
    {"nobody left out", [](Envelope &envelope) { envelope.except.clear(); }, true, false},
    {"volatile", [](Envelope &envelope) { envelope.is_volatile = true; }, false, false},
    {"a join", [](Envelope &envelope) { envelope.op = hub::Op::join; }, false, false},
    {"a question", [](Envelope &envelope) { envelope.asker.seat_generation = 1; }, false, false},
};

void check_cases() {
    for (const Case &one : kCases) {
        Envelope other = event();
        one.change(other);
        Burst burst;
        ok(!burst.takes(other), std::string(one.name) + ": not by a burst that has not begun");
        burst.begin(event(), {});
        ok(Burst::suits(other) == one.suits && burst.takes(other) == one.takes, one.name);
    }
}

void check_frames() {
    Burst burst;
    burst.begin(event(), {});
    Envelope second = event();
    second.attachments = {as_bytes("xyz")};
    burst.add(second, {});
    ok(!burst.empty(), "it has events");
    const Ref<wire::Frame> frame = burst.take();
    is(polling(frame),
       "42[\"e\"]\x1e"
       "451-[\"e\"]\x1e"
       "beHl6",
       "in order, with attachments");
    is(frame->packets(), 2u, "counted");
    ok(burst.empty() && !burst.takes(event()), "then it is over");
    second.nsp = "/x";
    burst.begin(second, "h.e.7");
    is(polling(burst.take()),
       "451-/x,[\"e\",\"h.e.7\"]\x1e"
       "beHl6",
       "the next begins anew, with an offset");
}

void check_bound() {
    const std::string data(1000, 'x');
    Envelope envelope = event();
    envelope.data = data;
    Burst burst;
    burst.begin(envelope, {});
    int taken = 1;
    for (; burst.takes(envelope); ++taken) {
        burst.add(envelope, {});
    }
    is(taken, 65, "64 KiB");
    const std::string large(1000000, 'x');
    envelope.data = large;
    Burst other;
    other.begin(envelope, {});
    ok(!other.takes(event()), "a larger one goes alone");
    is(other.take()->packets(), 1u, "but it goes");
    burst.drop();
    ok(burst.empty(), "dropped");
}

} // namespace

int main() {
    check_cases();
    check_frames();
    check_bound();
    return test::done();
}
