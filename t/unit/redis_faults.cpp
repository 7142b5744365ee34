// SPDX-License-Identifier: BSD-2-Clause
// Servers that fail, cut, slice and lie: a command has its own answer or none, and what is absurd
// ends the connection before it takes memory.
#include "redis_env.hpp"

#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

constexpr Text kErrors[] = {
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    "NOAUTH Authentication required.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "MOVED 3999 127.0.0.1:6381",
    "ASK 3999 127.0.0.1:6381",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "MASTERDOWN Link with MASTER is down",
    "CLUSTERDOWN The cluster is down",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "ERR max number of clients reached",
    "NOPERM this user has no permissions to run the 'publish' command",
};

std::string error(Text text) { return "-" + std::string(text) + "\r\n"; }

// An error is the answer of its own command, and the connection lives on.
void to_a_command() {
    for (const Text text : kErrors) {
        for (const std::size_t slice : kSlices) {
            FakeRedis redis(slice);
            redis.greet();
            for (std::uint64_t cookie = 1; cookie <= 3; ++cookie) {
                static_cast<void>(redis.wire.command(cookie, {"PUBLISH", "c", "x"}, redis.now));
            }
            redis.say(":1\r\n" + error(text) + ":3\r\n");
            is(redis.take(), "1=:1;2=-" + std::string(text) + ";3=:3;", std::string(text.substr(0, 12)));
            ok(redis.wire.ready(), "goes on");
        }
    }
}

// In a greeting each of them is final; PING is the last to be asked.
void to_a_greeting() {
    for (const Text text : kErrors) {
        FakeRedis redis;
        redis.wire.start(redis.now);
        redis.say(error(text));
        is(redis.take(),
           "lost " + std::string(words_for(trouble_of(text))) + "/PING/" + std::string(text) + ";",
           "greeted with " + std::string(text.substr(0, 12)));
    }
}

// Later a PING that fails is a sign of life, unless we are strangers now.
void to_a_ping() {
    for (const Text text : kErrors) {
        FakeRedis redis;
        redis.greet();
        redis.pass(1000);
        redis.said();
        redis.say(error(text));
        const bool stranger = trouble_of(text) == RedisTrouble::unauthorized;
        is(redis.take().empty(), !stranger, "PING: " + std::string(text.substr(0, 12)));
    }
}

void out_of_turn() {
    for (const Text text : kErrors) {
        FakeRedis redis;
        redis.greet();
        redis.say(error(text));
        is(redis.take(), "lost " + std::string(words_for(trouble_of(text))) + "//" + std::string(text) + ";",
           "unasked: " + std::string(text.substr(0, 12)));
    }
}

std::string deep(std::size_t levels) {
    std::string out;
    for (std::size_t i = 0; i < levels; ++i) {
        out += "*1\r\n";
    }
    return out;
}

void absurd() {
    const std::pair<const char *, std::string> rows[] = {
        {"a bulk string of 2^31", "$2147483648\r\n"},
        {"a bulk string of 2^63 - 1", "$9223372036854775807\r\n"},
        {"a bulk string of 2^64", "$18446744073709551616\r\n"},
        {"an array of 2^31 - 1", "*2147483647\r\n"},
        {"an array of 2^31", "*2147483648\r\n"},
        {"nested 10^6", deep(1'000'000)},
        {"nested arrays of 10^6", "*1000000\r\n*1000000\r\n*1000000\r\n*1000000\r\n" + deep(9)},
        {"an endless line", "+" + std::string(200'000, 'x')},
        {"an endless number", ":" + std::string(200'000, '1')},
        {"endless digits of a length", "$" + std::string(200'000, '1')},
        {"no protocol", std::string("\0\0\0\0", 4)},
        {"a page", "HTTP/1.1 400 Bad Request\r\n\r\n"},
        {"TLS", "\x15\x03\x01\x00\x02\x02\x46"},
    };
    for (const auto &[name, text] : rows) {
        for (const std::size_t slice : {0, 1000}) {
            FakeRedis redis(slice);
            redis.greet();
            static_cast<void>(redis.wire.command(1, {"GET", "a"}, redis.now));
            static_cast<void>(redis.wire.command(2, {"GET", "b"}, redis.now));
            redis.say("+one\r\n" + text);
            const std::string told = redis.take();
            is(told.substr(0, told.find("//")), "1=+one;2?;lost protocol error", name);
        }
    }
}

// The answers of ten commands, cut anywhere: those that are whole are told, all others unknown.
void cut_anywhere() {
    std::string replies;
    std::vector<std::size_t> ends;
    for (int i = 0; i < 10; ++i) {
        const std::string value = "value " + std::to_string(i);
        replies += i % 3 == 0 ? bulk(value) : i % 3 == 1 ? array({bulk(value), "$-1\r\n"}) : error(value);
        ends.push_back(replies.size());
    }
    for (std::size_t cut = 0; cut <= replies.size(); ++cut) {
        for (const std::size_t slice : {0, 1}) {
            FakeRedis redis(slice);
            redis.greet();
            std::string expected;
            for (std::uint64_t i = 0; i < 10; ++i) {
                static_cast<void>(redis.wire.command(i, {"GET", std::to_string(i)}, redis.now));
                const std::string value = "value " + std::to_string(i);
                const std::string shown = i % 3 == 0   ? "$" + value
                                          : i % 3 == 1 ? "[$" + value + ",_]"
                                                       : "-" + value;
                expected += std::to_string(i) + (ends[i] <= cut ? "=" + shown : "?") + ";";
            }
            redis.say(Text(replies).substr(0, cut));
            redis.wire.lost("cut", redis.now);
            const std::string told = redis.take();
            if (told != expected + "lost connection closed//cut;") {
                is(told, expected, "cut at " + std::to_string(cut));
            }
        }
    }
    ok(true, "cut at each of " + std::to_string(replies.size()) + " bytes");
}

// A proxy that swallows a byte: answers stop making sense, and no command gets another's.
void a_byte_is_missing() {
    const std::string replies = bulk("zero") + bulk("one") + bulk("two") + bulk("three");
    const Text values[] = {"zero", "one", "two", "three"};
    for (std::size_t gap = 0; gap < replies.size(); ++gap) {
        FakeRedis redis(1);
        redis.greet();
        for (std::uint64_t i = 0; i < 4; ++i) {
            static_cast<void>(redis.wire.command(i, {"GET", "a"}, redis.now));
        }
        std::string broken = replies;
        broken.erase(gap, 1);
        redis.say(broken);
        redis.pass(5000);
        const std::string told = redis.take();
        for (std::uint64_t i = 0; i < 4; ++i) {
            for (std::uint64_t other = 0; other < 4; ++other) {
                const std::string wrong = std::to_string(i) + "=$" + std::string(values[other]) + ";";
                if (i != other && told.find(wrong) != std::string::npos) {
                    ok(false, "byte " + std::to_string(gap) + ": " + told);
                }
            }
        }
        if (told.find("lost") == std::string::npos) {
            ok(false, "byte " + std::to_string(gap) + " is not missed: " + told);
        }
    }
    ok(true, "without each of " + std::to_string(replies.size()) + " bytes");
}

// Stopped for a while, then it answers everything at once: late answers belong to nobody.
void paused() {
    FakeRedis redis;
    redis.greet();
    for (std::uint64_t i = 0; i < 3; ++i) {
        static_cast<void>(redis.wire.command(i, {"PUBLISH", "c", "x"}, redis.now));
    }
    redis.pass(10'000);
    is(redis.take(), "0?;1?;2?;lost timed out//timed out;", "unknown after the deadline");
    is(redis.say(":1\r\n:1\r\n:1\r\n"), 0U, "what comes late is not looked at");
    redis.greet();
    static_cast<void>(redis.wire.command(9, {"PUBLISH", "c", "x"}, redis.now));
    redis.say(":7\r\n");
    is(redis.take(), "9=:7;", "and the next connection has its own");
}

} // namespace

int main() {
    to_a_command();
    to_a_greeting();
    to_a_ping();
    out_of_turn();
    absurd();
    cut_anywhere();
    a_byte_is_missing();
    paused();
    return done();
}
