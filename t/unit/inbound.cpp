// SPDX-License-Identifier: BSD-2-Clause
// What the host hears: into the log once, counted where something is missing, and not even decoded
// where nobody is meant.
#include "cluster/inbound.hpp"

#include "bridge_env.hpp"

using namespace rt;
using namespace rt::test;
using cluster::Inbound;
using cluster::PeerMessage;
using cluster::Says;
using hub::Metric;

namespace {

// Decodes like the classic dialect, and counts.
class Counting final : public cluster::Dialect {
public:
    explicit Counting(bool rooms) : real_(classic(kOurUid, rooms)) {}

    [[nodiscard]] cluster::PeerUid sender_of(Bytes payload) const noexcept override {
        return real_->sender_of(payload);
    }
    [[nodiscard]] cluster::ChannelPlace place_of(Text channel) const noexcept override {
        return real_->place_of(channel);
    }
    Result<const PeerMessage *> hear(Text channel, Bytes payload) override {
        ++decoded;
        return real_->hear(channel, payload);
    }
    void say(const PeerMessage &message, Text to, cluster::Publication &into) override {
        real_->say(message, to, into);
    }
    [[nodiscard]] std::vector<cluster::Subscription> always() const override { return real_->always(); }
    [[nodiscard]] std::vector<cluster::Subscription> of_namespace(Text nsp) const override {
        return real_->of_namespace(nsp);
    }
    [[nodiscard]] std::optional<cluster::Subscription> of_room(Text nsp, Text room, bool own) const override {
        return real_->of_room(nsp, room, own);
    }
    [[nodiscard]] bool hears_all() const noexcept override { return real_->hears_all(); }
    [[nodiscard]] bool follows_rooms() const noexcept override { return real_->follows_rooms(); }
    [[nodiscard]] Text count_verb() const noexcept override { return real_->count_verb(); }
    [[nodiscard]] std::string count_channel(Text nsp) const override { return real_->count_channel(nsp); }
    [[nodiscard]] Text publish_verb() const noexcept override { return real_->publish_verb(); }

    int decoded = 0;

private:
    std::unique_ptr<cluster::Dialect> real_;
};

struct Heard {
    std::string data = "[1]";
    std::uint64_t number = 0;
    std::string room = {};
    Text uid = kTheirUid;
};

class World final : public cluster::InboundEvents {
public:
    explicit World(bool rooms = false) : dialect(rooms), begun(host.bus.head()) {
        add_socket(zone.roster, 1, "/", {"here"});
    }

    void hear(const Heard &heard) {
        PeerMessage message;
        message.nsp = "/";
        message.number = heard.number;
        message.envelope.data = heard.data;
        if (!heard.room.empty()) {
            message.envelope.to = {heard.room};
        }
        say(message, heard.uid);
    }
    void say(const PeerMessage &message, Text uid = kTheirUid) {
        cluster::Publication said;
        classic(uid)->say(message, {}, said);
        inbound.on_message(said.channel, as_bytes(said.payload), now);
    }
    void raw(Text channel, Text payload) { inbound.on_message(channel, as_bytes(payload), 5); }

    // What the log got, and what was told, since the last time.
    std::string take() {
        const hub::Position from = std::exchange(begun, host.bus.head());
        return log_text(host, from) + std::exchange(told, {});
    }

    void on_question(const PeerMessage &message, Millis) override {
        told += "question " + std::string(message.request_id) + "\n";
    }
    void on_peer_answer(const PeerMessage &message, Millis) override {
        told += "answer " + std::string(message.request_id) + "\n";
    }
    void on_old_order(const PeerMessage &message, Millis) override {
        told += "old order " + std::string(message.request_id) + "\n";
    }
    void on_ordered(Text, std::span<const Text> rooms) override {
        for (const Text room : rooms) {
            ordered += std::string(room) + " ";
        }
    }
    void on_echo(std::uint64_t number) override { told += "echo " + std::to_string(number) + "\n"; }
    void on_own_ask(Text request_id) override { told += "asked " + std::string(request_id) + "\n"; }
    void on_missed(Text uid, std::uint64_t count, Millis) override {
        told += "missed " + std::to_string(count) + " of " + std::string(uid) + "\n";
    }
    void on_malformed(Text channel, const Error &, Millis) override {
        told += "malformed " + std::string(channel) + "\n";
    }

    LogHost host;
    RosterZone zone{1u << 20};
    Counting dialect;
    Tallies metrics;
    std::string told;
    std::string ordered; // rooms
    Millis now = 5;
    Inbound inbound{{dialect, host.bus, zone.roster, metrics, *this}, host.zone.bridge, kOurUid};
    hub::Position begun;
};

const std::string kMissed = " of " + std::string(kTheirUid) + "\n";

// One after the other, on one host.
void numbers() {
    const struct {
        const char *name;
        Heard heard;
        std::string expected;
    } rows[] = {
        {"without a number", {"[1]"}, "emit [1]\n"},
        {"again: it is another one", {"[1]"}, "emit [1]\n"},
        {"the first number that is heard may be any", {"[5]", 5}, "emit [5]\n"},
        {"the next", {"[6]", 6}, "emit [6]\n"},
        {"a repeat", {"[6]", 6}, ""},
        {"an older one", {"[2]", 2}, ""},
        {"two are missing", {"[9]", 9}, "emit [9]\nmissed 2" + kMissed},
        {"they are missed once", {"[10]", 10}, "emit [10]\n"},
        {"what comes too late is not let in", {"[7]", 7}, ""},
        {"of another host", {"[3]", 3, {}, "otheruid-11"}, "emit [3]\n"},
        {"our own comes back", {"[4]", 4, {}, kOurUid}, "echo 4\n"},
        {"our own without a number", {"[4]", 0, {}, kOurUid}, ""},
        {"to a room without a member", {"[11]", 11, "empty"}, ""},
        {"its number has been heard", {"[12]", 12}, "emit [12]\n"},
        {"there a gap shows, too", {"[15]", 15, "empty"}, "missed 2" + kMissed},
        {"and a repeat", {"[15]", 15, "empty"}, ""},
        {"our own to such a room", {"[5]", 5, "empty", kOurUid}, "echo 5\n"},
        {"to a room with one", {"[16]", 16, "here"}, "emit to here [16]\n"},
        {"to a socket's own room", {"[17]", 17, id_of(1)}, "emit to " + id_of(1) + " [17]\n"},
        {"to an id of nobody", {"[18]", 18, id_of(2)}, ""},
    };
    World world;
    for (const auto &row : rows) {
        world.hear(row.heard);
        is(world.take(), row.expected, row.name);
    }
    is(world.metrics[Metric::bus_missed], std::int64_t{4}, "what is missing is counted once");
    is(world.metrics[Metric::bus_repeated], std::int64_t{4}, "repeats are");
    is(world.metrics[Metric::bus_unconcerned], std::int64_t{4}, "what concerns nobody is");
    is(world.host.zone.bridge.heard_of(kTheirUid).number, std::uint64_t{18},
       "the last number stands in the zone");
}

// Slots of a Cluster have no common order; each has its own.
void disorder() {
    World world(true);
    world.inbound.expect_disorder();
    const std::tuple<Heard, std::string, const char *> rows[] = {
        {{"[5]", 5}, "emit [5]\n", "in one slot"},
        {{"[4]", 4, "here"}, "emit to here [4]\n", "an older one in another slot"},
        {{"[4]", 4, "here"}, "", "a repeat there"},
        {{"[3]", 3}, "", "a repeat in the first"},
        {{"[6]", 6}, "emit [6]\n", "the next"},
        {{"[2]", 2, {}, "otheruid-11"}, "emit [2]\n", "of another host"},
    };
    for (const auto &[heard, expected, name] : rows) {
        world.hear(heard);
        is(world.take(), expected, name);
    }
    is(world.host.zone.bridge.heard_of(kTheirUid).number, std::uint64_t{6}, "the highest stands in the zone");
}

void undecoded() {
    World world;
    world.hear({"[1]", 1, "empty"});
    world.hear({"[2]", 2, "empty"});
    is(world.dialect.decoded, 0, "to a room without a member: not decoded");
    world.hear({"[3]", 3, "here"});
    is(world.dialect.decoded, 1, "to one with a member it is");
    const auto connection = add_client(world.zone.roster, sid_of(2));
    const auto socket = world.zone.roster.add_socket(
        *connection, {.id = id_of(2), .nsp = "/", .user = {}, .pid = pid_of(2), .since = 1});
    static_cast<void>(world.zone.roster.set_connected(*socket));
    static_cast<void>(world.zone.roster.keep(*socket, 1000));
    world.take();
    world.hear({"[4]", 4, "empty"});
    is(world.take(), "emit to empty [4]\n", "a kept socket may have been in any room");
}

void hellos() {
    World world;
    world.inbound.expect(kTheirUid, 7, 0);
    is(world.take(), "", "of a host that was never heard nothing is missing");
    world.hear({"[8]", 8});
    world.inbound.expect(kTheirUid, 8, 0);
    is(world.take(), "emit [8]\n", "all has come");
    world.inbound.expect(kTheirUid, 11, 0);
    is(world.take(), "missed 3" + kMissed, "three have not");
    world.inbound.expect(kTheirUid, 11, 0);
    world.inbound.expect(kTheirUid, 9, 0);
    world.inbound.expect(kTheirUid, 0, 0);
    world.hear({"[12]", 12});
    is(world.take(), "emit [12]\n", "once");
}

// Damaged or forged, with a uid that is heard: it costs one gap at most, and silences nobody.
void forged() {
    constexpr std::uint64_t kHuge = UINT64_MAX;
    const struct {
        const char *name;
        std::vector<std::uint64_t> heard;  // events
        std::vector<std::uint64_t> hellos; // behind them
        std::string told;
    } rows[] = {
        {"an event with a number beyond all",
         {kHuge},
         {},
         "emit [1]\nmalformed " + std::string(kTheirUid) + "\n"},
        {"a hello with one", {}, {kHuge, kHuge - 1}, "malformed 2"},
        {"an event with one that might be", {1'000'000}, {}, "emit [1]\nmissed 999989" + kMissed},
        {"a hello with one", {}, {1'000'000}, "missed 999990" + kMissed},
        {"a hello of little", {}, {11}, "missed 1" + kMissed},
        {"a hello of nothing", {}, {0}, ""},
    };
    for (const auto &row : rows) {
        World world;
        world.hear({"[9]", 9});
        world.hear({"[10]", 10});
        world.take();
        for (const std::uint64_t number : row.heard) {
            world.hear({"[1]", number});
        }
        for (const std::uint64_t last : row.hellos) {
            world.inbound.expect(kTheirUid, last, world.now);
        }
        const std::string told = world.take();
        const std::string twice = "malformed " + std::string(kTheirUid) + "\n";
        is(told, row.told == "malformed 2" ? twice + twice : row.told, row.name);
        for (const std::uint64_t number : {11, 12, 12, 11}) {
            world.hear({"[" + std::to_string(number) + "]", number});
        }
        is(world.take(), "emit [11]\nemit [12]\n", std::string(row.name) + ": what follows is heard, once");
        world.hear({"[15]", 15});
        is(world.take(), "emit [15]\nmissed 2" + kMissed, std::string(row.name) + ": and a gap is one");
    }
}

// Two that follow each other are believed, until the host itself says what its last one is.
void forged_twice() {
    for (const bool rooms : {false, true}) {
        World world(rooms);
        world.hear({"[9]", 9});
        world.hear({"[10]", 10});
        world.hear({"[1]", 5000});
        world.hear({"[2]", 5001});
        world.hear({"[11]", 11});
        world.take();
        world.inbound.expect(kTheirUid, 11, world.now);
        world.inbound.expect(kTheirUid, 11, world.now);
        is(world.take(), "", "a host that says less than was heard: not yet");
        world.now += Inbound::kDoubt;
        world.inbound.expect(kTheirUid, 12, world.now);
        is(world.take(), "missed 1" + kMissed, "it stays with that: a gap");
        world.hear({"[12]", 12});
        world.hear({"[13]", 13});
        is(world.take(), "emit [13]\n", "and it is heard again");
    }
    World world;
    world.hear({"[9]", 9});
    world.hear({"[10]", 10});
    world.inbound.expect(kTheirUid, 8, world.now);
    world.hear({"[9]", 9});
    world.hear({"[10]", 10});
    world.now += Inbound::kDoubt;
    world.inbound.expect(kTheirUid, 10, world.now);
    world.inbound.expect(kTheirUid, 9, world.now);
    is(world.take(), "emit [9]\nemit [10]\n", "who took the bridge says again what was heard");
}

// Where rooms have channels of their own, most numbers never come here.
void some_rooms_only() {
    World world(true);
    world.hear({"[1]", 1});
    world.hear({"[9]", 9, "here"});
    world.inbound.expect(kTheirUid, 20, 0);
    world.hear({"[15]", 15});
    world.hear({"[15]", 15});
    is(world.take(), "emit [1]\nemit to here [9]\nemit [15]\n", "nothing is missing, and repeats are none");
    is(world.metrics[Metric::bus_missed], std::int64_t{0}, "nor counted");
}

std::string old_order(Says says, Text socket) {
    const char *type = says == Says::join ? "2" : says == Says::leave ? "3" : "4";
    const char *more = says == Says::disconnect ? R"("close":false})" : R"("room":"r"})";
    return R"({"requestId":"q","type":)" + std::string(type) + R"(,"sid":")" + std::string(socket) + "\"," +
           more;
}

void orders() {
    const std::string mine = id_of(1);
    const std::string other = id_of(9);
    const struct {
        const char *name;
        Says says;
        bool old_form;
        std::vector<Text> to;
        std::string expected;
    } rows[] = {
        {"join", Says::join, false, {"here"}, "join to here room r\n"},
        {"leave", Says::leave, false, {"here"}, "leave to here room r\n"},
        {"disconnect", Says::disconnect, false, {}, "disconnect\n"},
        {"an old join of a socket here",
         Says::join,
         true,
         {mine},
         "join to " + mine + " room r\nold order q\n"},
        {"an old join of one elsewhere", Says::join, true, {other}, ""},
        {"an old leave", Says::leave, true, {mine}, "leave to " + mine + " room r\nold order q\n"},
        {"an old disconnect", Says::disconnect, true, {mine}, "disconnect to " + mine + "\nold order q\n"},
    };
    for (const auto &row : rows) {
        World world;
        if (row.old_form) {
            world.raw("socket.io-request#/#", old_order(row.says, row.to.front()));
            is(world.take(), row.expected, row.name);
            continue;
        }
        PeerMessage message;
        message.says = row.says;
        message.nsp = "/";
        message.envelope.to = row.to;
        if (row.says != Says::disconnect) {
            message.envelope.rooms = {"r"};
        }
        world.say(message);
        is(world.take(), row.expected, row.name);
        world.say(message, kOurUid);
        is(world.take(), "", std::string(row.name) + ", our own");
    }
}

// What is said next to a room that sockets were ordered into stands behind the order in the log.
void ordered_rooms() {
    World world;
    const auto order = [&](Text to, Text room) {
        PeerMessage message;
        message.says = Says::join;
        message.nsp = message.envelope.nsp = "/";
        if (!to.empty()) {
            message.envelope.to = {to};
        }
        message.envelope.rooms = {room};
        world.say(message);
    };
    const auto heard = [&](const std::string &room) {
        world.take();
        world.hear({"[1]", 0, room});
        return world.take() == "emit to " + room + " [1]\n";
    };
    order("here", "a");
    ok(heard("a"), "no worker has obeyed, and the room is heard");
    ok(!heard("b"), "others are not");
    order("a", "b");
    ok(heard("b"), "who is in a room by order is ordered into another");
    order("elsewhere", "c");
    ok(!heard("c"), "those who are not here will not be there");
    order("", "d");
    ok(heard("d"), "everybody");
    is(world.ordered, "a b d ", "whoever subscribes is told");
    world.now += cluster::OrderedRooms::kMemory - 1;
    order("here", "a");
    ok(heard("a") && heard("b"), "remembered");
    world.now += 1;
    ok(heard("a") && !heard("b"), "until long after all have obeyed");
    world.host.zone.bridge.set_joined();
    Inbound next({world.dialect, world.host.bus, world.zone.roster, world.metrics, world},
                 world.host.zone.bridge, kOurUid);
    ok(next.ordered(1000).has("/", "any"), "the next holder does not know the orders: all is heard");
    ok(!next.ordered(1000 + cluster::OrderedRooms::kTakeOver).has("/", "any"), "for a moment");
}

void questions() {
    World world;
    PeerMessage message;
    message.says = Says::list_rooms;
    message.nsp = "/";
    message.request_id = "q1";
    world.say(message);
    is(world.take(), "question q1\n", "a question is handed on");
    world.say(message, kOurUid);
    is(world.take(), "", "our own is not");
    message.says = Says::ask;
    message.envelope.nsp = "/";
    message.envelope.data = "[\"e\"]";
    world.say(message, kOurUid);
    is(world.take(), "asked q1\n", "but when it comes back to whom we asked is told");
}

void odd() {
    World world;
    const char *payloads[] = {"", "x", "{", "{}", "\x93", "\xc1", "[1,2,3]"};
    for (const char *payload : payloads) {
        world.raw("socket.io#/#", payload);
        is(world.take(), "malformed socket.io#/#\n", "malformed: it is told");
        world.raw("socket.io-request#/#", payload);
        world.take();
        world.raw("elsewhere", payload);
        is(world.take(), "", "on a foreign channel nothing is");
    }
    ok(world.metrics[Metric::bus_malformed] >= 7, "and counted");
    world.hear({"[\"" + std::string(100'000, 'x') + "\"]", 1});
    is(world.take(), "malformed /\n", "one that does not fit into the log is told");
    world.hear({"[2]", 2});
    is(world.take(), "emit [2]\n", "and what follows comes");
}

} // namespace

int main() {
    numbers();
    disorder();
    undecoded();
    hellos();
    forged();
    forged_twice();
    some_rooms_only();
    orders();
    ordered_rooms();
    questions();
    odd();
    return done();
}
