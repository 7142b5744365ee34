// SPDX-License-Identifier: BSD-2-Clause
// A session changes hosts while all hosts speak, in any schedule. From each host it gets every event
// once and in the order of that host, as if it had stayed, and every question is asked by one host;
// what is volatile comes once at most.
#include "speakers.hpp"
#include "traveler.hpp"

using namespace rt;
using namespace rt::test;

namespace {

class Schedule {
public:
    explicit Schedule(std::uint32_t seed)
        : random_(seed), far_(travel_rules(), 3), client_(far_, {0, pick(2)}, {1, pick(2)}),
          speakers_(far_, client_.id, true) {}

    std::string run(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
        }
        for (int i = 0; i < 60 && !client_.arrived() && !client_.lost(); ++i) {
            far_.pass(now_, 20);
            client_.go_on(now_);
        }
        for (int i = 0; i < 6; ++i) {
            speakers_.say(pick(3), random_);
        }
        far_.settle(now_);
        return verdict();
    }

    [[nodiscard]] bool has_ended() const { return client_.arrived(); }

private:
    std::size_t pick(std::size_t below) { return random_() % below; }

    void step() {
        const std::size_t at = pick(3);
        if (!speakers_.happen(kHappens[pick(kHappens.size())], at, random_, now_)) {
            pass();
        }
    }

    // Each as often as it stands here.
    static constexpr std::array<Happens, 12> kHappens = {
        Happens::say,  Happens::say,  Happens::publish, Happens::publish, Happens::order, Happens::order,
        Happens::hear, Happens::hear, Happens::hear,    Happens::deliver, Happens::mail,  Happens::pass};

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

    std::string verdict() {
        if (!client_.broken().empty() || client_.lost()) {
            return client_.lost() ? "lost" : client_.broken();
        }
        return speakers_.judge(client_.got());
    }

    std::mt19937 random_;
    Far far_;
    Traveler client_;
    Speakers speakers_;
    Millis now_ = 0;
};

void test_schedules() {
    constexpr std::uint32_t all = 1000;
    const std::uint32_t crossed = run_schedules<Schedule>(all, 500);
    ok(crossed > all * 95 / 100, std::to_string(crossed) + " sessions crossed");
}

} // namespace

int main() {
    test_schedules();
    return done();
}
