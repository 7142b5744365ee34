// SPDX-License-Identifier: BSD-2-Clause
// Which server is next: of several, behind Sentinel, in a cluster; slots of keys, redirections.
#include "cluster/redis_nodes.hpp"
#include "redis_env.hpp"

#include <vector>

using namespace rt;
using namespace rt::cluster;
using namespace rt::test;

namespace {

std::string show(const RedisAddress &address) { return address.host + ":" + std::to_string(address.port); }

std::string show(const RedisNodes::Step &step) {
    using Kind = RedisNodes::Step::Kind;
    if (step.kind == Kind::wait) {
        return "wait";
    }
    return (step.kind == Kind::ask ? "ask " : "connect ") + show(step.address);
}

std::string show(const std::vector<RedisAddress> &list) {
    std::string out;
    for (const RedisAddress &each : list) {
        out += (out.empty() ? "" : " ") + show(each);
    }
    return out;
}

// One reply, for as long as this lives.
struct Reply {
    explicit Reply(std::string text_) : text(std::move(text_)) {
        reader.feed(as_bytes(text));
        value = reader.next();
    }
    std::string text;
    wire::RespReader reader;
    wire::RespValue value;
};

std::string number(std::int64_t value) { return ":" + std::to_string(value) + "\r\n"; }

std::string node(const std::string &host, int port) {
    return array({host == "nil" ? "$-1\r\n" : bulk(host), number(port), bulk("id")});
}

std::string range(int first, int last, const std::string &master) {
    return array({number(first), number(last), master, node("replica", 1)});
}

const RedisAddress kA{"a", 1};
const RedisAddress kB{"b", 2};
const RedisAddress kC{"c", 3};

void slots() {
    const std::pair<Text, std::uint16_t> rows[] = {
        {"123456789", 0x31C3}, // the check value of CRC16/XMODEM
        {"", 0},
        {"foo", 12182},
        {"bar", 5061},
        {"{foo}bar", 12182},
        {"x{foo}", 12182},
        {"{foo}{bar}", 12182},
        {"foo{}bar", 14292}, // an empty tag is none
        {"foo{bar", 15278},
        {"{{bar}}", 4015}, // the key is `{bar`
        {"socket.io#/#", 13868},
    };
    for (const auto &[key, slot] : rows) {
        is(key_slot(key), slot, "slot of '" + std::string(key) + "'");
    }
    is(key_slot("{user1000}.following"), key_slot("{user1000}.followers"), "one tag, one slot");
}

void addresses() {
    const std::pair<Text, std::string> rows[] = {
        {"127.0.0.1:6379", "127.0.0.1:6379"},
        {"::1:6379", "::1:6379"},
        {"[::1]:6379", "::1:6379"},
        {"redis.example:1", "redis.example:1"},
        {":6380", "same:6380"},
        {"?:6380", "none"},
        {"a:0", "none"},
        {"a:65536", "none"},
        {"a:x", "none"},
        {"a", "none"},
        {"", "none"},
    };
    for (const auto &[text, shown] : rows) {
        const auto address = parse_redis_address(text, "same");
        is(address ? show(*address) : "none", shown, "'" + std::string(text) + "'");
    }
    ok(!parse_redis_address(":6380", ""), "no host at all");
}

void redirects() {
    const std::pair<Text, std::string> rows[] = {
        {"MOVED 3999 127.0.0.1:6381", "3999 127.0.0.1:6381"},
        {"ASK 0 ::1:6381", "ask 0 ::1:6381"},
        {"MOVED 16383 :6381", "16383 a:6381"},
        {"MOVED 16384 a:1", "none"},
        {"MOVED -1 a:1", "none"},
        {"MOVED 5", "none"},
        {"MOVED", "none"},
        {"MOVED 5 a:b", "none"},
        {"MOVED  5 a:1", "none"},
        {"CLUSTERDOWN The cluster is down", "none"},
        {"ERR no", "none"},
    };
    for (const auto &[text, shown] : rows) {
        const auto to = parse_redirect(text, kA);
        is(to ? (to->ask ? "ask " : "") + std::to_string(to->slot) + " " + show(to->to) : "none", shown,
           "'" + std::string(text) + "'");
    }
}

void standalone() {
    RedisNodes one({RedisMode::standalone, {kA}, ""});
    is(show(one.next()), "connect a:1", "the only one");
    one.failed();
    is(show(one.next()), "wait", "it was all");
    is(show(one.next()), "connect a:1", "again");
    RedisNodes three({RedisMode::standalone, {kA, kB, kC}, ""});
    is(show(three.next()) + show(three.next()), "connect a:1connect a:1", "the first, as often as asked");
    three.failed();
    is(show(three.next()), "connect b:2", "then the second");
    three.reached();
    is(show(three.next()), "connect b:2", "whoever was reached is tried first");
    three.failed();
    three.failed();
    is(show(three.next()), "connect a:1", "around");
    three.failed();
    is(show(three.next()), "wait", "each once in a round");
    is(show(three.next()), "connect b:2", "the next round");
}

void sentinel() {
    RedisNodes nodes({RedisMode::sentinel, {kA, kB}, "main"});
    is(nodes.questions().size(), 2U, "two questions");
    is(nodes.questions()[0][1] + " " + nodes.questions()[0][2], "GET-MASTER-ADDR-BY-NAME main", "the first");
    is(show(nodes.next()), "ask a:1", "the first is asked");
    nodes.answered(0, Reply("*-1\r\n").value);
    nodes.answered(1, Reply("-ERR No such master with that name\r\n").value);
    is(show(nodes.next()), "ask b:2", "it does not know");
    nodes.answered(0, Reply(array({bulk("10.0.0.9"), bulk("6379")})).value);
    const std::string others = array({
        array({bulk("name"), bulk("ip"), bulk("ip"), bulk("c"), bulk("port"), bulk("3")}),
        array({bulk("ip"), bulk("b"), bulk("port"), bulk("2")}),
        array({bulk("ip"), bulk("broken"), bulk("port")}),
        ":1\r\n",
    });
    nodes.answered(1, Reply(others).value);
    is(show(nodes.known()), "a:1 b:2 c:3", "further Sentinels are remembered, each once");
    is(show(nodes.next()), "connect 10.0.0.9:6379", "the master");
    nodes.failed();
    is(show(nodes.next()), "ask c:3", "dead, or not the master: another Sentinel is asked");
    nodes.answered(0, Reply(array({bulk("10.0.0.8"), bulk("6379")})).value);
    nodes.answered(1, Reply("*0\r\n").value);
    is(show(nodes.known()), "a:1 b:2", "as the last one says");
    is(show(nodes.next()), "connect 10.0.0.8:6379", "its successor");
    nodes.reached();
    is(show(nodes.next()), "ask a:1", "lost again: Sentinels first");
    nodes.failed();
    nodes.failed();
    is(show(nodes.next()), "wait", "none is there");
    is(show(nodes.next()), "ask a:1", "the next round");
}

void sentinels_that_err() {
    for (const std::string &bad :
         {array({bulk("h")}), array({bulk("h"), bulk("0")}), array({bulk(""), bulk("1")}),
          std::string("-NOAUTH x\r\n"), std::string(":1\r\n"), array({bulk("?"), bulk("1")})}) {
        RedisNodes nodes({RedisMode::sentinel, {kA, kB}, "main"});
        nodes.answered(0, Reply(bad).value);
        nodes.answered(1, Reply(bad).value);
        is(show(nodes.next()), "ask b:2", "no master in " + std::to_string(bad.size()) + " bytes");
    }
    RedisNodes nodes({RedisMode::sentinel, {kA, kB}, "main"});
    for (int round = 0; round < 2; ++round) {
        nodes.answered(0, Reply(array({bulk("dead"), bulk("1")})).value);
        nodes.answered(1, Reply("*0\r\n").value);
        is(show(nodes.next()), "connect dead:1", "both name a dead master");
        nodes.failed();
    }
    is(show(nodes.next()), "wait", "so it takes time");
}

void cluster_of_masters() {
    RedisNodes nodes({RedisMode::cluster, {kC, kA}, ""});
    ok(nodes.owner(0) == nullptr && nodes.is_stale(), "nothing is known");
    is(show(nodes.next()), "connect c:3", "any node");
    const Reply reply(array({range(0, 5000, node("a", 1)), range(5001, 10000, node("b", 2)),
                             range(10001, 10001, node("a", 1)), range(10002, 16382, node("", 3))}));
    ok(static_cast<bool>(nodes.learn_slots(reply.value, kC)), "learned");
    is(show(nodes.known()), "a:1 b:2 c:3", "masters, an empty host being who was asked");
    ok(!nodes.is_stale(), "fresh");
    is(show(nodes.nodes()), "a:1 replica:1 b:2 c:3", "with replicas, each once");
    ok(nodes.is_master(kB) && !nodes.is_master({"replica", 1}), "of which some are masters");
    const std::pair<std::uint16_t, std::string> rows[] = {{0, "a:1"},     {5000, "a:1"},  {5001, "b:2"},
                                                          {10001, "a:1"}, {16382, "c:3"}, {16383, "nobody"}};
    for (const auto &[slot, shown] : rows) {
        const RedisAddress *owner = nodes.owner(slot);
        is(owner != nullptr ? show(*owner) : "nobody", shown, "who serves " + std::to_string(slot));
    }
    ok(nodes.owner(kSlots) == nullptr, "no such slot");
    is(show(nodes.next()), "connect c:3", "the same node, though the list has changed");
    nodes.failed();
    is(show(nodes.next()), "connect a:1", "the next live node");
    nodes.moved(*parse_redirect("MOVED 0 d:4", kA));
    is(show(*nodes.owner(0)), "d:4", "a slot has moved to a new node");
    ok(nodes.is_stale(), "so the map is old");
    is(show(nodes.known()), "a:1 b:2 c:3 d:4", "which is known now");
    RedisNodes blank({RedisMode::cluster, {kA}, ""});
    blank.moved(*parse_redirect("MOVED 7 d:4", kA));
    ok(blank.owner(7) != nullptr && blank.owner(8) == nullptr, "a redirection before all else");
}

void bad_topologies() {
    const std::pair<const char *, std::string> rows[] = {
        {"an error", "-ERR This instance has cluster support disabled\r\n"},
        {"no ranges", array({bulk("x")})},
        {"a text for a slot", array({array({bulk("0"), number(1), node("a", 1)})})},
        {"backwards", array({range(5, 4, node("a", 1))})},
        {"beyond the last slot", array({range(0, 16384, node("a", 1))})},
        {"below the first", array({range(-1, 5, node("a", 1))})},
        {"no master", array({array({number(0), number(1)})})},
        {"a master without a port", array({array({number(0), number(1), array({bulk("a")})})})},
        {"a good one first", array({range(0, 9, node("x", 1)), bulk("y")})},
    };
    RedisNodes nodes({RedisMode::cluster, {kA}, ""});
    static_cast<void>(nodes.learn_slots(Reply(array({range(0, 9, node("b", 2))})).value, kA));
    for (const auto &[name, text] : rows) {
        const Reply reply(text);
        is(nodes.learn_slots(reply.value, kA).code() == Code::protocol, true, name);
        ok(nodes.owner(9) != nullptr && show(*nodes.owner(9)) == "b:2", "nothing has changed");
    }
    const Reply unknown(array({range(0, 4, node("nil", 7)), range(5, 9, node("?", 7))}));
    ok(static_cast<bool>(nodes.learn_slots(unknown.value, kA)), "unknown endpoints");
    is(show(*nodes.owner(4)), "a:7", "nil: who was asked");
    ok(nodes.owner(5) == nullptr, "?: nobody");
}

} // namespace

int main() {
    slots();
    addresses();
    redirects();
    standalone();
    sentinel();
    sentinels_that_err();
    cluster_of_masters();
    bad_topologies();
    return done();
}
