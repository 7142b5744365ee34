// SPDX-License-Identifier: BSD-2-Clause
// Requests of one polling session at all workers of two hosts, in any schedule, with a Redis that
// loses what is under way. Each event counts once and in its order, or the session ends and its
// client is told.
#include "rover.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr Rover::At kHome{0, 0};
constexpr Rover::At kAway{1, 1};

Rules &rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/").on("me", "emit mine data=$realtime_arg_0;ack 1").on("quit", "close connection");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

// A session whose CONNECT went through the other host.
struct Case {
    Case() : far(rules()), rover(far, kHome) {
        rover.post(kAway, "40");
        far.settle();
        rover.poll(kAway);
        far.settle();
        rover.got.clear();
    }

    void event(int number, Rover::At at = kAway) {
        rover.post(at, "42[\"me\"," + std::to_string(number) + "]", now);
        far.settle(now);
    }
    void poll(Rover::At at = kAway) {
        rover.poll(at, now);
        far.settle(now);
    }
    std::string got() {
        std::string all;
        for (const std::string &packet : std::exchange(rover.got, {})) {
            all += (all.empty() ? "" : " ") + packet;
        }
        return all + (rover.broken.empty() ? "" : " !" + rover.take_broken());
    }
    // What is under way to and from Redis is lost.
    void lose() {
        for (auto &[name, ends] : far.redis.hosts) {
            ends.out.clear();
            ends.in.clear();
        }
    }
    // A POST through the other host is taken, and its answer gets lost.
    void lose_answer() {
        rover.post(kAway, "42[\"me\",1]");
        far.hosts[1].host.mail();
        far.redis.take("bbbb");
        far.hosts[0].hear();
        far.hosts[0].host.mail();
        far.hosts[0].host.deliver();
        lose();
    }
    std::int64_t count(hub::Metric metric) { return far.hosts[0].sum(metric) + far.hosts[1].sum(metric); }

    Far far;
    Rover rover;
    Millis now = 0;
};

// --- one call after the other ---

void test_plain() {
    Case one;
    one.event(1);
    is(one.rover.posts(), false, "a POST at the other host is answered");
    one.poll();
    is(one.got(), "42[\"mine\",1]", "a GET at the other host has what was queued");
    one.poll();
    ok(one.rover.polls(), "a GET is held");
    one.event(2, kHome);
    is(one.got(), "42[\"mine\",2]", "and answered when there is something");
    one.poll(kHome);
    one.event(3, {1, 0});
    is(one.got(), "42[\"mine\",3]", "home and away in turn");
    is(one.count(hub::Metric::relay_repeats), 0, "nothing was said twice");
    is(one.far.hosts[1].sum(hub::Metric::relay_bytes), 0, "nothing is kept at the asker");
}

void test_pairs() {
    Case one;
    one.poll();
    one.rover.begin(kAway);
    one.far.settle();
    ok(one.rover.posts(), "an announced POST waits for its body");
    one.rover.body("42[\"me\",1]");
    one.far.settle();
    is(one.got(), "42[\"mine\",1]", "its body is taken");
    one.rover.begin(kAway);
    one.far.settle();
    one.rover.of_post(cluster::Call::post_drop);
    one.event(2);
    one.poll();
    is(one.got(), "42[\"mine\",2]", "one that was dropped harms nobody");
    one.poll();
    one.rover.of_poll(cluster::Call::let_go);
    one.far.settle();
    is(std::to_string(one.rover.noops) + one.got(), "1", "a GET that has to end is answered with a noop");
    one.poll();
    one.rover.of_poll(cluster::Call::abort);
    one.far.settle();
    ok(one.rover.connection() == nullptr, "a GET that broke off ends the session");
    one.poll();
    is(one.got(), " !GET 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ",
       "which nobody knows any more");
}

void test_overlaps() {
    Case one;
    one.poll();
    const auto first = one.rover.polls();
    one.poll(kHome); // the rover forgets its first GET
    ok(first && one.rover.connection() == nullptr, "two GETs at two hosts end the session");
    is(one.got(), " !GET 400; ", "the second is refused");
}

void test_close() {
    Case one;
    one.poll();
    one.rover.post(kHome, "42[\"quit\"]");
    one.far.settle();
    one.poll();
    is(one.got(), "41 !closed; ", "a session that is put out here says so there");
}

// --- nobody there ---

void test_nobody() {
    Case one;
    one.far.redis.gone.insert("aaaa");
    one.poll();
    is(one.got(), " !GET 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ",
       "a host that is gone: at once");
    one.event(1);
    is(one.got(), " !POST 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ", "a POST, too");
    one.far.hosts[1].has_bridge = false;
    one.poll();
    is(one.got(), " !GET 400; ", "no bridge");
    ok(!one.far.hosts[1][0].relay.reaches("bbbb567890"), "a sid of one's own host is no other's");
    ok(!one.far.hosts[0][0].relay.reaches("bbb"), "nor is what is too short");
    is(one.far.hosts[1][1].relay.size(), 0u, "nothing waits");
}

// What waits when a host goes does not wait until it asks again.
void test_gone_meanwhile() {
    Case one;
    one.poll();
    one.rover.post(kAway, "42[\"me\",1]");
    one.far.hosts[1].host.mail();
    one.lose();
    const std::array<shm::SeatRef, 2> workers{{{0, 1}, {1, 1}}};
    cluster::Relay &bridge = one.far.hosts[1][0].relay;
    bridge.on_host_gone("cccc", workers, 0); // another
    bridge.on_host_gone("aaaa", workers, 0);
    one.far.settle();
    const std::string told = " 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ";
    const std::string got = one.got();
    ok(got == " !GET" + told + "POST" + told || got == " !POST" + told + "GET" + told,
       "a host that goes: " + got);
    is(one.far.hosts[1][1].relay.size(), 0u, "nothing waits any more");
}

void test_unknown() {
    Case one;
    one.rover.sid = "aaaa5678901234567890123456789012";
    one.poll();
    is(one.got(), " !GET 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ",
       "a sid that its host does not know");
    is(one.rover.probe(kAway, cluster::Call::probe).generation > 0, true, "a probe of it");
    one.far.settle();
    is(one.rover.probes, "n", "is refused");
}

// --- what gets lost ---

void test_lost_call() {
    Case one;
    one.rover.post(kAway, "42[\"me\",1]");
    one.far.hosts[1].host.mail();
    one.lose();
    one.far.pass(one.now, 900);
    ok(one.rover.posts(), "a POST that got lost waits");
    one.far.pass(one.now, 200);
    ok(!one.rover.posts(), "and is said again");
    one.poll();
    is(one.got(), "42[\"mine\",1]", "it counts once");
}

void test_lost_answer() {
    Case one;
    one.lose_answer();
    one.far.pass(one.now, 1100);
    ok(!one.rover.posts(), "a POST whose answer got lost is answered");
    one.rover.poll(kAway, one.now);
    one.far.hosts[1].host.mail(one.now);
    one.far.redis.take("bbbb");
    one.far.hosts[0].hear(one.now);
    one.far.hosts[0].host.mail(one.now);
    one.lose();
    one.far.pass(one.now, 1100);
    is(one.got(), "42[\"mine\",1]", "so is a GET, with the same, and the event counted once");
    ok(one.far.hosts[0].sum(hub::Metric::relay_bytes) > 0, "what was said is kept");
    one.poll();
    is(one.far.hosts[0].sum(hub::Metric::relay_bytes), 2, "until the client asks anew, but for an ok");
}

void test_late_repeat() {
    Case one;
    one.rover.poll(kAway);
    one.far.hosts[1].host.mail();
    one.far.redis.take("bbbb");
    const FakeRedis::Said early = one.far.redis.hosts["aaaa"].in.front();
    one.far.settle();
    one.event(1, kHome);
    one.poll(kHome);
    one.far.redis.hosts["aaaa"].in.push_back(early);
    one.far.settle();
    one.event(2, kHome);
    is(one.got(), "42[\"mine\",1] 42[\"mine\",2]", "a GET that comes again after the next one is nobody's");
}

void test_outage() {
    Case one;
    one.poll();
    one.far.redis.up = false;
    one.rover.post(kAway, "42[\"me\",1]");
    one.far.settle();
    one.far.pass(one.now, 3000);
    one.far.redis.up = true;
    one.far.pass(one.now, 2000);
    is(one.got(), "42[\"mine\",1]", "a short outage costs nothing but time");
    one.far.redis.up = false;
    one.poll();
    one.event(2);
    one.far.pass(one.now, 4900);
    ok(one.rover.posts(), "a POST waits");
    one.far.pass(one.now, 200);
    is(one.got(), " !POST 503; ", "for 5 seconds");
    one.far.pass(one.now, 24700);
    ok(one.rover.polls(), "a GET waits as long as its home would hold it");
    one.far.pass(one.now, 500);
    is(one.got(), " !GET 400 {\"code\":1,\"message\":\"Session ID unknown\"}; ", "and some more");
    is(one.count(hub::Metric::relay_late), 2, "both are counted");
    is(one.far.hosts[1][1].relay.size(), 0u, "nothing waits for ever");
}

void test_bridges() {
    Case one;
    one.poll();
    one.far.hosts[0].bridge = 1;
    one.far.hosts[1].bridge = 1;
    one.event(1, kHome);
    is(one.got(), "42[\"mine\",1]", "a GET is answered through other bridges than it came by");
    one.rover.post(kAway, "42[\"me\",2]");
    one.far.hosts[1].has_bridge = false;
    one.far.settle();
    one.far.pass(one.now, 500);
    one.far.hosts[1].has_bridge = true;
    one.far.hosts[1].bridge = 0;
    one.far.pass(one.now, 3000);
    one.poll();
    is(one.got(), "42[\"mine\",2]", "a bridge that was away for a moment");
}

void test_moved_home() {
    Case one;
    one.lose_answer();
    hub::Connection *connection = one.rover.connection();
    ok(one.far.hosts[0][0].worker.homes.send_away(*connection, {1, 1}, 0), "the session moves");
    one.far.settle();
    one.far.pass(one.now, 1100);
    ok(!one.rover.posts(), "its next home knows what was answered");
    one.poll();
    is(one.got(), "42[\"mine\",1]", "the event counts once");
}

void test_too_much() {
    Case one;
    const std::string big(cluster::Relay::kMostBytes + 1, 'x');
    one.event(1);
    one.rover.post(kAway, big);
    is(one.got(), " !POST 400; ", "what is too much to be kept is refused");
    is(one.far.hosts[1][1].relay.size(), 0u, "and not kept");
}

void test_garbage() {
    Case one;
    std::mt19937 random(7);
    one.rover.poll(kAway);
    one.far.hosts[1].host.mail();
    const std::string good = one.far.redis.hosts["bbbb"].out.front().body;
    cluster::Relay &relay = one.far.hosts[0][0].relay;
    for (int i = 0; i < 20000; ++i) {
        std::string bad = good.substr(0, random() % (good.size() + 1));
        for (std::uint32_t flips = random() % 4; flips > 0 && !bad.empty(); --flips) {
            bad[random() % bad.size()] = static_cast<char>(random());
        }
        relay.on_told(i % 7 == 0 ? "cc" : "cccc", as_bytes(bad), 0);
        relay.on_mail({1, 1}, static_cast<std::uint16_t>(cluster::kRelayMail + random() % 4), as_bytes(bad),
                      0);
    }
    one.far.redis.hosts["aaaa"].out.clear();
    one.far.hosts[0].host.mail();
    ok(true, "garbage is survived");
}

// --- any schedule ---

class Schedule {
public:
    explicit Schedule(std::uint32_t seed) : random_(seed), far_(rules()), rover_(far_, anywhere()) {
        rover_.post(kHome, "40");
        far_.settle();
        rover_.poll(kHome);
        far_.settle();
        rover_.got.clear();
    }

    std::string run(int steps, bool loses) {
        for (int i = 0; i < steps; ++i) {
            step(loses);
        }
        for (int i = 0; i < 40 && rover_.got.size() < static_cast<std::size_t>(said_); ++i) {
            far_.pass(now_, 1000);
            rover_.polls() ? void() : rover_.poll(anywhere(), now_);
            far_.settle(now_);
        }
        return verdict();
    }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }
    Rover::At anywhere() { return {pick(2), pick(2)}; }

    void step(bool loses) {
        FarHost &host = far_.hosts[pick(2)];
        switch (pick(10)) {
        case 0:
            rover_.polls() ? void() : rover_.poll(anywhere(), now_);
            return;
        case 1:
            if (!rover_.posts()) {
                rover_.post(anywhere(), "42[\"me\"," + std::to_string(++said_) + "]", now_);
            }
            return;
        case 2:
            host.host[pick(2)].deliver(now_);
            return;
        case 3:
            host.bridge = static_cast<std::uint32_t>(pick(8) == 0 ? 1 - host.bridge : host.bridge);
            return;
        case 4:
            now_ += static_cast<Millis>(pick(loses ? 150 : 20));
            host.pass(now_);
            return;
        case 5:
            lose(loses);
            return;
        case 6:
        case 7:
            far_.redis.take(host.name);
            return;
        default:
            host.hear(now_);
            host.host[pick(2)].mail(now_);
        }
    }

    // A connection breaks.
    void lose(bool loses) {
        FakeRedis::Ends &ends = far_.redis.hosts[far_.hosts[pick(2)].name];
        if (loses && pick(16) == 0) {
            pick(2) == 0 ? ends.in.clear() : ends.out.clear();
        }
    }

    std::string verdict() {
        if (!rover_.broken.empty()) {
            return rover_.broken;
        }
        for (int i = 0; i < said_; ++i) {
            const std::string expected = "42[\"mine\"," + std::to_string(i + 1) + "]";
            if (rover_.got.size() <= static_cast<std::size_t>(i) || rover_.got[i] != expected) {
                std::string all;
                for (const std::string &each : rover_.got) {
                    all += " " + each;
                }
                return "event " + std::to_string(i + 1) + " of " + std::to_string(said_) + ":" + all;
            }
        }
        return rover_.got.size() == static_cast<std::size_t>(said_) ? "" : "more than was said";
    }

    std::mt19937 random_;
    Far far_;
    Rover rover_;
    Millis now_ = 0;
    int said_ = 0;
};

void test_schedules(bool loses) {
    int broken = 0;
    std::string first;
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        const std::string wrong = Schedule(seed).run(400, loses);
        if (!wrong.empty()) {
            first = ++broken == 1 ? "seed " + std::to_string(seed) + ": " + wrong : first;
        }
    }
    is(first, "", std::string("400 schedules") + (loses ? ", and what is under way gets lost" : ""));
}

} // namespace

int main() {
    test_plain();
    test_pairs();
    test_overlaps();
    test_close();
    test_nobody();
    test_gone_meanwhile();
    test_unknown();
    test_lost_call();
    test_lost_answer();
    test_late_repeat();
    test_outage();
    test_bridges();
    test_moved_home();
    test_too_much();
    test_garbage();
    test_schedules(false);
    test_schedules(true);
    return done();
}
