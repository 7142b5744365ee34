// SPDX-License-Identifier: BSD-2-Clause
// A client loses its WebSocket and comes back at another host while all hosts speak, in any schedule.
// It gets what it missed, once and in order, or a new socket; never something in between.
#include "speakers.hpp"
#include "traveler.hpp"

using namespace rt;
using namespace rt::test;

namespace {

Rules &rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/", "emit hello data=$realtime_recovered", "emit bye to=watch")
            .on("join", "join $realtime_arg_0;ack 1");
        made.settings.recovery = 60000;
        return true;
    }();
    static_cast<void>(once);
    return made;
}

std::string member(const std::string &packet, const std::string &name) {
    const std::size_t at = packet.find("\"" + name + "\":\"");
    const std::size_t from = at + name.size() + 4;
    return at == std::string::npos ? "" : packet.substr(from, packet.find('"', from) - from);
}

// A client with a WebSocket, at one worker after the other.
class Guest {
public:
    explicit Guest(Far &far) : far_(far) {}

    void open(Rover::At at, const std::string &connect, Millis now) {
        socket_ = std::make_unique<Socket>();
        hub::Birth birth;
        birth.settings = &far_.hosts[at.host].host.session;
        birth.transport = engine::TransportKind::websocket;
        Worker &worker = far_.hosts[at.host][at.worker].worker;
        connection_ = *worker.hub.open(birth);
        connection_->session().start_websocket(*socket_, now, true);
        connection_->start(now);
        say(at, connect, now);
    }

    void say(Rover::At at, const std::string &packet, Millis now) {
        connection_->session().on_ws_text(packet, now);
        far_.hosts[at.host][at.worker].worker.end_turn(now);
    }

    void lose(Rover::At at, Millis now) {
        read();
        connection_->session().on_ws_closed(engine::CloseReason::transport_close, now);
        far_.hosts[at.host][at.worker].worker.end_turn(now);
    }

    // "40{"pid":...,"offset":...}" of what it knows.
    [[nodiscard]] std::string again() const {
        return "40{\"pid\":\"" + pid + "\"" + (offset.empty() ? "" : ",\"offset\":\"" + offset + "\"") + "}";
    }

    // Events lose their offsets.
    void read() {
        for (std::string &packet : std::exchange(socket_->got, {})) {
            if (packet.starts_with("40")) {
                id = member(packet, "sid");
                pid = member(packet, "pid");
                ++answers;
            } else if (packet.starts_with("42") && packet.ends_with("\"]")) {
                const std::size_t comma = packet.rfind(',');
                offset = packet.substr(comma + 2, packet.size() - comma - 4);
                packet = packet.substr(0, comma) + "]";
            }
            got.push_back(packet);
        }
    }

    std::string id;
    std::string pid;
    std::string offset;
    int answers = 0; // to CONNECT
    std::vector<std::string> got;

private:
    Far &far_;
    std::unique_ptr<Socket> socket_;
    hub::Connection *connection_ = nullptr;
};

class Schedule {
public:
    explicit Schedule(std::uint32_t seed) : random_(seed), far_(rules(), 3), guest_(far_), at_{0, pick(2)} {
        guest_.open(at_, "40", 0);
        far_.settle();
        guest_.read();
        id_ = guest_.id;
        speakers_.emplace(far_, id_);
    }

    std::string run(int steps) {
        speak(steps);
        const bool ends = pick(4) != 0; // else its host does not know yet that it has gone
        if (ends) {
            guest_.lose(at_, now_);
        } else {
            guest_.read();
            half_open_ = true;
        }
        speak(steps);
        Guest &back = half_open_ ? other_.emplace(far_) : guest_;
        back.pid = guest_.pid;
        back.offset = guest_.offset;
        back.got = guest_.got;
        back.open({1, pick(2)}, guest_.again(), now_);
        for (int i = 0; i < 200 && back.answers == (half_open_ ? 0 : 1); ++i) {
            speak(20);
            back.read();
        }
        for (int i = 0; i < 6; ++i) {
            speakers_->say(pick(3), random_);
        }
        far_.pass(now_, 100);
        back.read();
        recovered_ = back.id == id_;
        return recovered_ ? speakers_->judge(back.got) : "";
    }

    [[nodiscard]] bool has_ended() const { return recovered_; }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    void speak(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
    }

    void step() {
        const std::size_t at = pick(3);
        if (!speakers_->happen(kHappens[pick(kHappens.size())], at, random_, now_)) {
            now_ += static_cast<Millis>(pick(10));
            far_.hosts[at].pass(now_);
        }
    }

    // Each as often as it stands here.
    static constexpr std::array<Happens, 10> kHappens = {
        Happens::say,  Happens::publish, Happens::publish, Happens::order, Happens::order,
        Happens::hear, Happens::hear,    Happens::deliver, Happens::mail,  Happens::pass};

    std::mt19937 random_;
    Far far_;
    Guest guest_;
    std::optional<Guest> other_;
    Rover::At at_;
    std::string id_;
    std::optional<Speakers> speakers_;
    Millis now_ = 0;
    bool half_open_ = false;
    bool recovered_ = false;
};

void test_schedules() {
    constexpr std::uint32_t all = 700;
    const std::uint32_t recovered = run_schedules<Schedule>(all, 200);
    ok(recovered > all * 9 / 10, std::to_string(recovered) + " clients recovered");
}

// --- one after the other ---

struct Case {
    Case() : far(rules(), 3), guest(far) {
        guest.open({0, 0}, "40", 0);
        far.settle();
        guest.read();
        id = guest.id;
    }
    void tell(std::size_t host, const std::string &event, const std::string &room = "") {
        hub::Envelope said = envelope();
        const std::string data = "[\"" + event + "\"]";
        said.data = data;
        if (!room.empty()) {
            said.to = {room};
        }
        static_cast<void>(far.hosts[host].host[1].bus.publish(said));
        far.settle(now);
    }
    void lose(std::size_t host = 0) {
        guest.lose({host, 0}, now);
        far.settle(now);
        guest.got.clear();
    }
    std::string back(std::size_t host = 1) {
        guest.open({host, 0}, guest.again(), now);
        far.settle(now);
        guest.read();
        std::string all;
        for (const std::string &packet : guest.got) {
            const bool answer = packet.starts_with("40");
            all +=
                (all.empty() ? "" : " ") + (answer ? std::string(guest.id == id ? "same" : "new") : packet);
        }
        return all;
    }

    Far far;
    Guest guest;
    std::string id;
    Millis now = 0;
};

void test_plain() {
    Case one;
    one.guest.say({0, 0}, "42[\"join\",\"r\"]", 0);
    one.tell(2, "before");
    one.lose();
    one.tell(0, "of-a", "r");
    one.tell(1, "of-b", "r");
    one.tell(2, "not-for-it", "other");
    is(one.back(), "42[\"of-a\"] 42[\"of-b\"] same 42[\"hello\",1]", "what was missed, then the old id");
    one.guest.got.clear();
    one.tell(0, "live", "r");
    one.guest.read();
    is(one.guest.got.empty() ? "" : one.guest.got.front(), "42[\"live\"]", "its rooms came along");
    is(one.far.hosts[0].host.roster.kept.size(), 0u, "its old host keeps nothing");
    one.lose(1);
    one.tell(2, "again", "r");
    is(one.back(), "42[\"again\"] same 42[\"hello\",1]", "from there it comes back as from anywhere");
}

// From its second host to a third, and home again.
void test_onward() {
    Case one;
    one.guest.say({0, 0}, "42[\"join\",\"r\"]", 0);
    one.lose();
    is(one.back(1), "same 42[\"hello\",1]", "its second host");
    for (const std::size_t host : {1u, 2u}) {
        const std::size_t next = (host + 1) % 3;
        one.tell(0, "live");
        one.lose(host);
        one.tell(0, "of-a", "r");
        one.tell(1, "of-b", "r");
        one.tell(2, "of-c", "r");
        std::string got = one.back(next);
        is(got.size(), Text("42[\"of-a\"] 42[\"of-b\"] 42[\"of-c\"] same 42[\"hello\",1]").size(), got);
        for (const Text event : {"42[\"of-a\"]", "42[\"of-b\"]", "42[\"of-c\"]", "same 42[\"hello\",1]"}) {
            ok(got.find(event) != std::string::npos,
               "from host " + std::to_string(host) + ": " + std::string(event));
        }
        is(one.far.hosts[host].host.roster.kept.size(), 0u, "which keeps nothing");
    }
}

// Some that the old host deals with in one turn: each gets its own.
void test_together() {
    Far far(rules(), 3);
    std::deque<Guest> guests;
    const auto everything = [&] {
        for (int i = 0; i < 20; ++i) {
            for (FarHost &host : far.hosts) {
                host.host.mail();
                host.host.deliver();
                while (host.publish()) {
                }
                while (far.redis.take(host.name)) {
                }
                while (host.hear()) {
                }
            }
        }
    };
    for (int i = 0; i < 5; ++i) {
        Guest &guest = guests.emplace_back(far);
        guest.open({0, 0}, "40", 0);
        guest.say({0, 0}, "42[\"join\",\"r" + std::to_string(i) + "\"]", 0);
        everything();
        guest.lose({0, 0}, 0);
        guest.got.clear();
    }
    for (int i = 0; i < 5; ++i) {
        hub::Envelope said = envelope();
        const std::string room = "r" + std::to_string(i);
        const std::string data = "[\"for-" + room + "\"]";
        said.data = data;
        said.to = {room};
        static_cast<void>(far.hosts[static_cast<std::size_t>(i) % 3].host[1].bus.publish(said));
    }
    everything();
    for (Guest &guest : guests) {
        guest.open({1, 0}, guest.again(), 0);
    }
    everything();
    for (std::size_t i = 0; i < guests.size(); ++i) {
        const std::string id = guests[i].id;
        guests[i].read();
        const std::vector<std::string> &got = guests[i].got;
        ok(got.size() == 3 && got[0] == "42[\"for-r" + std::to_string(i) + "\"]" && guests[i].id == id,
           "one of some gets its own and no other's");
    }
}

void test_refused() {
    Case one;
    one.lose();
    one.guest.pid[10] = one.guest.pid[10] == 'x' ? 'y' : 'x';
    is(one.back(), "new 42[\"hello\",0]", "a pid that its host does not know");

    Case two;
    two.tell(0, "e");
    two.lose();
    two.guest.offset = "aaaa.other.17";
    is(two.back(), "new 42[\"hello\",0]", "an offset of another log");

    Case three;
    three.lose();
    three.far.redis.gone.insert("aaaa");
    is(three.back(), "new 42[\"hello\",0]", "a host that is gone");

    Case four;
    four.lose();
    four.far.redis.ordered = false;
    is(four.back(), "new 42[\"hello\",0]", "without a common order");

    Case five;
    five.lose();
    five.far.redis.up = false;
    five.guest.open({1, 0}, five.guest.again(), 0);
    five.far.settle();
    five.far.pass(five.now, 4500);
    five.guest.read();
    ok(five.guest.id != five.id && five.guest.answers == 2, "Redis is away: a new socket, soon");
}

// The last event before the cut has an offset that nobody believes.
void test_dead_offset() {
    Case one;
    one.tell(2, "e");
    one.lose();
    one.tell(0, "missed");
    ok(one.back().ends_with("same 42[\"hello\",1]"), "it came back");
    one.lose(1);
    one.guest.offset.clear();
    is(one.back(), "new 42[\"hello\",0]", "without an offset of its new host it does not, once more");
}

void test_garbage() {
    Case one;
    std::mt19937 random(11);
    cluster::Returns &returns = one.far.hosts[0][0].returns;
    for (int i = 0; i < 20000; ++i) {
        std::string bad(random() % 120, '\0');
        for (char &byte : bad) {
            byte = static_cast<char>(random() % 5 == 0 ? random() : random() % 3);
        }
        Reader first(bad);
        returns.on_claim("bbbb", first, 0);
        Reader second(bad);
        returns.on_returned("bbbb", second, 0);
        const auto kind = static_cast<std::uint16_t>(cluster::kReturnsMail + i % 3);
        returns.on_mail({1, 1}, kind, as_bytes(bad), 0);
    }
    one.far.hosts[0][0].worker.end_turn(0);
    returns.go_on(10000);
    ok(true, "garbage is survived");
}

} // namespace

int main() {
    test_plain();
    test_onward();
    test_together();
    test_refused();
    test_dead_offset();
    test_garbage();
    test_schedules();
    return done();
}
