// SPDX-License-Identifier: BSD-2-Clause
// A session changes hosts: what is where afterwards, and what happens when something gets lost.
#include "traveler.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr Rover::At kHome{0, 0};
constexpr Rover::At kAway{1, 1};

struct Case {
    Case() : far(travel_rules()), client(far, kHome, kAway) {}

    void until_taking() {
        for (int i = 0; i < 10 && !client.taking(); ++i) {
            client.go_on(now);
            far.settle(now);
        }
    }
    // The probe is answered, and the move asked for.
    void ask() {
        client.go_on(0);
        far.settle();
        client.go_on(0);
        far.settle();
        client.go_on(0);
    }
    // The session has left, and has not arrived.
    void until_out() {
        ask();
        for (int i = 0; i < 100 && count(hub::Metric::crossed_out) == 0; ++i) {
            for (FarHost &host : far.hosts) {
                host.host.mail();
                host.publish();
                far.redis.take(host.name);
                host.hear();
            }
        }
    }
    hub::Connection *at(std::size_t host) {
        for (std::size_t i = 0; i < far.hosts[host].size(); ++i) {
            if (hub::Connection *found = far.hosts[host][i].worker.hub.find(client.rover().sid)) {
                return found;
            }
        }
        return nullptr;
    }
    std::int64_t count(hub::Metric metric) { return far.hosts[0].sum(metric) + far.hosts[1].sum(metric); }
    void watch() {
        watcher.emplace(far.hosts[0].host[0], far.hosts[0].host.session);
        watcher->say({"40"});
        far.hosts[0].host.deliver();
        watcher->heard();
    }

    Far far;
    Traveler client;
    Millis now = 0;
    std::optional<Peer> watcher;
};

void test_plain() {
    Case one;
    one.until_taking();
    ok(one.client.arrived(), "the session arrives");
    ok(one.at(0) == nullptr && one.at(1) != nullptr, "and is at one host only");
    is(one.far.hosts[0].host.roster.connections.size(), 0u, "its old host knows nothing of it");
    is(one.far.hosts[1].host.roster.sockets.size(), 1u, "its new one does");
    is(one.far.hosts[1].host.roster.sockets.begin()->second.id, one.client.id, "by its old id");
    is(one.far.hosts[0][0].crossing.size() + one.far.hosts[0][1].crossing.size(), 0u, "nothing is kept");
    is(one.count(hub::Metric::crossed_out) + one.count(hub::Metric::crossed_in), 2, "counted at both");
    is(one.far.hosts[1][1].relay.size(), 0u, "nobody waits");
}

void test_no_order() {
    Case one;
    one.far.redis.ordered = false;
    one.until_taking();
    is(one.client.rover().probes, "n", "without a common order the probe is refused");
    one.client.rover().probes.clear();
    one.client.poll(kAway, 0);
    one.far.settle();
    ok(one.client.rover().polls(), "and the session polls on, anywhere");
}

// The barrier never comes back.
void test_no_barrier() {
    Case one;
    one.ask();
    one.far.hosts[1].host.mail();
    one.far.redis.take("bbbb");
    one.far.redis.take("bbbb");
    one.far.hosts[0].hear();
    one.far.hosts[0].hear();
    one.far.hosts[0].host.mail();
    is(one.far.hosts[0][0].crossing.size(), 1u, "it waits for its barrier");
    one.far.redis.up = false;
    one.far.pass(one.now, 2900);
    is(one.far.hosts[0][0].crossing.size(), 1u, "for a while");
    one.far.pass(one.now, 200);
    is(one.far.hosts[0][0].crossing.size(), 0u, "then it ends");
    is(one.count(hub::Metric::not_crossed), 1, "and is counted");
    one.far.pass(one.now, 3000);
    ok(one.client.lost(), "the WebSocket is told");
    is(one.far.hosts[0].host.roster.connections.size(), 0u, "no record is left");
}

// The image gets lost on its way.
void test_lost_image() {
    Case one;
    one.until_out();
    is(one.count(hub::Metric::crossed_out), 1, "it has left");
    for (auto &[name, ends] : one.far.redis.hosts) {
        ends.out.clear();
        ends.in.clear();
    }
    one.far.pass(one.now, 1200);
    ok(one.client.arrived(), "an image that got lost is sent again");
    one.far.pass(one.now, 6000);
    ok(one.at(1) != nullptr && one.at(1)->session().open(), "and lives");
    is(one.count(hub::Metric::crossed_in), 1, "once");
}

// Nobody is there to take it.
void test_no_taker() {
    Case one;
    one.until_out();
    one.far.redis.up = false;
    one.far.pass(one.now, 6000);
    is(one.count(hub::Metric::crossed_in), 0, "it does not arrive");
    is(one.count(hub::Metric::not_crossed), 1, "it comes home to end");
    is(one.far.hosts[0].host.roster.connections.size(), 0u, "with nothing left");
}

// The new home's word that it has the session loses its last byte: that is no word at all.
void test_cut_confirmation() {
    Case one;
    one.until_out();
    FakeRedis &redis = one.far.redis;
    int cut = 0;
    for (int i = 0; i < 20 && cut == 0; ++i) {
        redis.take("aaaa");
        one.far.hosts[1].hear();
        one.far.hosts[1].host.mail();
        for (FakeRedis::Said &said : redis.hosts["bbbb"].out) {
            if (said.topic == cluster::Topic::crossing && said.to == "aaaa") {
                said.body.pop_back();
                ++cut;
            }
        }
    }
    is(cut, 1, "it is cut");
    one.far.settle();
    ok(one.at(0) == nullptr, "the session does not come home");
    one.far.pass(one.now, 6000);
    ok(one.at(0) == nullptr && one.at(1) != nullptr && one.at(1)->session().open(),
       "it lives where it arrived");
    is(one.far.hosts[0][0].crossing.size(), 0u, "and nobody waits for it");
}

// What other hosts say changes nothing here if it makes no sense.
void test_garbage() {
    Case one;
    one.client.go_on(0);
    one.far.settle();
    std::mt19937 random(5);
    cluster::Crossing &crossing = one.far.hosts[1][0].crossing;
    for (int i = 0; i < 20000; ++i) {
        std::string bad(random() % 90, '\0');
        for (char &byte : bad) {
            byte = static_cast<char>(random() % 7 == 0 ? random() : random() % 4);
        }
        crossing.on_told(i % 9 == 0 ? "b" : "bbbb", as_bytes(bad), 0);
    }
    one.until_taking();
    ok(one.client.arrived() && one.at(0) == nullptr, "garbage is survived, and the session arrives");
}

// The image on its way to the WebSocket that waits for it.
std::string *image_of(Case &one) {
    one.until_out();
    FakeRedis &redis = one.far.redis;
    for (std::deque<FakeRedis::Said> *queue : {&redis.hosts["aaaa"].out, &redis.hosts["bbbb"].in}) {
        for (FakeRedis::Said &said : *queue) {
            if (said.topic == cluster::Topic::relay && said.from == "aaaa" && said.to == "bbbb" &&
                said.body.size() > 200) {
                return &said.body;
            }
        }
    }
    return nullptr;
}

// The image of a session comes damaged. It arrives, or it ends; it never is at two hosts, and nobody
// waits for ever.
void test_bad_images() {
    int lost = 0;
    int arrived = 0;
    std::string wrong;
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        Case one;
        std::string *image = image_of(one);
        if (image == nullptr) {
            wrong += "no image ";
            break;
        }
        const std::size_t at = random() % image->size();
        if (seed % 2 == 0) {
            image->resize(at);
        } else {
            (*image)[at] = static_cast<char>((*image)[at] ^ (1 << random() % 8));
        }
        one.far.pass(one.now, 15'000);
        arrived += one.client.arrived() ? 1 : 0;
        lost += one.client.lost() ? 1 : 0;
        const std::size_t sessions =
            one.far.hosts[0].host.roster.connections.size() + one.far.hosts[1].host.roster.connections.size();
        const std::size_t under_way = one.far.hosts[0][0].crossing.size() + one.far.hosts[1][1].relay.size();
        const bool good = one.client.arrived() != one.client.lost() && under_way == 0 && sessions <= 1;
        wrong += good ? "" : std::to_string(seed) + " ";
    }
    is(wrong, "", "of a damaged image nothing is left, or all of it");
    ok(lost > 20 && arrived > 0, "some are refused, and some come again whole");
}

} // namespace

int main() {
    test_plain();
    test_no_order();
    test_no_barrier();
    test_lost_image();
    test_no_taker();
    test_cut_confirmation();
    test_garbage();
    test_bad_images();
    return done();
}
