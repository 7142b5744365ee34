// SPDX-License-Identifier: BSD-2-Clause
// What the host tells others: all of it once and in order, whatever Redis refuses, loses or leaves
// unanswered, and whichever worker holds the bridge.
#include "outbound_env.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

hub::Envelope asking(Text data, std::uint32_t slot) {
    hub::Envelope envelope = emit_of(data);
    envelope.asker = {0, 1, {slot, 1}, 1000};
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

// What Redis has not answered is never all that the line takes.
void room_for_others() {
    World world(1u << 26);
    const std::string data = "[\"" + std::string(1u << 20, 'x') + "\"]";
    for (int i = 0; i < 20; ++i) {
        world.host.emit(data);
    }
    world.work();
    const std::size_t most = (Outbound::kMostBytes >> 20) - 1; // and their frames
    is(world.pipe.unanswered.size(), most, "so many bytes are under way");
    world.carry_out();
    world.answer();
    world.work();
    is(world.pipe.unanswered.size(), most, "the next follows an answer");
    world.settle();
    is(world.numbers.size(), std::size_t{20}, "all come");
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

} // namespace

int main() {
    order_and_cursor();
    who_hears_what();
    what_cannot_be_said();
    refusals();
    room_for_others();
    errors();
    lost_and_back();
    answers_out_of_order();
    deaf_for_a_while();
    stale();
    overrun();
    late_answers();
    taken_away();
    return done();
}
