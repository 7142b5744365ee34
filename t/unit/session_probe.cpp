// SPDX-License-Identifier: BSD-2-Clause
// The upgrade at the session's home: every GET comes back soon, nothing is said on the transport
// that is about to go, nothing is lost, and a probe that fails leaves the session as it was.
#include "engine_env.hpp"

#include <random>

using namespace rt;
using namespace rt::test;

namespace {

struct Case {
    const char *name;
    const char *script;
    const char *told;
};

engine::SessionSettings settings(Millis ping_interval) {
    engine::SessionSettings made;
    made.ping_interval = ping_interval;
    made.ping_timeout = 20000;
    made.upgrade_timeout = 1000;
    return made;
}

constexpr Case kCases[] = {
    {"one at a time", "probe probe end probe", "0 probing; 0 may not probe; 0 probing"},
    {"not on a WebSocket", "up probe", "0 may not probe"},
    {"not after the end", "close probe", "0 closed forced server close; 0 may not probe"},
    {"what is held is answered within 100 ms", "G1 +50 probe seen +99 +1", "50 probing; 150 r1 200p 6"},
    {"and every GET after it", "probe seen +30 G1 +70 G2 +99 +1 G3 +500",
     "0 probing; 100 r1 200p 6; 200 r2 200p 6; 300 r3 200p 6"},
    {"before it is seen data flows", "probe G1 say:a +500", "0 probing; 0 r1 200p 4a"},
    {"once it is seen data waits for the WebSocket", "probe seen say:a G1 +100 G2 say:b up say:c",
     "0 probing; 100 r1 200p 6; 100 r2 200p 6; 100 ws 4a; 100 ws 4b; 100 ws 4c"},
    {"a probe that ends lets data flow again", "probe seen say:a G1 end", "0 probing; 0 r1 200p 4a"},
    {"and polling goes on", "probe seen end G1 +1000 P2:4x say:y",
     "0 probing; 1000 text x; 1000 r2 200o ok; 1000 r1 200p 4y"},
    {"a probe that nobody ends runs out", "probe +1999 probe +1 probe",
     "0 probing; 1999 may not probe; 2000 probing"},
    {"also one that was seen", "probe seen say:a +1950 G1 +49 +1", "0 probing; 2000 r1 200p 4a"},
    {"seen twice is seen once more", "probe seen +60 seen G1 +99 +1", "0 probing; 160 r1 200p 6"},
    {"no probe, no noop", "seen G1 +500 end", ""},
    {"an upgrade without a probe", "G1 say:a&up say:b", "0 r1 200p 6; 0 ws 4a; 0 ws 4b"},
    {"what follows belongs to the session", "probe seen up ws:4a bin:b", "0 probing; 0 text a; 0 binary b"},
    {"no noop any more", "probe seen up +200 G1",
     "0 probing; 200 r1 400j {\"code\":3,\"message\":\"Bad request\"}"},
    {"a POST that is still coming is of the old transport", "probe seen B1 up P1:4x A1 say:y",
     "0 probing; 0 r1 400e; 0 r1 400j {\"code\":3,\"message\":\"Bad request\"}; 0 ws 4y"},
    {"a close meanwhile", "probe seen G1 close +300",
     "0 probing; 0 closed forced server close; 0 r1 200p 1; 0 finished"},
    {"a broken GET meanwhile", "probe seen G1 A1 +300", "0 probing; 0 closed transport error; 0 finished"},
};

constexpr Case kHeartbeat[] = {
    {"no ping on the transport that goes", "+250 probe seen +20 G1 +80 G2 +50 up +100 ws:3 +299 +1",
     "250 probing; 350 r1 200p 6; 400 r2 200p 6; 400 ws 2; 800 ws 2"},
    {"a ping that was polled is answered on the WebSocket", "G1 +300 probe seen up ws:3 +299 +1",
     "300 r1 200p 2; 300 probing; 600 ws 2"},
};

template <std::size_t Size> void check(const Case (&cases)[Size], Millis ping_interval) {
    for (const Case &one : cases) {
        SessionBench bench(settings(ping_interval));
        bench.start(engine::TransportKind::polling);
        is(bench.run(one.script), one.told, one.name);
    }
}

// Whenever GETs come: none waits longer than 100 ms, and none is answered with anything else.
void check_every_get() {
    std::mt19937 random(7);
    bool good = true;
    for (int round = 0; round < 200; ++round) {
        SessionBench bench(settings(100000));
        bench.start(engine::TransportKind::polling);
        bench.run("probe seen say:x");
        for (int i = 0; i < 5; ++i) {
            bench.pass(static_cast<Millis>(random() % 150));
            const Millis asked = bench.notes.now;
            bench.run("G1");
            bench.pass(100);
            const std::string told = bench.notes.take();
            good = good && told.find(" r1 200p 6") != std::string::npos && std::stoll(told) <= asked + 100;
        }
    }
    ok(good, "200 times five GETs at any moment");
}

void check_steps() {
    using engine::probe_step;
    using engine::ProbeStep;
    ok(probe_step("2probe") == ProbeStep::answer, "2probe");
    ok(probe_step("5") == ProbeStep::take, "5");
    for (const Text packet : {"", "2", "2prob", "2probe ", "5x", "3probe", "6", "4x", "bAQ=="}) {
        ok(probe_step(packet) == ProbeStep::fail, "the socket may not say \"" + std::string(packet) + "\"");
    }
}

} // namespace

int main() {
    check(kCases, 100000);
    check(kHeartbeat, 300);
    check_every_get();
    check_steps();
    return rt::test::done();
}
