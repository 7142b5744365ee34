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

struct World {
    explicit World(bool rooms) : dialect(classic(kOurUid, rooms)) {}

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

    RosterZone zone{1u << 20};
    std::unique_ptr<cluster::Dialect> dialect;
    Ear ear;
    Interest interest{*dialect, zone.roster, ear, "host"};
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
        const std::string mail = cluster::interest_mail({row.nsp, row.room});
        const auto news = cluster::read_interest(as_bytes(mail));
        ok(news && news->nsp == row.nsp && news->room == row.room, "a mail says what was put in");
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
    world.interest.sweep(100);
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
    world.interest.sweep(100);
    is(world.ear.take(), "-socket.io#/#foreign-id-of-20-chr# ", "and goes when nobody is in it");
    remove_socket(world.zone.roster, 3);
    world.interest.sweep(100);
    is(world.ear.take(), "", "a room with one member left stays");
    remove_socket(world.zone.roster, 4);
    remove_socket(world.zone.roster, 1);
    world.interest.sweep(100);
    is(world.ear.take(), "-socket.io#/#c# ", "the one without goes");
    world.interest.sweep(100);
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
        world.interest.sweep(2);
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
    world.interest.sweep(100);
    is(world.ear.take(), "", "its rooms are heard");
    static_cast<void>(world.zone.roster.sweep_kept(UINT64_MAX, 100));
    world.interest.sweep(100);
    is(world.ear.take(), "-socket.io#/#b# ", "until it is outlived");
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
                world.interest.sweep(dice() % 4);
            }
            listen();
        }
        for (const std::string &room : news) {
            world.interest.look({"/", room});
        }
        world.interest.sweep(100);
        world.interest.sweep(100);
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
    any_order();
    return done();
}
