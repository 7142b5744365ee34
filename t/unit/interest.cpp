// SPDX-License-Identifier: BSD-2-Clause
// Which channels are subscribed to while namespaces and rooms come and go, whatever the order in
// which workers tell of them.
#include "cluster/interest.hpp"

#include "bridge_env.hpp"

#include <random>
#include <set>

using namespace rt;
using namespace rt::test;
using cluster::Interest;
using cluster::Subscription;

namespace {

struct World final : cluster::InterestEvents {
    explicit World(bool rooms) : World(classic(kOurUid, rooms)) {}
    explicit World(std::unique_ptr<cluster::Dialect> made) : dialect(std::move(made)) {}

    void member(std::uint32_t number, const std::string &room, Text nsp = "/") {
        add_socket(zone.roster, number, nsp, {room});
        interest.look({nsp, std::nullopt});
        interest.look({nsp, room});
    }
    std::string all(const std::vector<std::string> &namespaces) {
        std::string text;
        for (const Subscription &each : interest.all(namespaces)) {
            text += each.name + " ";
        }
        return text;
    }
    void on_heard(shm::SeatRef who, std::uint64_t number) override {
        answers += std::to_string(who.index) + ":" + std::to_string(number) + " ";
    }
    void sweep(std::size_t most) { interest.sweep(most, ordered); }
    std::string answered() { return std::exchange(answers, {}); }
    [[nodiscard]] bool is_heard(std::uint32_t number, const std::string &room) {
        const auto known = zone.roster.find_socket(id_of(number));
        return zone.roster.join(known->ref, room)->heard;
    }

    RosterZone zone{1u << 20};
    std::unique_ptr<cluster::Dialect> dialect;
    Ear ear;
    cluster::OrderedRooms ordered;
    std::string answers;
    Interest interest{{*dialect, zone.roster, ear, *this}, "host"};
};

std::string requests(const std::string &sign, const std::string &nsp) {
    const std::string response = sign + "socket.io-response#" + nsp + "#";
    return sign + "socket.io-request#" + nsp + "# " + response + " " + response + std::string(kOurUid) + "# ";
}

void mails() {
    const struct {
        Text nsp;
        std::optional<Text> room;
    } rows[] = {{"/", std::nullopt}, {"/chat", "r"}, {"/", ""}, {"", std::nullopt}};
    for (const auto &row : rows) {
        const std::string mail = cluster::interest_mail({row.nsp, row.room, 7});
        const auto news = cluster::read_interest(as_bytes(mail));
        ok(news && news->nsp == row.nsp && news->room == row.room && news->number == 7,
           "a mail says what was put in");
        bool refused = !cluster::read_interest(as_bytes(mail + "x"));
        for (std::size_t size = 0; size < mail.size(); ++size) {
            refused = refused && !cluster::read_interest(as_bytes(Text(mail).substr(0, size)));
        }
        ok(refused, "parts of it, or more, say nothing");
    }
}

void namespaces() {
    World world(false);
    add_socket(world.zone.roster, 1, "/early", {"r"});
    is(world.all({"/"}), "socket.io#* " + requests("", "/") + requests("", "/early"),
       "those of the configuration, and those with a socket");
    world.interest.look({"/", std::nullopt});
    world.interest.look({"/early", "r"});
    is(world.ear.take(), "", "what is heard is not asked for again");
    world.interest.look({"/new", std::nullopt});
    world.interest.look({"/new", std::nullopt});
    is(world.ear.take(), requests("+", "/new"), "a new one is, once");
    remove_socket(world.zone.roster, 1);
    world.sweep(100);
    is(world.ear.take(), "", "an empty one is heard for ever");
    is(world.all({"/"}), "socket.io#* " + requests("", "/") + requests("", "/early") + requests("", "/new"),
       "on the next connection, too");
}

void rooms() {
    World world(true);
    add_socket(world.zone.roster, 1, "/", {"a"});
    add_socket(world.zone.roster, 2, "/", {"a", "b"});
    const std::string own = "socket.io#*#host????????????????# ";
    is(world.all({"/"}), own + "socket.io#/# " + requests("", "/") + "socket.io#/#a# socket.io#/#b# ",
       "rooms with a member, and all ids by one pattern");
    world.member(3, "c");
    world.member(4, "c");
    is(world.ear.take(), "+socket.io#/#c# ", "a new room, once");
    world.interest.look({"/", id_of(3)});
    is(world.ear.take(), "", "an id of ours has its pattern");
    world.interest.look({"/", "foreign-id-of-20-chr"});
    is(world.ear.take(), "+socket.io#/#foreign-id-of-20-chr# ", "one like an id is a room");
    world.sweep(100);
    is(world.ear.take(), "-socket.io#/#foreign-id-of-20-chr# ", "and goes when nobody is in it");
    remove_socket(world.zone.roster, 3);
    world.sweep(100);
    is(world.ear.take(), "", "a room with one member left stays");
    remove_socket(world.zone.roster, 4);
    remove_socket(world.zone.roster, 1);
    world.sweep(100);
    is(world.ear.take(), "-socket.io#/#c# ", "the one without goes");
    world.sweep(100);
    is(world.ear.take(), "", "once");
    world.member(5, "c");
    is(world.ear.take(), "+socket.io#/#c# ", "and comes back");
}

void few_at_a_time() {
    World world(true);
    for (std::uint32_t i = 1; i <= 7; ++i) {
        world.member(i, "room" + std::to_string(i));
    }
    world.ear.take();
    for (const std::uint32_t gone : {1U, 4U, 7U}) {
        remove_socket(world.zone.roster, gone);
    }
    std::string left;
    for (int beat = 0; beat < 4; ++beat) {
        world.sweep(2);
        left += world.ear.take() + "|";
    }
    is(left, "-socket.io#/#room1# |-socket.io#/#room4# ||-socket.io#/#room7# |",
       "two are looked at per beat");
}

// A socket that is kept may be in any room.
void kept() {
    World world(true);
    add_socket(world.zone.roster, 1, "/", {"a"});
    const auto connection = add_client(world.zone.roster, sid_of(2));
    const auto socket = world.zone.roster.add_socket(
        *connection, {.id = id_of(2), .nsp = "/", .user = {}, .pid = pid_of(2), .since = 1});
    static_cast<void>(world.zone.roster.join(*socket, "b"));
    static_cast<void>(world.zone.roster.set_connected(*socket));
    static_cast<void>(world.all({"/"}));
    ok(static_cast<bool>(world.zone.roster.keep(*socket, 1000)), "one is kept");
    world.sweep(100);
    is(world.ear.take(), "", "its rooms are heard");
    static_cast<void>(world.zone.roster.sweep_kept(UINT64_MAX, 100));
    world.sweep(100);
    is(world.ear.take(), "-socket.io#/#b# ", "until it is outlived");
}

// Workers wait for what they told, and hear of it in their order.
void confirmed() {
    World world(true);
    world.member(1, "old");
    world.ear.confirmed = 0;
    world.member(2, "new");
    world.interest.look({"/", "new", 1}, {3, 1});
    world.interest.look({"/", "new", 2}, {3, 1});
    world.interest.look({"/", "other", 1}, {4, 1});
    is(world.answered(), "", "not confirmed: nobody is answered");
    ok(!world.is_heard(2, "new"), "nor is it in the roster");
    world.ear.confirmed = world.ear.subscribed - 1;
    world.interest.settle();
    is(world.answered(), "3:2 ", "confirmed: a worker is told the last");
    ok(world.is_heard(2, "new") && !world.is_heard(1, "old"), "the next who joins need not ask");
    world.interest.look({"/", "old", 3}, {3, 1});
    world.interest.look({"/", std::nullopt, 4}, {3, 1});
    is(world.answered(), "", "what was confirmed before waits its turn");
    world.ear.confirmed = UINT64_MAX;
    world.interest.settle();
    is(world.answered(), "4:1 3:4 ", "all");
    ok(world.is_heard(1, "old"), "and it is in the roster");
    world.interest.look({"/", "old", 5}, {3, 1});
    is(world.answered(), "3:5 ", "what is heard is answered at once");
    world.interest.look({"/", "more"}, {3, 1});
    is(world.answered(), "", "who does not wait is not");
    remove_socket(world.zone.roster, 2);
    add_socket(world.zone.roster, 2, "/", {"new"});
    ok(!world.is_heard(2, "new"), "with its last member it is forgotten");
}

// It will not come; or another holds the bridge, who has asked for all at once.
void unconfirmed() {
    World world(true);
    world.ear.confirmed = 0;
    world.member(1, "a");
    world.interest.look({"/", "a", 1}, {3, 1});
    world.interest.give_up();
    is(world.answered(), "3:1 ", "Redis refuses: nobody waits");
    ok(!world.is_heard(1, "a"), "but it is not heard");
    static_cast<void>(world.all({"/"}));
    world.ear.take();
    ++world.ear.subscribed;
    world.interest.look({{}, std::nullopt, 9}, {3, 1});
    is(world.answered() + world.ear.take(), "", "a worker asks of all that it told the former one");
    world.ear.confirmed = world.ear.subscribed;
    world.interest.settle();
    is(world.answered(), "3:9 ", "which was asked for with the rest");
}

// Nobody is there yet, but will be.
void expected() {
    World world(true);
    const Text rooms[] = {"soon", "later"};
    hub::Envelope order;
    order.nsp = "/";
    order.rooms = {rooms[0], rooms[1]};
    world.ordered.add(order, 1);
    world.interest.expect("/", rooms);
    is(world.ear.take(), "+socket.io#/#soon# +socket.io#/#later# ", "heard before somebody is in it");
    world.sweep(100);
    is(world.ear.take(), "", "and kept");
    add_socket(world.zone.roster, 1, "/", {"soon"});
    world.ordered.forget(1 + cluster::OrderedRooms::kMemory);
    world.sweep(100);
    is(world.ear.take(), "-socket.io#/#later# ", "for those who came");
    World all(false);
    all.interest.expect("/", rooms);
    is(all.ear.take(), "", "where rooms have no channels nothing is asked for");
}

// Where each socket has a channel of its own.
void ids() {
    using Mode = cluster::DialectSettings::Mode;
    for (const Mode mode : {Mode::dynamic, Mode::dynamic_private}) {
        World world(cluster::make_sharded({.uid = std::string(kOurUid), .host = "host", .mode = mode}));
        add_socket(world.zone.roster, 1, "/", {"r"});
        const bool has_id = world.all({"/"}).find("#" + id_of(1) + "#") != std::string::npos;
        ok(has_id == (mode == Mode::dynamic_private), "a new connection hears those of all sockets");
        world.ear.take();
        world.interest.look({"/", id_of(1), 1}, {3, 1});
        is(world.ear.take(), "", "once");
        is(world.answered(), "3:1 ", "and answers for them");
    }
}

// Members come and go, and news of rooms arrives in any order, late or twice.
void any_order() {
    int good = 0;
    constexpr unsigned kRuns = 50;
    for (unsigned seed = 0; seed < kRuns; ++seed) {
        std::mt19937 dice(seed);
        World world(true);
        static_cast<void>(world.all({"/"}));
        std::set<std::string> heard;
        std::vector<std::string> news;
        std::vector<std::string> room_of(10);
        const auto listen = [&] {
            for (const std::string &each : split_words(world.ear.take())) {
                each[0] == '+' ? static_cast<void>(heard.insert(each.substr(1)))
                               : static_cast<void>(heard.erase(each.substr(1)));
            }
        };
        for (int step = 0; step < 150; ++step) {
            const auto who = static_cast<std::uint32_t>(dice() % 10);
            if (dice() % 2 == 0 && room_of[who].empty()) {
                room_of[who] = "r" + std::to_string(dice() % 5);
                add_socket(world.zone.roster, who, "/", {room_of[who]});
                news.push_back(room_of[who]);
            } else if (!room_of[who].empty()) {
                remove_socket(world.zone.roster, who);
                room_of[who].clear();
            }
            if (!news.empty() && dice() % 2 == 0) {
                const std::size_t at = dice() % news.size();
                world.interest.look({"/", news[at]});
                news.erase(news.begin() + static_cast<std::ptrdiff_t>(at));
            }
            if (dice() % 4 == 0) {
                world.sweep(dice() % 4);
            }
            listen();
        }
        for (const std::string &room : news) {
            world.interest.look({"/", room});
        }
        world.sweep(100);
        world.sweep(100);
        listen();
        std::set<std::string> wanted;
        for (const std::string &room : room_of) {
            if (!room.empty()) {
                wanted.insert("socket.io#/#" + room + "#");
            }
        }
        good += heard == wanted ? 1 : 0;
    }
    is(good, static_cast<int>(kRuns), "in the end exactly the rooms with members are heard");
}

} // namespace

int main() {
    mails();
    namespaces();
    rooms();
    few_at_a_time();
    kept();
    confirmed();
    unconfirmed();
    expected();
    ids();
    any_order();
    return done();
}
