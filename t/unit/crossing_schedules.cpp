// SPDX-License-Identifier: BSD-2-Clause
// A session changes hosts while all hosts speak, in any schedule. From each host it gets every event
// once and in the order of that host, as if it had stayed, and every question is asked by one host;
// what is volatile comes once at most.
#include "traveler.hpp"

using namespace rt;
using namespace rt::test;

namespace {

Rules &rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/", "", "emit gone to=watch").on("wait", "wait;ack 1");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

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

    // To all, to its room, volatile, a question, or the client goes into its room or out of it.
    void say(std::size_t at) {
        Origin &origin = origins_[at];
        const std::string room = "room-" + std::to_string(at);
        const std::size_t kind = pick(7);
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
        said.asker = kind == 6 ? hub::AskerId{0, 1, {1, 1}, 60000} : hub::AskerId();
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
        for (const std::string &each : client_.got()) {
            const std::size_t id = each.starts_with("42") ? each.find('[') : 0; // of a question
            const std::string packet = id > 2 ? "42" + each.substr(id) : each;
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

} // namespace

int main() {
    test_schedules();
    return done();
}
