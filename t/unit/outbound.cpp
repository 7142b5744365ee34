// SPDX-License-Identifier: BSD-2-Clause
// What the host tells others: all of it once and in order, whatever Redis refuses, loses or leaves
// unanswered, and whichever worker holds the bridge.
#include "cluster/outbound.hpp"

#include "bridge_env.hpp"

#include <memory>
#include <random>

using namespace rt;
using namespace rt::test;
using cluster::Outbound;
using hub::Metric;

namespace {

// Other servers, at the far end of the line.
class World final : public cluster::OutboundEvents {
public:
    explicit World(std::size_t size = 1u << 20) : host(size) { take_over(); }

    // Another worker holds the bridge from now on.
    void take_over() {
        take_silently();
        begin();
    }
    // It is not greeted yet.
    void take_silently() {
        pipe.unanswered.clear();
        done = 0;
        outbound = std::make_unique<Outbound>(Outbound::Ports{*ours, pipe, metrics, *this}, host.zone.stream,
                                              host.zone.bridge, kOurUid);
    }
    void begin() {
        outbound->start();
        outbound->freshen();
    }

    // Redis reads the next command; whether it can still answer is another thing.
    bool carry_out() {
        if (done >= pipe.unanswered.size()) {
            return false;
        }
        const Pipe::Command &command = pipe.unanswered[done++];
        const auto message = theirs->hear(command.words[1], as_bytes(command.words[2]));
        heard += message ? "#" + std::to_string((*message)->number) + std::string((*message)->envelope.data)
                         : "malformed";
        if (message && (*message)->number != 0) {
            numbers.push_back((*message)->number);
        }
        return true;
    }
    void answer(const Reply &reply = good()) {
        const Pipe::Command command = pipe.unanswered.front();
        pipe.unanswered.pop_front();
        done -= done > 0 ? 1 : 0;
        outbound->unblock();
        outbound->on_reply(command.cookie.value, reply.value(), 0);
    }
    void lose() {
        for (const Pipe::Command &command : std::exchange(pipe.unanswered, {})) {
            outbound->on_reply(command.cookie.value, nullptr, 0);
        }
        done = 0;
        outbound->lost();
    }
    void work() {
        while (outbound->work(1000, 0)) {
        }
    }
    void settle() {
        work();
        while (!pipe.unanswered.empty()) {
            if (done == 0) {
                carry_out();
            }
            answer();
            work();
        }
    }
    std::string take() { return std::exchange(heard, {}); }

    void on_ask(const hub::Envelope &envelope, Millis) override {
        asked += "ask " + std::string(envelope.data) + ";";
    }
    void on_stale_ask(const hub::AskerId &asker) override {
        asked += "stale " + std::to_string(asker.slot.index) + ";";
    }
    void on_refused(Text text, Millis) override { refused += std::string(text) + ";"; }

    LogHost host;
    std::unique_ptr<cluster::Dialect> ours = classic();
    std::unique_ptr<cluster::Dialect> theirs = classic(kTheirUid);
    Pipe pipe;
    Tallies metrics;
    std::unique_ptr<Outbound> outbound;
    std::vector<std::uint64_t> numbers; // as Redis has them
    std::string heard;
    std::string asked;
    std::string refused;
    std::size_t done = 0; // of the unanswered ones
};

hub::Envelope emit_of(Text data) {
    hub::Envelope envelope;
    envelope.nsp = "/";
    envelope.data = data;
    return envelope;
}

hub::Envelope asking(Text data, std::uint32_t slot) {
    hub::Envelope envelope = emit_of(data);
    envelope.asker = {0, 1, {slot, 1}, 1000};
    return envelope;
}

hub::Envelope fleeting(Text data) {
    hub::Envelope envelope = emit_of(data);
    envelope.is_volatile = true;
    return envelope;
}

void order_and_cursor() {
    World world;
    const hub::Position begun = world.host.zone.bridge.published();
    world.host.emit("[1]");
    const hub::Position second = world.host.emit("[2]", "r");
    ok(!world.outbound->work(1000, 0), "no more is there");
    is(world.host.zone.bridge.published(), begun, "the cursor waits for answers");
    ok(!world.outbound->is_idle() && world.outbound->last_number() == 2, "two are under way");
    is(world.outbound->cursor(), second, "and have been handed over");
    ok(world.pipe.unanswered[0].words[0] == "PUBLISH" &&
           world.pipe.unanswered[0].words[1] == "socket.io#/#" &&
           world.pipe.unanswered[1].words[1] == "socket.io#/#r#",
       "on their channels");
    world.carry_out();
    world.carry_out();
    is(world.take(), "#1[1]#2[2]", "numbered, in order");
    world.answer();
    ok(world.host.zone.bridge.published() > begun && world.host.zone.bridge.published() < second,
       "one answer, one step");
    is(world.host.zone.bridge.published_number(), std::uint64_t{1}, "with its number");
    world.answer();
    is(world.host.zone.bridge.published(), second, "the second one");
    ok(world.outbound->is_idle(), "nothing is under way");
    world.settle();
    is(world.take(), "", "and nothing is said again");
}

// In a row: what is appended, and what others hear of it.
void who_hears_what() {
    struct Row {
        const char *name;
        hub::Op op;
        bool remote;
        bool is_volatile;
        const char *heard;
    };
    const Row rows[] = {
        {"an emit", hub::Op::emit, false, false, "#1[0]"},
        {"a volatile one", hub::Op::emit, false, true, "#0[0]"},
        {"one of another server", hub::Op::emit, true, false, ""},
        {"an order", hub::Op::join, false, false, "#0"},
        {"an order of another server", hub::Op::leave, true, false, ""},
        {"a note of a join", hub::Op::joined, false, false, ""},
        {"a note of a leave", hub::Op::left, false, false, ""},
        {"a gap", hub::Op::gap, false, false, ""},
        {"an emit to servers", hub::Op::server_emit, false, false, "#0[0]"},
    };
    for (const Row &row : rows) {
        World world;
        hub::Envelope envelope = emit_of("[0]");
        envelope.op = row.op;
        envelope.remote = row.remote;
        envelope.is_volatile = row.is_volatile;
        if (row.op != hub::Op::emit && row.op != hub::Op::server_emit) {
            envelope.data = {};
            envelope.rooms = {"r"};
        }
        const hub::Position end = world.host.append(envelope);
        world.settle();
        is(world.take(), row.heard, row.name);
        is(world.host.zone.bridge.published(), end, std::string(row.name) + " is behind the cursor");
    }
}

void what_cannot_be_said() {
    World world;
    world.host.emit("no JSON");
    world.host.emit("[2]");
    world.settle();
    is(world.take(), "#2[2]", "what no server could read is not sent");
    is(world.host.zone.bridge.published(), world.host.bus.head(), "and not waited for");
}

void refusals() {
    World world;
    world.pipe.room = 2;
    for (int i = 1; i <= 5; ++i) {
        world.host.emit("[" + std::to_string(i) + "]");
    }
    world.work();
    is(world.pipe.unanswered.size(), std::size_t{2}, "as much as the line takes");
    const int refused = world.pipe.refused;
    ok(!world.outbound->work(1000, 0) && world.pipe.refused == refused, "then it is not tried in vain");
    world.settle();
    is(world.take(), "#1[1]#2[2]#3[3]#4[4]#5[5]", "the rest follows in order");

    world.pipe.room = 0; // full of others' commands
    world.host.emit("[6]");
    world.work();
    is(world.outbound->last_number(), std::uint64_t{5}, "what is not taken has not been said");
    world.pipe.room = 9;
    world.outbound->unblock();
    world.settle();
    is(world.take(), "#6[6]", "an answer to others unblocks it, too");
}

void errors() {
    World world;
    const hub::Position end = world.host.emit("[1]");
    world.work();
    world.answer(refusal());
    is(world.refused, "NOPERM no;", "what Redis refuses is told");
    is(world.metrics[Metric::bus_refused], std::int64_t{1}, "and counted");
    is(world.host.zone.bridge.published(), end, "and not repeated for ever");
}

void lost_and_back() {
    World world;
    for (const char *data : {"[1]", "[2]", "[3]"}) {
        world.host.emit(data);
    }
    world.work();
    world.carry_out();
    world.answer();
    world.carry_out();
    world.lose(); // the second one was carried out, and nobody knows
    is(world.take(), "#1[1]#2[2]", "before");
    world.work();
    is(world.pipe.text(), "", "a line that is not begun yet is not used");
    world.begin();
    is(world.outbound->last_number(), std::uint64_t{1}, "what comes next is behind what was answered");
    world.settle();
    is(world.take(), "#2[2]#3[3]", "what has no answer is said again, with its number");
    world.lose();
    world.begin();
    is(world.outbound->last_number(), std::uint64_t{3}, "an idle host is as far as it was, on a new line");
    world.take_over();
    is(world.outbound->last_number(), std::uint64_t{3}, "and at another worker");
}

// Masters of a Cluster answer each in its own order, and one of them dies.
void answers_out_of_order() {
    World world;
    const hub::Position begun = world.host.zone.bridge.published();
    for (const char *data : {"[1]", "[2]", "[3]"}) {
        world.host.emit(data);
    }
    world.work();
    const std::uint64_t second = world.pipe.unanswered[1].cookie.value;
    world.outbound->on_reply(second, good().value(), 0);
    is(world.host.zone.bridge.published(), begun, "the cursor waits for the first");
    world.lose();
    world.begin();
    world.settle();
    is(world.take(), "#1[1]#3[3]", "what had no answer is said again, and nothing else");
    ok(world.outbound->is_idle(), "nothing is under way");
}

// The connection that hears was away: what was sent on the other one is not sent again.
void deaf_for_a_while() {
    World world;
    world.host.emit("[1]");
    world.work();
    world.pipe.hears = false;
    world.host.emit("[2]");
    world.host.append(fleeting("[3]"));
    world.work();
    is(world.pipe.unanswered.size(), std::size_t{1}, "nobody could hear the answers");
    world.pipe.hears = true;
    world.outbound->freshen();
    world.work();
    world.settle();
    is(world.take(), "#1[1]#2[2]", "each once");
    is(world.metrics[Metric::bus_stale], std::int64_t{1}, "but what is volatile");
}

void stale() {
    World world;
    world.pipe.up = false;
    world.host.append(fleeting("[1]"));
    world.host.append(asking("[2]", 7));
    world.host.emit("[3]");
    world.work();
    is(world.asked, "", "while Redis is away nobody is asked");
    world.pipe.up = true;
    world.begin();
    world.settle();
    is(world.take(), "#1[3]", "what waited, but nothing volatile");
    is(world.asked, "stale 7;", "and no question");
    is(world.metrics[Metric::bus_stale], std::int64_t{2}, "both are counted");
    world.host.append(asking("[4]", 8));
    world.host.append(fleeting("[5]"));
    world.settle();
    is(world.asked, "stale 7;ask [4];", "a question of now is asked once");
    is(world.take(), "#0[5]", "and a volatile one said");
    world.take_over();
    world.settle();
    is(world.asked, "stale 7;ask [4];", "not again by the next holder");
}

void overrun() {
    for (const bool other_worker : {false, true}) {
        World world(1u << 18);
        world.host.emit("[\"first\"]");
        world.settle();
        world.take();
        world.pipe.up = false;
        const std::string data = "[\"" + std::string(8000, 'x') + "\"]";
        constexpr std::uint64_t many = 60;
        for (std::uint64_t i = 0; i < many; ++i) {
            world.host.emit(data);
        }
        if (other_worker) {
            world.take_over();
        }
        world.pipe.up = true;
        world.begin();
        world.settle();
        const std::uint64_t first = world.numbers.at(1);
        const std::string who = other_worker ? "another holder" : "the same holder";
        ok(first > 2 && world.numbers.back() == many + 1 && world.numbers.size() == many + 3 - first,
           who + ": what is left in the log goes out, and no more");
        is(world.metrics[Metric::bus_overrun], static_cast<std::int64_t>(first - 2),
           who + ": what was overrun is counted");
    }
}

// A holder that gave up waiting hears its answers after the next one has gone on.
void late_answers() {
    World world;
    world.host.emit("[1]");
    world.work();
    const std::uint64_t old = world.pipe.unanswered[0].cookie.value;
    std::unique_ptr<Outbound> former = std::move(world.outbound);
    world.take_over();
    world.host.emit("[2]");
    world.settle();
    const hub::Position end = world.host.zone.bridge.published();
    former->on_reply(old, good().value(), 0);
    is(world.host.zone.bridge.published(), end, "the cursor of the next one stays");
    is(world.host.zone.bridge.published_number(), std::uint64_t{2}, "and its number");
    former->on_reply(old, good().value(), 0);
    former->on_reply(12345, good().value(), 0);
    is(world.host.zone.bridge.published(), end, "an answer to nothing is none");
}

// A reload took Redis away while an old worker still had the bridge.
void taken_away() {
    World world;
    world.host.emit("[1]");
    world.work();
    world.host.zone.bridge.set_published(0);
    world.answer();
    world.work();
    is(world.host.zone.bridge.published(), hub::Position{0}, "nothing is begun again");
}

// Numbers only grow but for repeats of what had no answer; each comes, if nothing was overrun.
bool all_came(const std::vector<std::uint64_t> &numbers, std::uint64_t last) {
    std::uint64_t next = 1;
    for (const std::uint64_t number : numbers) {
        if (number > next) {
            return false;
        }
        next = std::max(next, number + 1);
    }
    return next == last + 1;
}

void any_schedule() {
    int good_ones = 0;
    int repeats = 0;
    constexpr unsigned kRuns = 300;
    for (unsigned seed = 0; seed < kRuns; ++seed) {
        std::mt19937 dice(seed);
        const auto roll = [&](unsigned sides) { return dice() % sides; };
        World world;
        std::uint64_t emitted = 0;
        hub::Position before = 0;
        bool steady = true;
        bool begun = true;
        for (int step = 0; step < 200; ++step) {
            switch (roll(12)) {
            case 0:
            case 1:
            case 2:
                world.host.emit("[" + std::to_string(++emitted) + "]");
                break;
            case 3:
                world.host.append(fleeting("[0]"));
                break;
            case 4:
                world.outbound->work(roll(4), 0);
                break;
            case 5:
                world.work();
                break;
            case 6:
            case 7:
                world.carry_out();
                break;
            case 8:
            case 9:
                if (world.done > 0) {
                    world.answer();
                }
                break;
            case 10:
                world.pipe.room = roll(6);
                break;
            default:
                if (roll(4) == 0) {
                    world.lose();
                    begun = false;
                } else if (roll(4) == 0) {
                    world.take_silently();
                    begun = false;
                }
            }
            if (!begun && roll(4) == 0) {
                world.begin();
                begun = true;
            }
            steady = steady && world.host.zone.bridge.published() >= before;
            before = world.host.zone.bridge.published();
        }
        world.pipe.room = SIZE_MAX;
        world.outbound->unblock();
        if (!begun) {
            world.begin();
        }
        world.settle();
        const bool end = world.host.zone.bridge.published() == world.host.bus.head();
        good_ones += steady && end && all_came(world.numbers, emitted) ? 1 : 0;
        repeats += world.numbers.size() > emitted ? 1 : 0;
    }
    is(good_ones, static_cast<int>(kRuns), "whatever happens, all numbers come in order");
    ok(repeats > 50, "some again, where nobody knew");
}

} // namespace

int main() {
    order_and_cursor();
    who_hears_what();
    what_cannot_be_said();
    refusals();
    errors();
    lost_and_back();
    answers_out_of_order();
    deaf_for_a_while();
    stale();
    overrun();
    late_answers();
    taken_away();
    any_schedule();
    return done();
}
