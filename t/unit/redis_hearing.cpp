// SPDX-License-Identifier: BSD-2-Clause
// A connection that hears: subscriptions and what confirms them, messages, a connection that is
// taken over, and which bytes may be taken out of the socket.
#include "redis_env.hpp"

#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

using Kind = Subscription::Kind;

Result<void> subscribe(FakeRedis &redis, std::uint64_t cookie, Kind kind, std::vector<Text> names) {
    return redis.wire.subscribe(cookie, kind, names, redis.now);
}

Result<void> unsubscribe(FakeRedis &redis, std::uint64_t cookie, Kind kind, std::vector<Text> names) {
    return redis.wire.unsubscribe(cookie, kind, names, redis.now);
}

std::string message(Text channel, Text payload) {
    return array({bulk("message"), bulk(channel), bulk(payload)});
}

std::string pmessage(Text channel, Text payload) {
    return array({bulk("pmessage"), bulk("p*"), bulk(channel), bulk(payload)});
}

void hear(FakeRedis &redis) {
    redis.greet();
    static_cast<void>(subscribe(redis, 1, Kind::channel, {"c"}));
    redis.said();
    redis.say(confirmation("subscribe", "c"));
    redis.take();
}

void subscriptions() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice);
        redis.greet();
        ok(static_cast<bool>(subscribe(redis, 1, Kind::pattern, {"p*"})), "a pattern");
        ok(static_cast<bool>(subscribe(redis, 2, Kind::channel, {"a", "b"})), "two channels");
        ok(static_cast<bool>(subscribe(redis, 3, Kind::shard, {"s"})), "a shard channel");
        is(redis.said(), "PSUBSCRIBE p*|SUBSCRIBE a b|SSUBSCRIBE s", "one command each");
        is(redis.wire.unconfirmed(), 4U, "four names");
        redis.say(confirmation("psubscribe", "p*") + pmessage("pa", "early") +
                  confirmation("subscribe", "a", 2));
        is(redis.take(), "1=[$psubscribe,$p*,:1];<pa>early;", "messages come in between");
        is(redis.wire.unconfirmed(), 2U, "two are confirmed");
        redis.say(confirmation("subscribe", "b", 3));
        is(redis.take(), "2=[$subscribe,$b,:3];", "the last confirmation answers");
        redis.say(confirmation("ssubscribe", "s", 1) + message("a", "") +
                  array({bulk("smessage"), bulk("s"), bulk("x")}));
        is(redis.take(), "3=[$ssubscribe,$s,:1];<a>;<s>x;", "all kinds of messages");
        is(redis.wire.unconfirmed(), 0U, "all are confirmed");
        is(redis.wire.command(4, {"GET", "a"}, redis.now).code() == Code::unsupported, true, "no commands");
    }
}

void refused_subscriptions() {
    FakeRedis redis;
    redis.greet();
    is(subscribe(redis, 1, Kind::channel, {}).code() == Code::not_found, true, "of nothing");
    static_cast<void>(subscribe(redis, 1, Kind::channel, {"a", "b"}));
    static_cast<void>(subscribe(redis, 2, Kind::channel, {"c"}));
    redis.say("-NOPERM channels\r\n" + confirmation("subscribe", "c"));
    is(redis.take(), "1=-NOPERM channels;2=[$subscribe,$c,:1];", "one refusal for two names");
    is(redis.wire.unconfirmed(), 0U, "none is waited for");
    static_cast<void>(subscribe(redis, 3, Kind::shard, {"s"}));
    redis.say("-MOVED 7 h:1\r\n");
    is(redis.take(), "3=-MOVED 7 h:1;", "another node's slot");
    const std::pair<const char *, std::string> rows[] = {
        {"a status", "+OK\r\n"},
        {"the opposite", confirmation("unsubscribe", "d")},
        {"a short one", array({bulk("subscribe"), bulk("d")})},
        {"a number", ":1\r\n"},
    };
    for (const auto &[name, text] : rows) {
        FakeRedis other;
        hear(other);
        static_cast<void>(subscribe(other, 2, Kind::channel, {"d"}));
        other.say(text);
        is(other.take(), "2?;lost protocol error//a strange answer to a subscription;", name);
        is(other.wire.unconfirmed(), 0U, "none is waited for any more");
    }
}

void unsubscriptions() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice);
        hear(redis);
        static_cast<void>(unsubscribe(redis, 2, Kind::channel, {"c", "d"}));
        static_cast<void>(subscribe(redis, 3, Kind::shard, {"s", "t"}));
        static_cast<void>(unsubscribe(redis, 4, Kind::shard, {"s"}));
        is(redis.said(), "UNSUBSCRIBE c d|SSUBSCRIBE s t|SUNSUBSCRIBE s", "said");
        redis.say(message("c", "late") + confirmation("unsubscribe", "c", 0) +
                  confirmation("unsubscribe", "d", 0));
        is(redis.take(), "<c>late;2=[$unsubscribe,$d,:0];", "confirmed");
        redis.say(confirmation("ssubscribe", "s") + confirmation("ssubscribe", "t") +
                  confirmation("sunsubscribe", "t", 1));
        is(redis.take(), "3=[$ssubscribe,$t,:1];dropped t;", "a slot leaves: nobody asked");
        redis.say(confirmation("sunsubscribe", "s", 0));
        is(redis.take(), "4=[$sunsubscribe,$s,:0];", "that was asked");
        redis.say(confirmation("sunsubscribe", "s", 0));
        is(redis.take(), "dropped s;", "that not");
        static_cast<void>(unsubscribe(redis, 5, Kind::channel, {"x", "y"}));
        redis.say("-ERR no\r\n");
        is(redis.take(), "5=-ERR no;", "refused");
        redis.pass(1000);
        redis.say(array({bulk("pong"), bulk(redis.token())}));
        is(redis.take(), "", "still there");
    }
}

void adopted() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice);
        redis.wire.adopt(42, redis.now);
        const std::string token = redis.token();
        is(redis.wire.client_id(), 42U, "its id");
        redis.say(message("c", "1") + array({bulk("pong"), bulk("12")}) + pmessage("d", "2") +
                  confirmation("subscribe", "old") + confirmation("unsubscribe", "old") + "-ERR old\r\n");
        is(redis.take(), "<c>1;<d>2;", "messages count, the former owner's answers do not");
        is(subscribe(redis, 1, Kind::channel, {"e"}).code() == Code::unavailable, true, "not yet");
        redis.say(array({bulk("pong"), bulk(token)}) + message("c", "3"));
        is(redis.take(), "greeted;<c>3;", "our own pong");
        static_cast<void>(subscribe(redis, 1, Kind::channel, {"e"}));
        redis.say(confirmation("subscribe", "e"));
        is(redis.take(), "1=[$subscribe,$e,:1];", "answers are ours from here on");
        redis.say(confirmation("subscribe", "f"));
        is(redis.take(), "lost protocol error//an answer to nothing;", "all of them");
    }
    FakeRedis silent;
    silent.wire.adopt(42, silent.now);
    silent.pass(5000);
    is(silent.take(), "lost timed out//timed out;", "an adopted one may be dead");
    FakeRedis first;
    hear(first);
    first.pass(1000);
    const std::string old = first.token();
    first.wire.adopt(42, first.now);
    ok(first.token() != old, "no token twice");
    first.greet();
    ok(static_cast<bool>(first.wire.command(1, {"GET", "a"}, first.now)), "a new connection does not hear");
    first.take();
    first.say(message("c", "1"));
    is(first.take(), "1=[$message,$c,$1];", "and has no messages");
}

// As the shell does it: looks at what lies in the socket, feeds what is new, takes out what is done.
void peeked() {
    std::string socket;
    std::string expected;
    for (int i = 0; i < 300; ++i) {
        const std::string payload(static_cast<std::size_t>(i * i % 700), 'x');
        socket += pmessage("c", payload);
        expected += "<c>" + payload + ";";
    }
    for (const std::size_t window : {900, 1000, 4096, 100'000}) {
        FakeRedis redis;
        hear(redis);
        std::string left = socket;
        for (std::size_t rounds = 0; !left.empty() && rounds < 10'000; ++rounds) {
            const Text seen = Text(left).substr(0, window);
            const std::string fresh(seen.substr(redis.wire.pending()));
            const std::size_t before = redis.wire.pending();
            const std::size_t taken = redis.wire.feed(as_bytes(fresh), redis.now);
            if (taken + redis.wire.pending() != before + fresh.size()) {
                ok(false, "each byte is taken or pending");
            }
            left.erase(0, taken);
        }
        ok(redis.take() == expected, "all messages through a window of " + std::to_string(window));
        is(left.size() + redis.wire.pending(), 0U, "nothing is left in the socket");
    }
    FakeRedis redis;
    hear(redis);
    const std::string bad = message("c", "1") + message("c", "2") + "?\r\n";
    is(redis.say(bad), bad.size() - 3, "what was dealt with before an error is taken");
}

// A successor that reads from where the last whole message ended misses none and hears none twice.
void taken_over_anywhere() {
    std::string socket;
    for (int i = 0; i < 10; ++i) {
        socket += message("c", std::to_string(i));
    }
    for (std::size_t cut = 0; cut <= socket.size(); ++cut) {
        FakeRedis first;
        hear(first);
        const std::size_t taken = first.say(Text(socket).substr(0, cut));
        FakeRedis second;
        second.wire.adopt(1, second.now);
        second.say(Text(socket).substr(taken));
        const std::string all = first.take() + second.take();
        if (all != "<c>0;<c>1;<c>2;<c>3;<c>4;<c>5;<c>6;<c>7;<c>8;<c>9;") {
            ok(false, "cut at " + std::to_string(cut) + ": " + all);
        }
    }
    ok(true, "cut at each of " + std::to_string(socket.size()) + " bytes");
}

void silence() {
    FakeRedis redis;
    hear(redis);
    for (int i = 0; i < 20; ++i) {
        redis.pass(500);
        redis.say(message("c", "x"));
    }
    is(redis.said(), "", "no PING while messages come");
    redis.pass(1000);
    ok(!redis.wire.output().empty(), "PING after a second");
    redis.say(message("c", "y"));
    redis.take();
    redis.pass(5000);
    is(redis.take(), "lost timed out//timed out;", "messages do not answer it");
}

void stopped() {
    for (const std::size_t slice : kSlices) {
        FakeRedis redis(slice);
        hear(redis);
        static_cast<void>(subscribe(redis, 2, Kind::pattern, {"p*"}));
        redis.said();
        redis.wire.stop(redis.now);
        is(redis.said(), "UNSUBSCRIBE|PUNSUBSCRIBE|SUNSUBSCRIBE|QUIT", "said");
        redis.say(confirmation("psubscribe", "p*") + message("c", "last") +
                  confirmation("unsubscribe", "c", 1) + confirmation("punsubscribe", "p*", 0) +
                  array({bulk("sunsubscribe"), "$-1\r\n", ":0\r\n"}));
        is(redis.take(), "2=[$psubscribe,$p*,:1];<c>last;", "what was under way");
        redis.say("-ERR unknown command 'SUNSUBSCRIBE'\r\n+OK\r\n");
        is(redis.take(), "lost stopped//stopped;", "before version 7, too");
    }
}

} // namespace

int main() {
    subscriptions();
    refused_subscriptions();
    unsubscriptions();
    adopted();
    peeked();
    taken_over_anywhere();
    silence();
    stopped();
    return done();
}
