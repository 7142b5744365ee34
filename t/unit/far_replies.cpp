// SPDX-License-Identifier: BSD-2-Clause
// Acks that a client owes to the host from which it came: their ids, who learns that it left, and
// how an answer gets back there when Redis is away or loses something.
#include "traveler.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr Rover::At kHome{0, 1};
constexpr Rover::At kAway{1, 1};
constexpr std::uint32_t kTimeout = 5000;

Rules &rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

// A client of the first host that goes to the second. Neither's worker holds the bridge.
struct Case {
    Case() : far(rules()), client(far, kHome, kAway) {
        for (FarHost *host : {&home, &away}) {
            host->host.deliver();
        }
    }

    // To all clients of this host. Where it ends in the log.
    hub::Position ask(FarHost &host, std::uint32_t slot) {
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.data = "[\"q\"]";
        envelope.remote = true; // the other host is not asked
        envelope.asker = {9, 1, {slot, 1}, kTimeout};
        const hub::Position end = *host.host[0].bus.publish(envelope);
        far.settle(now);
        return end;
    }

    hub::Position say(FarHost &host, std::size_t size) {
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.to = {"nobody"};
        envelope.remote = true;
        const std::string data(size, 'x');
        envelope.data = data;
        return *host.host[0].bus.publish(envelope);
    }

    [[nodiscard]] hub::Position head(FarHost &host) { return host.host[0].bus.head(); }

    void cross() {
        for (int i = 0; i < 10 && !client.taking(); ++i) {
            client.go_on(now);
            far.settle(now);
        }
        far.settle(now);
    }

    // From its WebSocket, at the new host.
    void answer(const std::string &packet) {
        away[kAway.worker].worker.hub.find(client.rover().sid)->session().on_ws_text(packet, now);
        away.pass(now);
        far.settle(now);
    }

    // As its hub has it, when the client answered.
    void answered(const std::string &json) {
        hub::AskerId asker{9, 1, {7, 1}, kTimeout};
        home.name.copy(asker.host.data(), asker.host.size());
        replies().answered(asker, client.id, {json, {}});
        away.pass(now);
        far.settle(now);
    }

    // The same, until the bridge has given it to its connection.
    void says(const std::string &json) {
        far.redis.up = false;
        answered(json);
        far.redis.up = true;
        away.pass(now += 100);
        away.host.mail(now);
    }

    [[nodiscard]] cluster::FarReplies &replies() { return away[kAway.worker].far_replies; }
    // What the askers of a host were told by whoever hears for it, and by the worker that had the client.
    std::string told(FarHost &host) { return host[0].worker.replies.take(); }
    std::string told_at_home() { return home[kHome.worker].worker.replies.take(); }
    std::string told_away() { return away[kAway.worker].worker.replies.take(); }

    // What Redis and the connections have of one topic gets lost.
    void lose() {
        for (auto &[name, ends] : far.redis.hosts) {
            ends.out.clear();
            ends.in.clear();
        }
    }

    Far far;
    FarHost &home = far.hosts[0];
    FarHost &away = far.hosts[1];
    Traveler client;
    Millis now = 0;
};

void test_where_it_goes() {
    Case one;
    hub::AskerId asker{0, 1, {7, 1}, 1000};
    const std::string bytes = "raw";
    const hub::Payload payload{"[1]", {as_bytes(bytes)}};
    one.replies().answered(asker, one.client.id, payload);
    is(one.told_away(), "7: " + one.client.id + " [1]<raw>", "an answer to this host stays here");
    is(one.replies().size(), 0u, "and is not kept");
    asker.host = {'a', 'a', 'a', 'a'};
    one.replies().arrived(asker, one.client.id);
    one.replies().departed(asker, one.client.id);
    one.replies().answered(asker, one.client.id, payload);
    one.away.pass(0);
    is(one.replies().size(), 1u, "one to another host is kept");
    one.far.settle();
    is(one.told_away(), "", "it does not stay");
    is(one.told(one.home), "7: " + one.client.id + " [1]<raw>", "but arrives there");
    is(one.replies().size(), 0u, "which is confirmed");
    one.far.pass(one.now, 3000);
    is(one.told(one.home), "", "so that it comes once");
}

// Both hosts ask at the same position of their logs.
void test_one_id() {
    Case one;
    one.say(one.home, 4000);
    const hub::Position first = one.ask(one.home, 1);
    const hub::Position question = one.head(one.away);
    const hub::Position least = one.ask(one.away, 3);
    const hub::Position both = one.say(one.away, 0) - question;
    one.told_away();
    one.told(one.home);
    is(one.told_at_home(), "1: asked " + one.client.id, "asked at its old host");
    one.client.poll(kHome, one.now);
    one.far.settle(one.now);
    one.cross();
    ok(one.client.arrived(), "it crosses");
    is(one.told_at_home(), "1: arrived " + one.client.id + "; 1: departed " + one.client.id,
       "of which the asker is told, behind its last turn there");
    is(one.told_away(), "", "and nobody at the new one");

    one.say(one.away, first - both - one.head(one.away));
    is(one.head(one.away), first - (least - question), "the other log is as far");
    is(one.ask(one.away, 2), first, "and asks at the same position");
    is(one.told_away(), "2: asked " + one.client.id, "asked at its new host");
    const std::vector<std::string> got = one.client.got();
    const std::string id = std::to_string(first);
    const std::string other = std::to_string(first + 1);
    is(got.size(), 2u, "two events");
    is(got.front() + got.back(), "42" + id + "[\"q\"]42" + other + "[\"q\"]", "of two ids");
    one.answer("43" + other + "[\"new\"]");
    is(one.told_away(), "2: " + one.client.id + " [\"new\"]", "the later to the new host");
    one.answer("43" + id + "[\"old\"]");
    is(one.told_away(), "", "the earlier not");
    is(one.told(one.home), "1: " + one.client.id + " [\"old\"]", "but to the old one");
}

void test_redis_away() {
    Case one;
    one.far.redis.up = false;
    one.answered("[1]");
    one.answered("[2]");
    one.far.pass(one.now, kTimeout - 200);
    is(one.told(one.home), "", "nobody hears it");
    is(one.replies().size(), 2u, "it is kept");
    one.far.redis.up = true;
    one.far.pass(one.now, 100);
    is(one.told(one.home), "7: " + one.client.id + " [1]; 7: " + one.client.id + " [2]",
       "said when Redis is back");
    is(one.replies().size(), 0u, "and confirmed");

    one.far.redis.up = false;
    one.answered("[3]");
    one.far.pass(one.now, kTimeout + 100);
    is(one.replies().size(), 0u, "but not longer than somebody waits for it");
    one.far.redis.up = true;
    one.far.pass(one.now, 3000);
    is(one.told(one.home), "", "it is not said any more");

    one.far.redis.up = false;
    one.answered("[4]");
    one.replies().forget_all();
    one.far.redis.up = true;
    one.far.pass(one.now, 3000);
    is(one.told(one.home), "", "nor when this host stops");
}

// Redis took it, or what confirms it, and lost it.
void test_lost() {
    Case one;
    one.says("[1]");
    ok(!one.far.redis.hosts["bbbb"].out.empty(), "it is said");
    one.lose();
    one.far.pass(one.now, 900);
    is(one.told(one.home), "", "and lost");
    one.far.pass(one.now, 200);
    is(one.told(one.home), "7: " + one.client.id + " [1]", "said again");
    is(one.replies().size(), 0u, "and confirmed");

    one.answered("[2]");
    is(one.told(one.home), "7: " + one.client.id + " [2]", "one that arrives at once");
    is(one.replies().size(), 0u, "is not kept");
    one.says("[3]");
    one.far.redis.take("bbbb");
    one.home.hear(one.now);
    is(one.told(one.home), "7: " + one.client.id + " [3]", "where only the confirmation is lost");
    one.lose();
    one.far.pass(one.now, 1100);
    is(one.told(one.home), "7: " + one.client.id + " [3]", "it comes once more: a question takes one");
    is(one.replies().size(), 0u, "until that is confirmed");
}

void test_bounds() {
    Case one;
    one.far.redis.up = false;
    for (std::size_t i = 0; i < cluster::FarReplies::kMost + 10; ++i) {
        one.replies().answered({9, 1, {7, 1}, kTimeout, {'a', 'a', 'a', 'a'}}, one.client.id, {"[]", {}});
    }
    is(one.replies().size(), cluster::FarReplies::kMost, "so many are kept");
    is(one.away.sum(hub::Metric::acks_unkept), 10, "and those beyond are counted");
    one.away.pass(one.now);
    one.far.pass(one.now, kTimeout + 100);
    is(one.replies().size(), 0u, "for their time");
    const std::string big(cluster::FarReplies::kMostBytes / 4, 'x');
    for (int i = 0; i < 10; ++i) {
        one.replies().answered({9, 1, {7, 1}, kTimeout, {'a', 'a', 'a', 'a'}}, one.client.id, {big, {}});
    }
    is(one.replies().size(), 3u, "and so many bytes");
    is(one.away.sum(hub::Metric::acks_unkept), 17, "beyond which they are counted, too");
}

// An answer that was cut is none, and confirmed by nobody.
void test_cut() {
    Case one;
    one.says("[1]");
    const std::deque<FakeRedis::Said> &out = one.far.redis.hosts["bbbb"].out;
    const std::string whole = out.empty() ? std::string() : out.front().body;
    one.lose();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        one.home[0].crossing.on_told("bbbb", as_bytes(whole).first(size), one.now);
    }
    is(one.told(one.home), "", "a part of an answer is none");
    one.far.settle(one.now);
    is(one.replies().size(), 1u, "and not confirmed");
    one.home[0].crossing.on_told("bbbb", as_bytes(whole), one.now);
    one.far.settle(one.now);
    is(one.told(one.home), "7: " + one.client.id + " [1]", "the whole is one");
    is(one.replies().size(), 0u, "and is");
}

} // namespace

int main() {
    test_where_it_goes();
    test_one_id();
    test_redis_away();
    test_lost();
    test_bounds();
    test_cut();
    return done();
}
