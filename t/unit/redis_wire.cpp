// SPDX-License-Identifier: BSD-2-Clause
// One connection to a Redis: greetings and how they fail, commands and their answers, bounds,
// deadlines, what becomes of commands when the connection is lost.
#include "redis_env.hpp"

#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

RedisWireSettings with(RedisGreeting greeting) {
    RedisWireSettings settings;
    settings.greeting = std::move(greeting);
    return settings;
}

// Without the token of its PING, which is last.
std::string greeting_of(const RedisGreeting &greeting) {
    FakeRedis redis(0, with(greeting));
    redis.wire.start(redis.now);
    const std::string said = redis.said();
    return said.substr(0, said.rfind(' '));
}

void greetings() {
    struct Row {
        const char *name;
        RedisGreeting greeting;
        std::string said;
    };
    const std::vector<Row> rows = {
        {"nothing", {}, "PING"},
        {"a password", {"", "secret", 0, "", false}, "AUTH secret|PING"},
        {"a user", {"me", "secret", 0, "", false}, "AUTH me secret|PING"},
        {"a user without a password", {"me", "", 0, "", false}, "AUTH me |PING"},
        {"a database", {"", "", 7, "", false}, "SELECT 7|PING"},
        {"a name", {"", "", 0, "rt:a:pub", false}, "CLIENT SETNAME rt:a:pub|CLIENT ID|PING"},
        {"a master", {"", "", 0, "", true}, "ROLE|PING"},
        {"all", {"u", "p", 1, "n", true}, "AUTH u p|SELECT 1|CLIENT SETNAME n|CLIENT ID|ROLE|PING"},
    };
    for (const Row &row : rows) {
        is(greeting_of(row.greeting), row.said, row.name);
    }
}

const RedisGreeting kAll{"u", "p", 1, "n", true};
const std::string kRole = array({bulk("master"), ":0\r\n", "*0\r\n"});

void greeted() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice, with(kAll));
        ok(!redis.wire.ready() && redis.wire.client_id() == 0, "not yet");
        redis.wire.start(redis.now);
        const std::string token = redis.token();
        redis.say("+OK\r\n+OK\r\n+OK\r\n:42\r\n" + kRole);
        is(redis.take(), "", "one answer is missing");
        is(redis.wire.command(1, {"GET", "a"}, redis.now).code() == Code::unavailable, true,
           "no command yet");
        redis.say(bulk(token));
        is(redis.take(), "greeted;", "greeted");
        is(redis.wire.client_id(), 42U, "CLIENT ID is remembered");
        ok(redis.wire.ready() && redis.wire.unanswered() == 0, "ready");
    }
}

void refused_greetings() {
    struct Row {
        const char *name;
        std::string replies;
        std::string told;
    };
    const std::vector<Row> rows = {
        {"wrong password", "-WRONGPASS invalid\r\n-NOAUTH x\r\n",
         "wrong password or user/AUTH/WRONGPASS invalid"},
        {"no password there", "-ERR AUTH <password> called without\r\n",
         "wrong password or user/AUTH/ERR AUTH <password> called without"},
        {"max clients", "-ERR max number of clients reached\r\n",
         "too many clients/AUTH/ERR max number of clients reached"},
        {"no such database", "+OK\r\n-ERR DB index is out of range\r\n",
         "no such database/SELECT/ERR DB index is out of range"},
        {"may not name itself", "+OK\r\n+OK\r\n-NOPERM run the 'client|setname' command\r\n",
         "not permitted/CLIENT SETNAME/NOPERM run the 'client|setname' command"},
        {"has no CLIENT ID", "+OK\r\n+OK\r\n+OK\r\n-ERR unknown command\r\n",
         "unknown command/CLIENT ID/ERR unknown command"},
        {"a replica", "+OK\r\n+OK\r\n+OK\r\n:1\r\n" + array({bulk("slave"), bulk("h")}),
         "not the master/ROLE/slave"},
        {"loading", "+OK\r\n+OK\r\n+OK\r\n:1\r\n" + kRole + "-LOADING Redis is\r\n",
         "loading its data/PING/LOADING Redis is"},
        {"a lonely replica", "+OK\r\n+OK\r\n+OK\r\n:1\r\n" + kRole + "-MASTERDOWN Link\r\n",
         "replica without its master/PING/MASTERDOWN Link"},
        {"no Redis at all", "SSH-2.0-OpenSSH\r\n", "protocol error//not Redis's protocol"},
        {"a strange answer", ":1\r\n", "protocol error//a strange answer to the greeting"},
        {"a strange id", "+OK\r\n+OK\r\n+OK\r\n+1\r\n", "protocol error//a strange answer to the greeting"},
        {"a strange pong", "+OK\r\n+OK\r\n+OK\r\n:1\r\n" + kRole + "$1\r\n5\r\n",
         "protocol error//a strange answer to PING"},
    };
    for (const Row &row : rows) {
        for (const std::size_t slice : kSlices) {
            FakeRedis redis(slice, with(kAll));
            redis.wire.start(redis.now);
            redis.say(row.replies);
            is(redis.take(), "lost " + row.told + ";", row.name);
            ok(redis.wire.output().empty() && !redis.wire.ready(), "nothing is left to be said");
            redis.pass(60'000);
            is(redis.take(), "", "told once");
        }
    }
}

void no_greeting_in_time() {
    FakeRedis redis(0, with(kAll));
    redis.wire.start(redis.now);
    redis.said();
    redis.say("+OK\r\n+OK\r\n");
    redis.pass(4999);
    is(redis.take(), "", "it may take five seconds");
    redis.pass(1);
    is(redis.take(), "lost timed out//timed out;", "not longer");
}

void answers() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice);
        redis.greet();
        const Text words[] = {"PUBLISH", "c", "payload"};
        ok(static_cast<bool>(redis.wire.command(7, {"GET", "a"}, redis.now)), "a command");
        ok(static_cast<bool>(redis.wire.command(7, words, redis.now)), "one of words");
        ok(static_cast<bool>(redis.wire.command(9, {"LRANGE", "l"}, redis.now)), "and another");
        is(redis.said(), "GET a|PUBLISH c payload|LRANGE l", "a pipeline");
        is(redis.wire.unanswered(), 3U, "three wait");
        redis.say("$1\r\nx\r\n-ERR no\r\n" + array({bulk("message"), bulk("b"), bulk("c")}));
        is(redis.take(), "7=$x;7=-ERR no;9=[$message,$b,$c];", "each has its own answer, and no messages");
        is(redis.wire.unanswered(), 0U, "none waits");
        redis.say(":1\r\n");
        is(redis.take(), "lost protocol error//an answer to nothing;", "no answer is left over");
    }
}

void asked_inside_an_answer() {
    FakeRedis redis;
    redis.greet();
    redis.on_answer = [&redis] {
        for (std::uint64_t i = 0; i < 100; ++i) {
            static_cast<void>(redis.wire.command(100 + i, {"GET", "b"}, redis.now));
        }
    };
    static_cast<void>(redis.wire.command(1, {"GET", "a"}, redis.now));
    redis.say("+1\r\n+2\r\n");
    is(redis.take(), "1=+1;100=+2;", "commands inside of an answer");
    is(redis.wire.unanswered(), 99U, "wait for theirs");
    FakeRedis other;
    other.greet();
    other.on_answer = [&other] { other.wire.stop(other.now); };
    static_cast<void>(other.wire.command(1, {"GET", "a"}, other.now));
    other.say("+1\r\n+OK\r\n");
    is(other.take(), "1=+1;lost stopped//stopped;", "stopped inside of an answer");
}

void lost_once() {
    FakeRedis redis;
    redis.greet();
    for (std::uint64_t cookie = 1; cookie <= 3; ++cookie) {
        static_cast<void>(redis.wire.command(cookie, {"INCR", "n"}, redis.now));
    }
    redis.say(":1\r\n:");
    redis.wire.lost("reset by peer", redis.now);
    is(redis.take(), "1=:1;2?;3?;lost connection closed//reset by peer;", "what had no answer is unknown");
    redis.wire.lost("again", redis.now);
    is(redis.say(":2\r\n:3\r\n"), 0U, "nothing is dealt with any more");
    is(redis.take(), "", "once");
    is(redis.wire.command(4, {"GET"}, redis.now).code() == Code::unavailable, true, "no command any more");
    redis.greet();
    static_cast<void>(redis.wire.command(5, {"GET", "a"}, redis.now));
    redis.say("+five\r\n");
    is(redis.take(), "5=+five;", "a new connection has answers of its own");
    static_cast<void>(redis.wire.command(6, {"GET", "a"}, redis.now));
    redis.wire.start(redis.now);
    is(redis.take(), "6?;lost stopped//started again;", "nothing is forgotten by a new start");
}

void too_much() {
    RedisWireSettings settings;
    settings.output = 1000;
    settings.commands = 4;
    FakeRedis redis(0, settings);
    redis.greet();
    const std::string large(5000, 'x');
    ok(static_cast<bool>(redis.wire.command(1, {"SET", "a", large}, redis.now)), "one of any size");
    is(Text(redis.wire.command(2, {"GET", "a"}, redis.now).error().where),
       "too much waits to be sent to Redis", "no more behind it");
    const Text name = "c";
    is(redis.wire.subscribe(2, Subscription::Kind::channel, {&name, 1}, redis.now).code() == Code::full, true,
       "no subscription either");
    redis.wire.wrote(4500);
    ok(static_cast<bool>(redis.wire.command(3, {"GET", "a"}, redis.now)), "most of it was written");
    is(redis.wire.unanswered(), 2U, "what was refused does not wait");
    redis.wire.wrote(redis.wire.waiting());
    static_cast<void>(redis.wire.command(4, {"GET", "a"}, redis.now));
    static_cast<void>(redis.wire.command(5, {"GET", "a"}, redis.now));
    is(Text(redis.wire.command(6, {"GET", "a"}, redis.now).error().where), "too many commands wait for Redis",
       "too many without an answer");
    redis.say("+1\r\n");
    ok(static_cast<bool>(redis.wire.command(6, {"GET", "a"}, redis.now)), "one has its answer");
}

void written_in_parts() {
    FakeRedis redis;
    redis.greet();
    redis.armed = 0;
    std::string all;
    for (std::uint64_t i = 0; i < 200; ++i) {
        const std::string value(2000 + i, static_cast<char>('a' + i % 26));
        const std::size_t before = redis.wire.waiting();
        static_cast<void>(redis.wire.command(i, {"SET", "a", value}, redis.now));
        ok(redis.wire.waiting() > before || i > 0, "it waits");
        const std::size_t part = std::min<std::size_t>(redis.wire.waiting(), 1900);
        all += redis.wire.output().substr(0, part);
        redis.wire.wrote(part);
    }
    is(redis.armed, 1, "armed once while something waits");
    all += redis.wire.output();
    redis.wire.wrote(redis.wire.waiting());
    wire::RespReader reader;
    reader.feed(as_bytes(all));
    std::size_t count = 0;
    for (auto command = reader.next(); command; command = reader.next()) {
        count += command[2].size() == 0 && command[2].text().size() == 2000 + count ? 1 : 1000;
    }
    is(count, 200U, "all was written, in order");
    static_cast<void>(redis.wire.command(1, {"GET"}, redis.now));
    is(redis.armed, 2, "armed again");
}

void deadlines() {
    FakeRedis redis;
    redis.greet();
    redis.pass(999);
    is(redis.said(), "", "a second of silence");
    redis.pass(1);
    const std::string token = redis.token();
    is(token, std::to_string(redis.now), "PING with a token");
    redis.pass(3000);
    redis.say(bulk(token));
    is(redis.said() + redis.take(), "", "one at a time");
    static_cast<void>(redis.wire.command(1, {"GET", "a"}, redis.now));
    redis.pass(2000);
    static_cast<void>(redis.wire.command(2, {"GET", "b"}, redis.now));
    redis.said();
    redis.pass(2900);
    is(redis.said(), "", "no PING while an answer is due");
    redis.say("+1\r\n");
    redis.pass(2000);
    is(redis.take(), "1=+1;", "each has its own five seconds");
    redis.pass(200);
    is(redis.take(), "2?;lost timed out//timed out;", "over");
    redis.pass(60'000);
    is(redis.take() + redis.said(), "", "and no timer is left");
    is(redis.deadlines.next(), kNever, "none");
}

void a_pause() {
    FakeRedis late;
    late.greet();
    static_cast<void>(late.wire.command(1, {"GET", "a"}, late.now));
    late.pass(2500);
    late.say("+late\r\n");
    late.said();
    late.pass(1500);
    ok(late.said().starts_with("PING "), "silence counts from a late answer");
    FakeRedis redis;
    redis.greet();
    redis.pass(1000);
    redis.said();
    redis.pass(5000);
    is(redis.take(), "lost timed out//timed out;", "silence is found out in six seconds");
    RedisWireSettings quick;
    quick.command_timeout = 1000;
    FakeRedis other(0, quick);
    other.greet();
    other.pass(2000);
    is(other.take(), "lost timed out//timed out;", "in two with a deadline of one");
}

void stopping() {
    FakeRedis redis;
    redis.wire.stop(redis.now);
    is(redis.said() + redis.take(), "", "nothing to stop");
    redis.greet();
    static_cast<void>(redis.wire.command(1, {"GET", "a"}, redis.now));
    redis.wire.stop(redis.now);
    redis.wire.stop(redis.now);
    is(redis.said(), "GET a|QUIT", "said once");
    is(redis.wire.command(2, {"GET", "b"}, redis.now).code() == Code::unavailable, true, "no more commands");
    redis.say("+a\r\n+OK\r\n");
    is(redis.take(), "1=+a;lost stopped//stopped;", "answers still come");
    FakeRedis early(0, with(kAll));
    early.wire.start(early.now);
    early.wire.stop(early.now);
    early.say("+OK\r\n+OK\r\n+OK\r\n:1\r\n" + kRole + bulk(std::to_string(early.now)));
    is(early.take(), "", "stopped in the greeting: no word of it");
    early.wire.lost("closed", early.now);
    is(early.take(), "lost stopped//closed;", "whoever ends it, it was stopped");
    FakeRedis silent;
    silent.greet();
    silent.wire.stop(silent.now);
    silent.pass(5000);
    is(silent.take(), "lost stopped//timed out;", "nobody waits longer for the answer to QUIT");
}

} // namespace

int main() {
    greetings();
    greeted();
    refused_greetings();
    no_greeting_in_time();
    answers();
    asked_inside_an_answer();
    lost_once();
    too_much();
    written_in_parts();
    deadlines();
    a_pause();
    stopping();
    return done();
}
