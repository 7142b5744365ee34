// SPDX-License-Identifier: BSD-2-Clause
// The hosts of a cluster: who lives, who is greeted, who is gone, and whether the loop is closed.
// The channel between them is the test's, and so is the clock.
#include "cluster/registry.hpp"

#include "peer_env.hpp"
#include "tap.hpp"

#include <deque>
#include <memory>

using namespace rt;
using namespace rt::test;
using cluster::Hello;
using cluster::Registry;

namespace {

class Host;

// Says to all what one says, when the test wants it.
struct Air {
    void settle(Millis now);

    std::vector<Host *> hosts;
    std::deque<std::pair<std::string, std::string>> said; // by whom, what
    int hellos = 0;
};

class Host final : public cluster::HostLine, public cluster::RegistryEvents {
public:
    Host(Air &air, std::string name) : air_(air), host(std::move(name)) {
        air.hosts.push_back(this);
        cluster::RegistrySettings settings{"rt:", "1.2", host, "node-" + host, host + "0000000"};
        registry.emplace(Registry::Ports{*this, line, voice, deadlines, *this}, std::move(settings));
    }

    Result<void> tell(Text to, cluster::Topic topic, std::span<const Bytes> pieces) override {
        if (!line.up) {
            return {Code::unavailable, "away"};
        }
        std::string body;
        for (const Bytes piece : pieces) {
            body += as_text(piece);
        }
        if (to.empty() && topic == cluster::Topic::hello) {
            air_.said.emplace_back(host, body);
            ++air_.hellos;
        }
        return {};
    }
    [[nodiscard]] std::uint64_t last_published() override { return last; }
    [[nodiscard]] Text bridge_state() override { return "connected"; }
    void on_host(const cluster::HostSeen &seen, bool newcomer, Millis) override {
        events += (newcomer ? "+" : "") + seen.hello.host + ":" + std::to_string(seen.hello.last) + " ";
    }
    void on_host_gone(const cluster::HostSeen &seen, Millis) override {
        events += "-" + seen.hello.host + " ";
    }
    void on_loop(bool closed, Millis) override { events += closed ? "closed " : "broken "; }
    void on_key_refused(Text error) override { events += std::string(error) + " "; }

    void hear(Text from, Text body, Millis now) { registry->on_told(from, as_bytes(body), now); }
    void reply(std::size_t which, const Reply &answer) {
        registry->on_reply(line.cookies.at(which).value, answer.value(), 0);
    }
    std::string take() { return std::exchange(events, {}); }

private:
    Air &air_;

public:
    std::string host;
    std::uint64_t last = 0;
    std::string events;
    PlainDialect dialect;
    Line line;
    cluster::PeerVoice voice{dialect, line};
    Deadlines deadlines;
    std::optional<Registry> registry;
};

// What all said is heard by all, themselves included, until nobody says more.
void Air::settle(Millis now) {
    while (!said.empty()) {
        const auto [from, body] = said.front();
        said.pop_front();
        for (Host *host : hosts) {
            if (host->line.up) {
                host->hear(from, body, now);
            }
        }
    }
}

Hello hello_of(const std::string &host) {
    Hello hello;
    hello.version = "9";
    hello.host = host;
    hello.node = "n";
    hello.uid = host + "0000000";
    return hello;
}

void one_alone() {
    Air air;
    Host host(air, "aaaa");
    host.last = 17;
    host.registry->on_up(1000);
    is(air.said.at(0).second,
       R"({"version":"1.2","host":"aaaa","node":"node-aaaa","uid":"aaaa0000000","state":"connected",)"
       R"("last":17,"nonce":1,"first":true})",
       "the first hello");
    const auto kinds = host.line.cookies;
    ok(kinds.size() == 2 && kinds[0].user == cluster::LineUser::registry &&
           kinds[1].user == cluster::LineUser::registry && kinds[0].value != kinds[1].value,
       "its replies are told apart");
    host.reply(1, servers(1));
    is(host.line.take(),
       R"(|SET rt:node:aaaa {"version":"1.2","host":"aaaa","node":"node-aaaa","uid":"aaaa0000000",)"
       R"("state":"connected","last":17,"nonce":1} PX 8000|PUBSUB NUMSUB req/)",
       "its key, and the count");
    air.settle(1030);
    is(host.take(), "", "nothing new");
    ok(host.registry->loop_closed() && host.registry->round_trip() == Millis{30}, "the loop is closed");
    ok(host.registry->counted() && host.registry->other_servers() == 0 && host.registry->live() == 1,
       "alone");
    is(host.deadlines.next(), 3500, "the next beat");
    host.deadlines.expire(3500);
    is(air.hellos, 2, "it comes");
    ok(host.line.sent.size() == 2, "with the key and the count");
    host.reply(1, servers(4));
    is(host.registry->other_servers(), 3U, "Node servers");
    host.reply(1, Reply("-ERR no\r\n"));
    is(host.registry->other_servers(), 3U, "an odd count is none");
    host.reply(0, Reply("-NOPERM no\r\n"));
    host.reply(0, Reply("-NOPERM no\r\n"));
    is(host.take(), "NOPERM no ", "a refused key is told once");
    host.reply(0, Reply("+OK\r\n"));
    host.registry->on_reply(host.line.cookies[0].value, nullptr, 0);
    is(host.take(), "", "an accepted or lost one is not");
}

void several() {
    Air air;
    Host a(air, "aaaa");
    Host b(air, "bbbb");
    a.registry->on_up(0);
    air.settle(0);
    is(b.take(), "+aaaa:0 ", "one that does not say hello yet hears it");
    a.last = 5;
    b.registry->on_up(700);
    air.settle(700);
    is(a.take(), "+bbbb:0 ", "a newcomer is heard");
    is(b.take(), "aaaa:5 ", "and hears the other at once");
    is(air.hellos, 3, "by one answer");
    is(a.registry->live(), 2U, "two live");
    ok(a.registry->others().size() == 1 && a.registry->others()[0]->hello.node == "node-bbbb" &&
           a.registry->others()[0]->heard == 700,
       "what is known of it");
    a.deadlines.expire(2500);
    air.settle(2500);
    is(b.take(), "aaaa:5 ", "each beat is heard");
    is(air.hellos, 4, "and not answered");
    b.registry->leave();
    is(b.line.sent.back(), "DEL rt:node:bbbb", "an orderly stop takes the key away");
    air.settle(2600);
    is(a.take(), "-bbbb ", "and says so");
    is(a.registry->live(), 1U, "one lives");
    is(b.deadlines.next(), kNever, "nothing runs any more");
}

// Two that have greeted each other.
struct Two {
    Two() {
        a.registry->on_up(0);
        b.registry->on_up(0);
        air.settle(0);
        a.take();
    }

    Air air;
    Host a{air, "aaaa"};
    Host b{air, "bbbb"};
};

void silence() {
    Two two;
    auto &[air, a, b] = two;
    for (Millis now = 2500; now < 8000; now += 2500) {
        a.deadlines.expire(now);
        air.settle(now);
    }
    a.deadlines.expire(7999);
    air.settle(7999);
    is(a.take(), "", "silent for less than the lease");
    a.deadlines.expire(8000);
    is(a.take(), "-bbbb ", "for as long as it: gone");
    b.registry->on_up(9000);
    air.settle(9000);
    is(a.take(), "+bbbb:0 ", "back again");
}

void storm() {
    Air air;
    std::vector<std::unique_ptr<Host>> hosts;
    for (int i = 0; i < 40; ++i) {
        hosts.push_back(std::make_unique<Host>(air, "h" + std::to_string(100 + i)));
        hosts.back()->registry->on_up(10000);
    }
    air.settle(10000);
    for (const auto &host : hosts) {
        host->deadlines.expire(10000 + Registry::kPause);
    }
    air.settle(10000 + Registry::kPause);
    ok(air.hellos <= 3 * 40, "forty at once: " + std::to_string(air.hellos) + " hellos");
    bool all = true;
    for (const auto &host : hosts) {
        all = all && host->registry->live() == 40;
    }
    ok(all, "and all know all");
}

void loop() {
    Air air;
    Host host(air, "aaaa");
    host.registry->on_up(0);
    const auto first = air.said.front();
    host.deadlines.expire(999);
    is(host.take(), "", "in time");
    host.deadlines.expire(1000);
    is(host.take(), "broken ", "not heard for a second");
    ok(!host.registry->loop_closed(), "known");
    air.settle(1400);
    is(host.take(), "closed ", "heard late: it is closed after all");
    ok(host.registry->round_trip() == Millis{1400}, "how late");
    host.deadlines.expire(2500);
    host.hear(first.first, first.second, 2600);
    host.deadlines.expire(3500);
    is(host.take(), "broken ", "an earlier hello proves nothing");
    air.said.clear();
    host.registry->on_down();
    is(host.deadlines.next(), kNever, "while Redis is away nothing is awaited");
    host.registry->on_up(5000);
    air.settle(5010);
    is(host.take(), "closed ", "back");
    host.line.up = false;
    host.deadlines.expire(7500);
    host.deadlines.expire(9000);
    is(host.take(), "", "what was not sent is not missed");
}

// While this host is cut off it knows nothing of the others, so none is gone.
void cut_off() {
    Two two;
    auto &[air, a, b] = two;
    a.registry->on_down();
    a.deadlines.expire(60000);
    is(a.registry->live(), 2U, "both count");
    a.registry->on_up(60000);
    air.settle(60000);
    is(a.take(), "bbbb:0 ", "greeted again");
    b.registry->on_down();
    a.registry->on_down();
    a.registry->on_up(70000);
    a.deadlines.expire(78000);
    ok(a.take().find("-bbbb") != std::string::npos, "after a lease it is gone");
}

void garbage() {
    Air air;
    Host host(air, "aaaa");
    host.registry->on_up(0);
    air.settle(0);
    const std::string good = cluster::hello_json(hello_of("bbbb"));
    for (std::size_t size = 0; size < good.size(); ++size) {
        host.hear("bbbb", good.substr(0, size), 0);
    }
    for (const Text body : {"[]", "null", "7", "\"x\"", "{}", R"({"host":"bbbb"})",
                            R"({"host":"bbbb","uid":"short"})", R"({"host":7,"uid":"bbbb0000000"})",
                            "{\"host\":\"bbbb\",\"uid\":\"bbbb0000000\"} x", "[[[[[[[[[[1]]]]]]]]]]"}) {
        host.hear("bbbb", body, 0);
    }
    host.hear("cccc", good, 0);
    host.hear("bbbb", good + std::string(Registry::kMostBytes, ' '), 0);
    is(host.take(), "", "nobody of ours");
    host.hear("bbbb", " " + good + " ", 0);
    is(host.take(), "+bbbb:0 ", "white space is none of it");
    host.hear("bbbb", R"({"host":"bbbb","uid":"bbbb0000000","last":18446744073709551615,"x":[1]})", 0);
    is(host.take(), "bbbb:18446744073709551615 ", "what is unknown is passed over");
    host.hear("bbbb", R"({"host":"bbbb","uid":"bbbb0000000","last":-1})", 0);
    is(host.take(), "bbbb:0 ", "an odd number is none");
    Hello stranger = hello_of("dddd");
    stranger.bye = true;
    host.hear("dddd", cluster::hello_json(stranger), 0);
    is(host.take(), "", "the bye of nobody");
    for (std::size_t i = 0; i < Registry::kMostHosts + 10; ++i) {
        Hello one = hello_of("cccc");
        one.uid = "u" + std::to_string(1000000000 + i);
        host.hear("cccc", cluster::hello_json(one), 0);
    }
    is(host.registry->others().size(), Registry::kMostHosts, "there are only so many");
}

void text() {
    Hello hello = hello_of("b\"bb");
    hello.node = "n\n\xc3\xa9";
    hello.state = "degraded";
    hello.last = UINT64_MAX;
    hello.nonce = 3;
    hello.first = true;
    hello.bye = true;
    const Result<Hello> read = cluster::read_hello(cluster::hello_json(hello));
    ok(read && read->host == hello.host && read->node == hello.node && read->uid == hello.uid &&
           read->state == hello.state && read->version == "9" && read->last == UINT64_MAX &&
           read->nonce == 3 && read->first && read->bye,
       "what is written is read");
}

} // namespace

int main() {
    one_alone();
    several();
    silence();
    storm();
    loop();
    cut_off();
    garbage();
    text();
    return rt::test::done();
}
