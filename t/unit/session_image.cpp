// SPDX-License-Identifier: BSD-2-Clause
// A session that is frozen and thawed goes on as if nothing had been: the same answers, bytes and
// moments, wherever it was cut. And images that are damaged are refused.
#include "engine_env.hpp"

#include "engine/client.hpp"

#include <random>

using namespace rt;
using namespace rt::test;
using engine::TransportKind;

namespace {

constexpr Millis kInterval = 50; // so short that no time left is rounded
constexpr Millis kTimeout = 30;

engine::SessionSettings settings() {
    engine::SessionSettings made;
    made.ping_interval = kInterval;
    made.ping_timeout = kTimeout;
    made.send_buffer = 300;
    return made;
}

std::string told(const std::vector<std::string> &words, TransportKind transport, std::size_t cut) {
    SessionBench bench(settings());
    bench.start(transport);
    std::string script;
    for (std::size_t i = 0; i < words.size() && bench.session->open(); ++i) {
        if (i == cut) {
            bench.move();
        }
        script += bench.run(words[i]) + "; ";
    }
    return script;
}

struct Case {
    const char *name;
    TransportKind transport;
    const char *script;
};

// Scripts without a close that waits: a session like that does not move.
constexpr Case kCases[] = {
    {"nothing yet", TransportKind::polling, "G1 +49 +1 G2 +29 +1"},
    {"a ping under way", TransportKind::polling, "G1 +60 G2 P3:3 +49 +1"},
    {"queued messages", TransportKind::polling, "say:a say:b +10 G1 say:c G2 +100"},
    {"a queue that is nearly full", TransportKind::polling, "big:250 big:40 big:20 G1"},
    {"a held GET", TransportKind::polling, "G1 +10 say:x G2"},
    {"an announced POST", TransportKind::polling, "B1 +10 P1:4x B2 P3:4y"},
    {"a WebSocket", TransportKind::websocket, "say:a ws:4b +50 ws:3 +49 +1 +30"},
    {"a half written frame", TransportKind::websocket, "room:7 say:abcdefgh say:i room:1 room:2 room:99"},
    {"several packets in one frame", TransportKind::polling, "burst:ab say:c G1"},
    {"the same, half written", TransportKind::websocket, "room:9 burst:abcd say:x room:4 room:99"},
    {"a half written ping", TransportKind::websocket, "room:2 +50 say:x room:99 ws:3 +50"},
};

void check_cases() {
    for (const Case &one : kCases) {
        const std::vector<std::string> words = split(one.script, ' ');
        const std::string whole = told(words, one.transport, words.size());
        for (std::size_t cut = 0; cut < words.size(); ++cut) {
            is(told(words, one.transport, cut), whole,
               std::string(one.name) + ", cut before step " + std::to_string(cut + 1));
        }
    }
}

void check_any_script(TransportKind transport) {
    const std::vector<std::string> polling = {"G1", "G2",      "P3:3",  "P4:4x", "say:a", "say:b&say:c", "+7",
                                              "+1", "big:200", "vol:v", "B5",    "P5:4y", "burst:d"};
    const std::vector<std::string> socket = {"ws:3",   "ws:4x",  "say:a",    "say:b&say:c",
                                             "+7",     "+1",     "bin:z",    "vol:v",
                                             "room:1", "room:3", "room:500", "burst:d"};
    const std::vector<std::string> &verbs = transport == TransportKind::polling ? polling : socket;
    std::mt19937 random(11);
    int different = 0;
    for (int round = 0; round < 500; ++round) {
        std::vector<std::string> words;
        for (int i = 0; i < 12; ++i) {
            words.push_back(verbs[random() % verbs.size()]);
        }
        const std::string whole = told(words, transport, words.size());
        different += told(words, transport, random() % words.size()) == whole ? 0 : 1;
    }
    is(different, 0,
       transport == TransportKind::polling ? "500 scripts on polling" : "500 scripts on WebSocket");
}

// Long times are rounded up, by a 32nd at most: every length in use costs a step of a search.
void check_rounding() {
    engine::SessionSettings made;
    bool good = true;
    for (Millis age = 0; age < made.ping_interval; age += 117) {
        SessionBench bench(made);
        bench.start(TransportKind::polling);
        bench.pass(age);
        const Millis due = bench.session->due();
        bench.move();
        const Millis later = bench.session->due() - due;
        good = good && later >= 0 && later * 32 <= due - bench.notes.now;
    }
    ok(good, "a time left is never shortened, and hardly lengthened");
}

std::string image() {
    SessionBench bench(settings());
    bench.start(TransportKind::websocket);
    bench.run("room:3 say:abc say:def");
    const Bytes attachment = as_bytes("bytes");
    bench.session->send(wire::Frame::packet({"451-[]"}, {&attachment, 1}), engine::Delivery::reliable, 0);
    bench.session->send(wire::Frame::binary(as_bytes("lone")), engine::Delivery::reliable, 0);
    bench.session->send(wire::Frame::control(wire::WsOpcode::pong, as_bytes("p")), engine::Delivery::reliable,
                        0);
    std::string bytes;
    Writer out(bytes);
    bench.session->freeze(out, bench.notes.now);
    return bytes;
}

bool thaws(Text bytes) {
    SessionBench bench(settings());
    Reader in(bytes);
    return bench.session->thaw(in, 0);
}

void check_damage() {
    const std::string whole = image();
    ok(thaws(whole), "an image thaws");
    int thawed = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        thawed += thaws(Text(whole).substr(0, size)) ? 1 : 0;
    }
    is(thawed, 0, "no part of it does");
    for (std::size_t at = 0; at < whole.size(); ++at) {
        for (const int bit : {0, 3, 7}) {
            std::string bad = whole;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            static_cast<void>(thaws(bad));
        }
    }
    ok(true, "flipped bits do no harm");
}

void check_settings() {
    engine::SessionSettings made;
    made.ping_interval = 1;
    made.ping_timeout = 2;
    made.upgrade_timeout = 3;
    made.connect_timeout = 4;
    made.send_buffer = 5;
    made.max_per_user = 6;
    made.max_payload = 7;
    made.slow_policy = engine::SlowPolicy::drop_volatile;
    made.polling = false;
    made.websocket = false;
    made.deflate = true;
    made.deflate_threshold = 8;
    made.limits = {9, 10, 11, 12, 13};
    std::string bytes;
    Writer out(bytes);
    engine::freeze_settings(out, made);
    Reader in(bytes);
    const auto back = engine::thaw_settings(in);
    ok(back && *back == made && in.at_end(), "settings come back as they were");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Reader part(Text(bytes).substr(0, size));
        if (engine::thaw_settings(part)) {
            ok(false, "settings cut short are refused");
        }
    }
    const std::string zeroes(bytes.size(), '\0');
    Reader nothing_timed(zeroes);
    ok(!engine::thaw_settings(nothing_timed), "settings without a ping interval are refused");
    int refused = 0;
    for (char &byte : bytes) {
        const char good = std::exchange(byte, '\x02'); // a policy that does not exist, where one stands
        Reader odd(bytes);
        refused += engine::thaw_settings(odd) ? 0 : 1;
        byte = good;
    }
    is(refused, 1, "a policy that does not exist is refused");
}

} // namespace

int main() {
    check_cases();
    check_any_script(TransportKind::polling);
    check_any_script(TransportKind::websocket);
    check_rounding();
    check_damage();
    check_settings();
    return rt::test::done();
}
