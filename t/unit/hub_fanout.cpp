// SPDX-License-Identifier: BSD-2-Clause
// Rooms, and who gets an envelope: each once, whatever rooms overlap, in one order at all workers;
// and what becomes of those who do not read.
#include "host_env.hpp"

#include <map>

using namespace rt;
using namespace rt::test;
using hub::Envelope;
using hub::Metric;
using hub::Op;

namespace {

hub::Socket &socket_of(Worker &worker, const Peer &peer) {
    return *worker.hub.find_socket(peer.connection()->sockets().front());
}

// --- rooms alone ---

using Model = std::map<std::string, std::set<const hub::Socket *>>;

bool agree(const hub::Rooms &rooms, const Model &model, const std::vector<hub::Socket *> &sockets) {
    bool good = rooms.size() == model.size();
    for (const auto &[name, members] : model) {
        const hub::Room *room = rooms.find(name);
        std::set<const hub::Socket *> found;
        for (std::size_t i = 0; room != nullptr && i < room->members.size(); ++i) {
            const hub::Room::Member &member = room->members[i];
            const hub::Membership &back = member.socket->memberships[member.membership];
            good = good && back.room == room && back.index == i && found.insert(member.socket).second;
        }
        good = good && found == members;
    }
    for (const hub::Socket *socket : sockets) {
        for (const auto &membership : socket->memberships) {
            good = good && hub::Rooms::is_in(*socket, *membership.room);
        }
    }
    return good;
}

void rooms() {
    Rules rules;
    rules.nsp("/");
    Host host(rules, 1);
    std::vector<std::unique_ptr<Peer>> peers;
    std::vector<hub::Socket *> sockets;
    for (int i = 0; i < 6; ++i) {
        peers.push_back(std::make_unique<Peer>(host[0], host.session));
        peers.back()->say({"40"});
        sockets.push_back(&socket_of(host[0], *peers.back()));
    }
    hub::Rooms &all = sockets[0]->nsp.rooms;
    Model model;
    std::mt19937 random(5);
    bool good = true;
    for (int step = 0; step < 3000; ++step) {
        hub::Socket &socket = *sockets[random() % sockets.size()];
        const std::string name(1 + random() % 3, static_cast<char>('a' + random() % 3));
        const std::size_t verb = random() % 20;
        if (verb == 0) {
            all.leave_all(socket);
            for (auto &[room, members] : model) {
                members.erase(&socket);
            }
        } else if (verb < 12) {
            good = good && all.join(socket, name) == model[name].insert(&socket).second;
        } else {
            good = good && all.leave(socket, name) == (model[name].erase(&socket) == 1);
        }
        std::erase_if(model, [](const auto &entry) { return entry.second.empty(); });
        good = good && agree(all, model, sockets);
    }
    ok(good, "3000 joins and leaves, held against sets");
    for (const auto &peer : peers) {
        peer->hang_up();
    }
    ok(host.roster.sockets.empty(), "sockets leave their rooms when they end");
}

// --- envelopes ---

// Five sockets on two workers: s0 in a, s1 in a and b, s2 in b, s3 in none, s4 in all of three.
struct Five {
    Five() : host((rules.nsp("/").on("join", "join $realtime_arg_0").nsp("/other"), rules), 2) {
        const char *member_of[] = {"a", "ab", "b", "", "abc"};
        for (std::size_t i = 0; i < 5; ++i) {
            peers.push_back(std::make_unique<Peer>(host[i % 2], host.session));
            peers.back()->say({"40", "40/other,"});
            peers.back()->heard();
            for (const char room : std::string(member_of[i])) {
                peers.back()->say({"42[\"join\",\"" + std::string(1, room) + "\"]"});
            }
            ids.emplace_back(socket_of(host[i % 2], *peers.back()).id_text());
        }
    }

    // `0` to `4` stand for the sockets' ids.
    std::string name(char c) const {
        return c >= '0' && c <= '4' ? ids[static_cast<std::size_t>(c - '0')] : std::string(1, c);
    }

    // Who hears an emit to and except these rooms, by the sockets' numbers.
    std::string hearers(const std::string &to, const std::string &except) {
        std::vector<std::string> names;
        for (const char c : to + except) {
            names.push_back(name(c));
        }
        Envelope envelope;
        envelope.nsp = "/";
        envelope.data = "[\"e\"]";
        envelope.to.assign(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(to.size()));
        envelope.except.assign(names.begin() + static_cast<std::ptrdiff_t>(to.size()), names.end());
        static_cast<void>(host[0].bus.publish(envelope));
        host.deliver();
        std::string out;
        for (std::size_t i = 0; i < peers.size(); ++i) {
            const std::string heard = peers[i]->heard();
            out += heard.empty() ? "" : std::to_string(i) + (heard == "42[\"e\"]" ? "" : "?");
        }
        return out;
    }

    Rules rules;
    Host host;
    std::vector<std::unique_ptr<Peer>> peers;
    std::vector<std::string> ids;
};

void audiences() {
    struct Case {
        const char *to;
        const char *except;
        const char *heard;
    };
    constexpr Case kCases[] = {
        {"", "", "01234"}, {"a", "", "014"},    {"ab", "", "0124"},  {"aabb", "", "0124"}, {"x", "", ""},
        {"", "a", "23"},   {"", "abc", "3"},    {"b", "a", "2"},     {"a", "a", ""},       {"ab", "c", "012"},
        {"3", "", "3"},    {"33a", "", "0134"}, {"a", "1", "04"},    {"", "0123", "4"},    {"1", "1", ""},
        {"x", "x", ""},    {"", "x", "01234"},  {"0123", "a", "23"}, {"c4", "", "4"},
    };
    Five five;
    for (const Case &one : kCases) {
        is(five.hearers(one.to, one.except), one.heard,
           std::string("to \"") + one.to + "\" except \"" + one.except + "\"");
    }
}

void any_audience() {
    Five five;
    const std::string in[] = {"0a", "1ab", "2b", "3", "4abc"};
    const std::string all = "abcx01234";
    std::mt19937 random(9);
    int wrong = 0;
    for (int round = 0; round < 300; ++round) {
        std::string to;
        std::string except;
        for (std::size_t i = random() % 4; i > 0; --i) {
            to += all[random() % all.size()];
        }
        for (std::size_t i = random() % 3; i > 0; --i) {
            except += all[random() % all.size()];
        }
        std::string expected;
        for (std::size_t i = 0; i < 5; ++i) {
            const bool meant = to.empty() || in[i].find_first_of(to) != std::string::npos;
            const bool out = in[i].find_first_of(except) != std::string::npos;
            expected += meant && !out ? std::to_string(i) : "";
        }
        wrong += five.hearers(to, except) == expected ? 0 : 1;
    }
    is(wrong, 0, "300 audiences of rooms and ids, held against sets");
}

void other_operations() {
    Five five;
    const auto operate = [&](Op op, const char *to, const char *rooms, bool close) {
        Envelope envelope;
        envelope.op = op;
        envelope.nsp = "/";
        envelope.close = close;
        const std::string name = five.name(to[0]);
        envelope.to = {name};
        if (*rooms != '\0') {
            envelope.rooms = {rooms};
        }
        static_cast<void>(five.host[1].bus.publish(envelope));
    };
    operate(Op::join, "b", "new", false);
    is(five.hearers("n", ""), "", "a room of another name is empty");
    operate(Op::join, "b", "n", false);
    is(five.hearers("n", ""), "124", "a join of all of a room, at all workers");
    operate(Op::leave, "1", "n", false);
    is(five.hearers("n", ""), "24", "a leave of one");
    std::string in_n;
    for (std::size_t i = 0; i < five.ids.size(); ++i) {
        for (const auto &[key, socket] : five.host.roster.sockets) {
            in_n += socket.id == five.ids[i] && socket.rooms.count("n") == 1 ? std::to_string(i) : "";
        }
    }
    is(in_n, "24", "the roster knows");
    operate(Op::disconnect, "a", "", false);
    five.host.deliver();
    is(five.peers[0]->heard() + five.peers[1]->heard() + five.peers[3]->heard() + five.peers[4]->heard(),
       "414141", "a kick from the namespace");
    is(five.hearers("", ""), "23", "they are gone");
    operate(Op::disconnect, "3", "", true);
    five.host.deliver();
    is(five.peers[3]->heard(), "41 41/other, shut0", "a kick with the connection");
    Envelope unknown;
    unknown.nsp = "/nowhere";
    unknown.data = "[\"e\"]";
    static_cast<void>(five.host[0].bus.publish(unknown));
    unknown.nsp = "/other";
    static_cast<void>(five.host[0].bus.publish(unknown));
    five.host.deliver();
    is(five.peers[2]->heard(), "42/other,[\"e\"]", "an envelope is for its namespace");
}

// All sockets of all workers see what anybody publishes in the order of the log.
void one_order() {
    Five five;
    std::mt19937 random(1);
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        Envelope envelope;
        envelope.nsp = "/";
        const std::string data = "[" + std::to_string(i) + "]";
        envelope.data = data;
        static_cast<void>(five.host[random() % 2].bus.publish(envelope));
        expected += (i == 0 ? "42" : " 42") + data;
        if (random() % 3 == 0) {
            Worker &worker = five.host[random() % 2];
            worker.bus.drain(random() % 5, 0);
            worker.end_turn(0);
        }
    }
    five.host.deliver();
    bool good = true;
    for (const auto &peer : five.peers) {
        good = good && peer->heard() == expected;
    }
    ok(good, "one order for all");
}

void attachments() {
    Five five;
    Envelope envelope;
    envelope.nsp = "/";
    envelope.data = "[\"e\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";
    envelope.attachments = {as_bytes("one"), as_bytes("")};
    static_cast<void>(five.host[0].bus.publish(envelope));
    five.host.deliver();
    const std::string expected = "452-" + std::string(envelope.data) + " <one> <>";
    ok(five.peers[0]->heard() == expected && five.peers[1]->heard() == expected, "attachments reach all");
}

void slow_readers() {
    Rules rules;
    rules.nsp("/", "", "emit gone all");
    Host host(rules, 1);
    host.session.send_buffer = 50;
    Peer fast(host[0], host.session);
    Peer slow(host[0], host.session);
    fast.say({"40"});
    slow.say({"40"});
    fast.heard();
    slow.heard();
    slow.room = 0;
    const auto emit = [&](const char *data, bool is_volatile) {
        Envelope envelope;
        envelope.nsp = "/";
        envelope.data = data;
        envelope.is_volatile = is_volatile;
        static_cast<void>(host[0].bus.publish(envelope));
        host.deliver();
    };
    emit("[\"twenty-characters\"]", false);
    emit("[\"dropped\"]", true);
    emit("[\"twenty-characters\"]", false);
    is(host[0].counts[Metric::dropped_volatile], 1, "a volatile event is dropped, and counted");
    emit("[\"twenty-characters\"]", false);
    is(slow.heard(), "42[\"twenty-characters\"] 42[\"twenty-characters\"] shut1013", "a full buffer ends it");
    is(host[0].counts[Metric::slow_closed], 1, "counted");
    host.deliver();
    is(fast.heard(),
       "42[\"twenty-characters\"] 42[\"dropped\"] 42[\"twenty-characters\"] 42[\"twenty-characters\"] "
       "42[\"gone\"]",
       "the others hear all, and that it has gone");
}

void lapped() {
    Five five;
    five.host[0].hub.on_lapped(0);
    five.host[0].end_turn(0);
    is(five.peers[0]->heard() + five.peers[2]->heard() + five.peers[4]->heard(), "shut0shut0shut0",
       "a worker that was overrun closes its clients");
    is(five.peers[1]->heard(), "", "and no others");
    is(five.host[0].counts[Metric::lapped], 1, "counted");
    is(five.hearers("", ""), "13", "the rest goes on");
}

} // namespace

// What another worker has published, and this one has not read, is older than what its clients
// do now.
void latecomers() {
    Rules rules;
    rules.nsp("/").on("join", "join $realtime_arg_0").on("leave", "leave $realtime_arg_0");
    Host host(rules, 2);
    const auto publish = [&](Text data) {
        Envelope envelope;
        envelope.nsp = "/";
        envelope.data = data;
        envelope.to = {"a"};
        static_cast<void>(host[1].bus.publish(envelope));
    };
    Peer peer(host[0], host.session);
    peer.say({"40"});
    peer.heard();
    publish("[\"before\"]");
    peer.say({"42[\"join\",\"a\"]"});
    publish("[\"between\"]");
    peer.say({"42[\"leave\",\"a\"]"});
    publish("[\"behind\"]");
    host.deliver();
    is(peer.heard(), "42[\"between\"]", "a room is heard from the join to the leave");
    Envelope envelope;
    envelope.nsp = "/";
    envelope.data = "[\"all\"]";
    static_cast<void>(host[1].bus.publish(envelope));
    Peer late(host[0], host.session);
    late.say({"40"});
    host.deliver();
    is(late.heard(), "40{\"sid\":\"SID\"}", "a namespace is heard from the CONNECT on");
    is(peer.heard(), "42[\"all\"]", "and by who was there");
}

// What follows each other to the same sockets leaves as one frame; and nothing overtakes.
void bursts() {
    Five five;
    const auto publish = [&](Text data, Text to, Op op = Op::emit) {
        Envelope envelope;
        envelope.nsp = "/";
        envelope.op = op;
        envelope.data = data;
        envelope.is_volatile = data == "[v]";
        if (!to.empty()) {
            envelope.to = {to};
        }
        if (op == Op::leave) {
            envelope.rooms = {to};
        }
        static_cast<void>(five.host[1].bus.publish(envelope));
    };
    for (const Text data : {"[1]", "[2]"}) {
        publish(data, "a");
    }
    publish("[3]", "b");
    publish("[4]", "a");
    publish("[v]", "a");
    publish("[5]", "");
    publish("[6]", "");
    publish("", "a", Op::leave);
    publish("[7]", "a");
    publish("[8]", "");
    const std::int64_t before = five.host[0].counts[Metric::events_out];
    five.host.deliver();
    is(five.peers[0]->heard(), "42[1] 42[2] 42[4] 42[v] 42[5] 42[6] 42[8]", "one of a room that it leaves");
    is(five.peers[1]->heard(), "42[1] 42[2] 42[3] 42[4] 42[v] 42[5] 42[6] 42[8]", "one of two rooms");
    is(five.peers[2]->heard(), "42[3] 42[5] 42[6] 42[8]", "one of another");
    is(five.host[0].counts[Metric::events_out] - before, 19, "every event counts");
}

void large_bursts() {
    Five five;
    const std::string data = "[\"" + std::string(1000, 'x') + "\"]";
    std::string expected;
    for (int i = 0; i < 200; ++i) {
        Envelope envelope;
        envelope.nsp = "/";
        envelope.data = data;
        static_cast<void>(five.host[0].bus.publish(envelope));
        expected += (i == 0 ? "42" : " 42") + data;
    }
    five.peers[0]->room = 100000;
    five.host.deliver();
    const bool part = five.peers[0]->heard().size() < 70000;
    five.peers[0]->room = SIZE_MAX;
    five.peers[0]->connection()->session().on_writable();
    ok(part && five.peers[2]->heard() == expected, "large bursts are divided");
}

int main() {
    rooms();
    audiences();
    any_audience();
    other_operations();
    one_order();
    attachments();
    slow_readers();
    lapped();
    latecomers();
    bursts();
    large_bursts();
    return rt::test::done();
}
