// SPDX-License-Identifier: BSD-2-Clause
// A session moves between workers at any moment of any schedule: broadcasts, joins and leaves,
// requests at all workers, mail that is late, in parts, or waits for a full inbox. Its client gets
// exactly what the log says it should get, in the log's order.
#include "roamer.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr std::size_t kWorkers = 3;
constexpr std::size_t kMemory = 256 * 1024; // inboxes of 8 KiB, mail of 2 KiB at most

// What a socket gets, from the log alone.
class Reference {
public:
    explicit Reference(std::string id) : id_(std::move(id)) {}

    void read(const hub::Envelope &envelope) {
        if (!means(envelope)) {
            return;
        }
        if (envelope.op == hub::Op::emit) {
            packets.push_back("42" + std::string(envelope.data));
        }
        for (const Text room : envelope.rooms) {
            if (envelope.op == hub::Op::join) {
                rooms_.emplace(room);
            } else {
                rooms_.erase(std::string(room));
            }
        }
    }

    std::vector<std::string> packets;

private:
    [[nodiscard]] bool in(const std::vector<Text> &rooms) const {
        return std::any_of(rooms.begin(), rooms.end(),
                           [&](Text room) { return room == id_ || rooms_.count(std::string(room)) == 1; });
    }
    [[nodiscard]] bool means(const hub::Envelope &envelope) const {
        return (envelope.to.empty() || in(envelope.to)) && !in(envelope.except);
    }

    std::string id_;
    std::set<std::string> rooms_;
};

class Schedule {
public:
    Schedule(Rules &rules, std::uint32_t seed)
        : host_(rules, kWorkers, kMemory), random_(seed), roamer_(host_, pick(kWorkers)) {
        host_.session.send_buffer = 1u << 20;
        for (std::size_t i = 0; i < kWorkers; ++i) {
            peers_.push_back(std::make_unique<Peer>(host_[i], host_.session));
            peers_.back()->say({"40"});
            peers_.back()->heard();
        }
        roamer_.post(roamer_.home(), "40");
        roamer_.poll(roamer_.home());
        host_[roamer_.home()].end_turn(0);
        id_ = roamer_.got.front().substr(Text("40{\"sid\":\"").size(), 20);
        roamer_.got.clear();
        start_ = host_[0].bus.stream().head();
    }

    // Empty if all went as it must.
    std::string run(int steps) {
        for (int i = 0; i < steps && roamer_.broken.empty(); ++i) {
            step();
        }
        finish();
        return roamer_.broken + verdict();
    }

    [[nodiscard]] int moves() const { return roamer_.moves; }

private:
    std::size_t pick(std::size_t count) { return random_() % count; }

    void step() {
        Worker &worker = host_[pick(kWorkers)];
        switch (pick(14)) {
        case 0:
        case 1:
            publish(worker);
            break;
        case 2:
            worker.bus.drain(1 + pick(3), now_);
            worker.end_turn(now_);
            break;
        case 3:
        case 4:
        case 5:
            worker.mail(now_);
            break;
        case 6:
            if (!roamer_.polls() && roamer_.may_ask()) {
                roamer_.poll(pick(kWorkers), now_);
            }
            break;
        case 7:
            say();
            break;
        case 8:
        case 9:
        case 10:
        case 11:
            move();
            break;
        case 12:
            pass(static_cast<Millis>(pick(100)));
            break;
        default:
            retry(worker);
        }
    }

    void publish(Worker &worker) {
        hub::Envelope envelope;
        envelope.nsp = "/";
        const std::string data = "[" + std::to_string(++published_) +
                                 (pick(8) == 0 ? ",\"" + std::string(pick(3000), 'x') + "\"]" : "]");
        static constexpr Text kRooms[] = {"a", "b", "c"};
        const std::size_t kind = pick(10);
        if (kind < 3) {
            envelope.op = kind == 0 ? hub::Op::leave : hub::Op::join;
            envelope.rooms = {kRooms[pick(3)]};
            envelope.to = {pick(3) == 0 ? kRooms[pick(3)] : Text(id_)};
        } else {
            envelope.data = data;
            for (std::size_t i = pick(3); i > 0; --i) {
                envelope.to.push_back(kRooms[pick(3)]);
            }
            if (pick(4) == 0) {
                envelope.except.push_back(pick(3) == 0 ? Text(id_) : kRooms[pick(3)]);
            }
        }
        static_cast<void>(worker.bus.publish(envelope));
    }

    // An event whose chain emits to all and then acks.
    void say() {
        if (!roamer_.posts() && roamer_.may_ask()) {
            const std::string number = std::to_string(++said_);
            roamer_.post(pick(kWorkers), "42" + number + "[\"say\"," + number + "]", now_);
        }
    }

    void move() {
        if (!roamer_.probes()) {
            roamer_.probe(pick(kWorkers), now_);
        } else if (roamer_.may_take()) {
            roamer_.take(now_);
        }
    }

    void pass(Millis length) {
        now_ += length;
        for (std::size_t i = 0; i < kWorkers; ++i) {
            host_[i].deadlines.expire(now_);
            host_[i].end_turn(now_);
        }
    }

    static void retry(Worker &worker) {
        if (std::exchange(worker.retry, false)) {
            worker.post.retry();
        }
    }

    // Everything is read, every request answered, nothing left behind in the session.
    void finish() {
        for (int quiet = 0; quiet < 3 && roamer_.broken.empty();) {
            const std::size_t before = roamer_.got.size();
            host_.mail(now_);
            host_.deliver(now_);
            pass(100);
            host_.mail(now_);
            if (roamer_.may_take()) {
                roamer_.take(now_);
            } else if (!roamer_.polls() && roamer_.may_ask()) {
                roamer_.poll(pick(kWorkers), now_);
            }
            host_.mail(now_);
            const bool calm = roamer_.got.size() == before && !roamer_.posts() && !roamer_.probes();
            quiet = calm ? quiet + 1 : 0;
        }
    }

    std::string verdict() {
        Reference mine(id_);
        Reference theirs("");
        std::size_t count = 0;
        const bool whole = host_[0].bus.replay(start_, host_[0].bus.stream().head(),
                                               [&](const hub::Envelope &envelope, hub::Position) {
                                                   mine.read(envelope);
                                                   theirs.read(envelope);
                                                   ++count;
                                               });
        std::vector<std::string> events;
        for (const std::string &packet : roamer_.got) {
            if (packet.starts_with("43")) {
                const std::string number = packet.substr(2, packet.find('[') - 2);
                const std::string emit = "42[\"said\"," + number + "]";
                if (std::find(events.begin(), events.end(), emit) == events.end()) {
                    return "an ack before its emit: " + packet;
                }
                ++acked_;
            } else {
                events.push_back(packet);
            }
        }
        if (!whole || events != mine.packets) {
            return "not what the log says: " + std::to_string(events.size()) + " of " +
                   std::to_string(mine.packets.size()) + " packets";
        }
        if (acked_ != said_) {
            return "acks: " + std::to_string(acked_) + " of " + std::to_string(said_);
        }
        for (const auto &peer : peers_) {
            if (split(peer->heard(), ' ') != theirs.packets) {
                return "another client missed something";
            }
        }
        return {};
    }

    Host host_;
    std::mt19937 random_;
    Roamer roamer_;
    std::vector<std::unique_ptr<Peer>> peers_;
    std::string id_;
    hub::Position start_ = 0;
    Millis now_ = 0;
    int published_ = 0;
    int said_ = 0;
    int acked_ = 0;
};

} // namespace

int main() {
    Rules rules;
    rules.nsp("/").on("say", "emit said all data=$realtime_arg_0;ack $realtime_arg_0");
    int wrong = 0;
    int moves = 0;
    for (std::uint32_t seed = 1; seed <= 300; ++seed) {
        Schedule schedule(rules, seed);
        const std::string told = schedule.run(400);
        moves += schedule.moves();
        if (!told.empty()) {
            ++wrong;
            ok(false, "schedule " + std::to_string(seed) + ": " + told);
        }
    }
    is(wrong, 0, "300 schedules of 400 steps");
    ok(moves > 1000, "with " + std::to_string(moves) + " moves");
    return rt::test::done();
}
