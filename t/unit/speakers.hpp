// SPDX-License-Identifier: BSD-2-Clause
// What some hosts say, each in an order of its own, and what of it a client has to get: every event
// that means it once, in the order of its host; what is volatile once at most.
#pragma once

#include "far_env.hpp"

namespace rt::test {

// What one host says, and what of that the client has to get.
struct Origin {
    int said = 0;
    bool in = false; // the client, in this host's room
    std::vector<std::string> expected;
};

inline hub::Envelope envelope(hub::Op op = hub::Op::emit) {
    hub::Envelope made;
    made.op = op;
    made.nsp = "/";
    return made;
}

// What may happen next at a host.
enum class Happens { say, publish, order, hear, deliver, mail, pass };

class Speakers {
public:
    // `asks`: questions, too, which the client has to be asked once.
    Speakers(Far &far, std::string client, bool asks = false)
        : far_(far), origins_(far.hosts.size()), client_(std::move(client)), kinds_(asks ? 7 : 6) {}

    // To all, to its room, volatile, a question, or the client goes into its room or out of it.
    void say(std::size_t at, std::mt19937 &random) {
        Origin &origin = origins_[at];
        const std::string room = "room-" + std::to_string(at);
        const std::size_t kind = random() % kinds_;
        hub::Envelope said = envelope();
        if (kind == 0) {
            said.op = origin.in ? hub::Op::leave : hub::Op::join;
            said.to = {client_};
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
        static_cast<void>(far_.hosts[at].host[random() % 2].bus.publish(said));
    }

    // At that host, at one of its workers. False: time passes, which is the caller's.
    bool happen(Happens what, std::size_t at, std::mt19937 &random, Millis now) {
        FarHost &host = far_.hosts[at];
        switch (what) {
        case Happens::say:
            say(at, random);
            break;
        case Happens::publish:
            host.publish(now);
            break;
        case Happens::order:
            far_.redis.take(host.name);
            break;
        case Happens::hear:
            host.hear(now);
            break;
        case Happens::deliver:
            host.host[random() % 2].deliver(now);
            break;
        case Happens::mail:
            host.host[random() % 2].mail(now);
            break;
        case Happens::pass:
            return false;
        }
        return true;
    }

    // What is wrong with what it got; without offsets.
    [[nodiscard]] std::string judge(const std::vector<std::string> &all) const {
        for (std::size_t at = 0; at < origins_.size(); ++at) {
            if (std::string wrong = judge(at, all); !wrong.empty()) {
                return wrong;
            }
        }
        return {};
    }

private:
    [[nodiscard]] std::string judge(std::size_t at, const std::vector<std::string> &all) const {
        std::vector<std::string> got;
        std::vector<std::string> shaky;
        for (const std::string &each : all) {
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

    Far &far_;
    std::vector<Origin> origins_;
    std::string client_;
    std::size_t kinds_;
};

// So many schedules of so many steps, each with a seed of its own; none may go wrong. How many came
// to their end.
template <class Schedule> std::uint32_t run_schedules(std::uint32_t all, int steps) {
    int broken = 0;
    std::uint32_t ended = 0;
    std::string first;
    for (std::uint32_t seed = 1; seed <= all; ++seed) {
        Schedule schedule(seed);
        const std::string wrong = schedule.run(steps);
        if (!wrong.empty()) {
            first = ++broken == 1 ? "seed " + std::to_string(seed) + ": " + wrong : first;
        }
        ended += schedule.has_ended() ? 1 : 0;
    }
    is(first, "", std::to_string(all) + " schedules, broken " + std::to_string(broken));
    return ended;
}

} // namespace rt::test
