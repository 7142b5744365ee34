// SPDX-License-Identifier: BSD-2-Clause
// A session changes hosts while all hosts speak, in any schedule. From each host it gets every event
// once and in the order of that host, as if it had stayed; what is volatile once at most.
#include "far_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr Rover::At kHome{0, 0};
constexpr Rover::At kAway{1, 1};

Rules &rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/", "", "emit gone to=watch").on("wait", "wait;ack 1");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

// The client's WebSocket.
class Socket final : public engine::WsPort {
public:
    [[nodiscard]] Ref<wire::Frame> form(const Ref<wire::Frame> &frame) override { return frame; }
    void write(engine::OutQueue &queue) override {
        for (; !queue.empty(); queue.pop()) {
            queue[0].each_part([&](bool, Bytes payload) { got.emplace_back(as_text(payload)); });
        }
    }
    [[nodiscard]] bool blocked() const noexcept override { return false; }
    void shut(engine::OutQueue &&rest, std::uint16_t) override {
        engine::OutQueue last(std::move(rest));
        write(last);
        shut_ = true;
    }
    std::vector<std::string> got;
    bool shut_ = false;
};

// A client that polls anywhere and goes over to a WebSocket at the other host.
class Traveler {
public:
    Traveler(Far &far, Rover::At home, Rover::At away) : far_(far), rover_(far, home), away_(away) {
        rover_.post(home, "40");
        far.settle();
        rover_.poll(home);
        far.settle();
        id = rover_.got.front().substr(Text("40{\"sid\":\"").size(), 20);
        rover_.got.clear();
        for (FarHost &host : far.hosts) {
            for (std::size_t i = 0; i < host.size(); ++i) {
                host[i].worker.arrived = [this](Handle exchange, hub::Connection *arrived) {
                    on_arrival(exchange, arrived);
                };
            }
        }
    }

    void poll(Rover::At at, Millis now) {
        if (!taking_ && !rover_.polls() && rover_.probes.empty()) {
            rover_.poll(at, now);
        }
    }

    // The next thing that it does for its upgrade.
    void go_on(Millis now) {
        if (!probe_) {
            probe_ = rover_.probe(away_, cluster::Call::probe, now);
        } else if (rover_.probes == "y") {
            rover_.probes += "s";
            rover_.of(away_, {cluster::Call::probe_seen, probe_, {}}, now);
        } else if (rover_.probes == "ys" && !rover_.polls() && !taking_) {
            taking_ = true;
            rover_.of(away_, {cluster::Call::take, probe_, {}}, now);
        }
    }

    [[nodiscard]] bool taking() const { return taking_; }
    [[nodiscard]] bool arrived() const { return arrived_; }
    [[nodiscard]] bool lost() const { return lost_; }
    [[nodiscard]] const std::string &broken() const { return rover_.broken; }
    [[nodiscard]] Rover &rover() { return rover_; }

    [[nodiscard]] std::vector<std::string> got() const {
        std::vector<std::string> all = rover_.got;
        all.insert(all.end(), socket.got.begin(), socket.got.end());
        return all;
    }

    std::string id;
    Socket socket;

private:
    void on_arrival(Handle exchange, hub::Connection *arrived) {
        if (exchange != probe_) {
            lost_ = true;
            return;
        }
        arrived_ = arrived != nullptr;
        lost_ = lost_ || !arrived_;
        if (arrived_) {
            arrived->session().upgrade(socket, 0);
        }
    }

    Far &far_;
    Rover rover_;
    Rover::At away_;
    Handle probe_;
    bool taking_ = false;
    bool arrived_ = false;
    bool lost_ = false;
};

// What one host says, and what of that the client has to get.
struct Origin {
    int said = 0;
    bool in = false; // the client, in this host's room
    std::vector<std::string> expected;
};

hub::Envelope envelope(hub::Op op = hub::Op::emit) {
    hub::Envelope made;
    made.op = op;
    made.nsp = "/";
    return made;
}

class Schedule {
public:
    explicit Schedule(std::uint32_t seed)
        : random_(seed), far_(rules(), 3), origins_(3), client_(far_, {0, pick(2)}, {1, pick(2)}) {}

    std::string run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
        for (int i = 0; i < 60 && !client_.arrived() && !client_.lost(); ++i) {
            far_.pass(now_, 20);
            client_.go_on(now_);
        }
        for (int i = 0; i < 6; ++i) {
            say(pick(3));
        }
        far_.settle(now_);
        return verdict();
    }

    [[nodiscard]] bool crossed() const { return client_.arrived(); }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    void step() {
        const std::size_t at = pick(3);
        FarHost &host = far_.hosts[at];
        switch (pick(12)) {
        case 0:
        case 1:
            say(at);
            return;
        case 2:
        case 3:
            host.publish(now_);
            return;
        case 4:
        case 5:
            far_.redis.take(host.name);
            return;
        case 6:
        case 7:
        case 8:
            host.hear(now_);
            return;
        case 9:
            host.host[pick(2)].deliver(now_);
            return;
        case 10:
            host.host[pick(2)].mail(now_);
            return;
        default:
            pass();
        }
    }

    void pass() {
        now_ += static_cast<Millis>(pick(12));
        for (FarHost &host : far_.hosts) {
            host.pass(now_);
        }
        client_.poll({pick(2), pick(2)}, now_);
        if (pick(3) == 0) {
            client_.go_on(now_);
        }
    }

    // To all, to its room, volatile, or the client goes into its room or out of it.
    void say(std::size_t at) {
        Origin &origin = origins_[at];
        const std::string room = "room-" + std::to_string(at);
        const std::size_t kind = pick(6);
        hub::Envelope said = envelope();
        if (kind == 0) {
            said.op = origin.in ? hub::Op::leave : hub::Op::join;
            said.to = {client_.id};
            said.rooms = {room};
            origin.in = !origin.in;
        }
        const std::string text = (kind == 1 ? "[\"v\"," : "[\"e\",") + std::to_string(at) + "," +
                                 std::to_string(++origin.said) + "]";
        said.data = kind == 0 ? Text() : Text(text);
        said.is_volatile = kind == 1;
        if (kind == 2 || kind == 3) {
            said.to = {room};
        }
        const bool meant = kind > 3 || (kind > 1 && origin.in);
        if (meant) {
            origin.expected.push_back("42" + text);
        }
        static_cast<void>(far_.hosts[at].host[pick(2)].bus.publish(said));
    }

    std::string verdict() {
        if (!client_.broken().empty() || client_.lost()) {
            return client_.lost() ? "lost" : client_.broken();
        }
        for (std::size_t at = 0; at < origins_.size(); ++at) {
            if (std::string wrong = judge(at); !wrong.empty()) {
                return wrong;
            }
        }
        return {};
    }

    std::string judge(std::size_t at) {
        std::vector<std::string> got;
        std::vector<std::string> shaky;
        for (const std::string &packet : client_.got()) {
            if (packet.starts_with("42[\"e\"," + std::to_string(at) + ",")) {
                got.push_back(packet);
            } else if (packet.starts_with("42[\"v\"," + std::to_string(at) + ",")) {
                shaky.push_back(packet);
            }
        }
        if (std::set<std::string>(shaky.begin(), shaky.end()).size() != shaky.size()) {
            return "a volatile event came twice";
        }
        if (got == origins_[at].expected) {
            return {};
        }
        std::string told = "of host " + std::to_string(at) + ":";
        for (const std::string &packet : got) {
            told += " " + packet;
        }
        told += " instead of";
        for (const std::string &packet : origins_[at].expected) {
            told += " " + packet;
        }
        return told;
    }

    std::mt19937 random_;
    Far far_;
    std::vector<Origin> origins_;
    Traveler client_;
    Millis now_ = 0;
};

void test_schedules() {
    constexpr std::uint32_t all = 2000;
    int broken = 0;
    std::uint32_t crossed = 0;
    std::string first;
    for (std::uint32_t seed = 1; seed <= all; ++seed) {
        Schedule schedule(seed);
        const std::string wrong = schedule.run(500);
        if (!wrong.empty()) {
            first = ++broken == 1 ? "seed " + std::to_string(seed) + ": " + wrong : first;
        }
        crossed += schedule.crossed() ? 1 : 0;
    }
    is(first, "", std::to_string(all) + " schedules, broken " + std::to_string(broken));
    ok(crossed > all * 95 / 100, std::to_string(crossed) + " sessions crossed");
}

// --- one after the other ---

struct Case {
    Case() : far(rules()), client(far, kHome, kAway) {}

    void until_taking() {
        for (int i = 0; i < 10 && !client.taking(); ++i) {
            client.go_on(now);
            far.settle(now);
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
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
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
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
    for (int i = 0; i < 100 && one.count(hub::Metric::crossed_out) == 0; ++i) {
        for (FarHost &host : one.far.hosts) {
            host.host.mail();
            host.publish();
            one.far.redis.take(host.name);
            host.hear();
        }
    }
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
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
    one.far.settle();
    one.client.go_on(0);
    for (int i = 0; i < 100 && one.count(hub::Metric::crossed_out) == 0; ++i) {
        for (FarHost &host : one.far.hosts) {
            host.host.mail();
            host.publish();
            one.far.redis.take(host.name);
            host.hear();
        }
    }
    one.far.redis.up = false;
    one.far.pass(one.now, 6000);
    is(one.count(hub::Metric::crossed_in), 0, "it does not arrive");
    is(one.count(hub::Metric::not_crossed), 1, "it comes home to end");
    is(one.far.hosts[0].host.roster.connections.size(), 0u, "with nothing left");
}

void test_replies() {
    Case one;
    Told told;
    cluster::FarReplies replies(told, one.far.hosts[1][1].relay);
    hub::AskerId asker{0, 1, {7, 1}, 1000};
    const std::string bytes = "raw";
    const hub::Payload payload{"[1]", {as_bytes(bytes)}};
    replies.answered(asker, one.client.id, payload);
    is(told.take(), "7: " + one.client.id + " [1]<raw>", "an answer to this host stays here");
    asker.host = {'a', 'a', 'a', 'a'};
    replies.arrived(asker, one.client.id);
    replies.answered(asker, one.client.id, payload);
    one.far.settle();
    is(told.take(), "", "one to another host does not");
    is(one.far.hosts[0][0].worker.replies.take(), "7: " + one.client.id + " [1]<raw>", "but arrives there");
}

void test_garbage() {
    Case one;
    one.client.go_on(0);
    std::mt19937 random(5);
    cluster::Crossing &crossing = one.far.hosts[0][0].crossing;
    for (int i = 0; i < 20000; ++i) {
        std::string bad(random() % 90, '\0');
        for (char &byte : bad) {
            byte = static_cast<char>(random() % 7 == 0 ? random() : random() % 4);
        }
        crossing.on_told(i % 9 == 0 ? "b" : "bbbb", as_bytes(bad), 0);
        crossing.on_image("bbbb", {0, 1, {1, 1}}, as_bytes(bad), 0);
    }
    ok(true, "garbage is survived");
}

} // namespace

int main() {
    test_plain();
    test_no_order();
    test_no_barrier();
    test_lost_image();
    test_no_taker();
    test_replies();
    test_garbage();
    test_schedules();
    return done();
}
