// SPDX-License-Identifier: BSD-2-Clause
// The roster in one process: what goes in comes out, references notice what is gone, pages see
// everything once, a full zone refuses and recovers.
#include "roster_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::size_t kZone = 256 * 1024;

std::string sorted(std::vector<std::string> texts) {
    std::ranges::sort(texts);
    std::string all;
    for (const std::string &text : texts) {
        all += text + ",";
    }
    return all;
}

void test_connections() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto ref = add_client(roster, sid_of(1), {3, 7});
    ok(bool(ref), "a connection is added");
    is(int(add_client(roster, sid_of(1)).code()), int(Code::exists), "and not twice");
    is(int(add_client(roster, "").code()), int(Code::too_big), "an empty sid is refused");
    is(int(add_client(roster, std::string(33, 's')).code()), int(Code::too_big), "a long sid is refused");
    is(int(add_client(roster, Text("a\0b", 3)).code()), int(Code::too_big), "a zero in a sid is refused");
    ok(bool(add_client(roster, "short")), "a short sid is taken");

    auto found = roster.find_connection(sid_of(1));
    ok(found && found->ref == *ref && found->home == SeatRef{3, 7}, "it is found with its home");
    ok(found && found->transport == Transport::websocket, "and its transport");
    is(int(roster.find_connection(sid_of(2)).code()), int(Code::not_found), "another one is not");

    ok(roster.set_home(*ref, {4, 8}) && roster.find_connection(sid_of(1))->home == SeatRef{4, 8}, "it moves");
    ok(roster.set_transport(*ref, Transport::polling) &&
           roster.find_connection(sid_of(1))->transport == Transport::polling,
       "its transport changes");
    is(int(roster.take_over(*ref, {3, 7}, {5, 9}).code()), int(Code::busy), "a late taker gets nothing");
    ok(roster.take_over(*ref, {4, 8}, {5, 9}) && roster.find_connection(sid_of(1))->home == SeatRef{5, 9},
       "the first taker gets it");
    is(roster.counts().connections, 2U, "two connections are counted");
    is(leak(roster), "", "nothing is left of them");
}

void test_stale_references() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto names_holder = add_client(roster, sid_of(9));
    static_cast<void>(roster.add_socket(*names_holder, {id_of(9), "/", "", "", "{}"}));
    const auto connection = add_client(roster, sid_of(1));
    const auto socket = roster.add_socket(*connection, {id_of(1), "/", "", "", "{}"});
    ok(bool(roster.remove_connection(*connection)), "a connection goes");
    is(int(roster.find_socket(id_of(1)).code()), int(Code::not_found), "and its socket with it");
    const auto other = add_client(roster, sid_of(2));
    const auto other_socket = roster.add_socket(*other, {id_of(2), "/", "", "", "{}"});
    ok(other->cell == connection->cell && other_socket->cell == socket->cell, "their cells are used again");
    const std::pair<Code, const char *> stale[] = {
        {roster.set_home(*connection, {1, 2}).code(), "set_home"},
        {roster.set_transport(*connection, Transport::polling).code(), "set_transport"},
        {roster.take_over(*connection, {1, 1}, {1, 2}).code(), "take_over"},
        {roster.handshake_of(*connection).code(), "handshake_of"},
        {roster.sockets_of(*connection).code(), "sockets_of"},
        {roster.add_socket(*connection, {id_of(3), "/", "", "", ""}).code(), "add_socket"},
        {roster.remove_connection(*connection).code(), "remove_connection"},
        {roster.socket(*socket).code(), "socket"},
        {roster.rooms_of(*socket).code(), "rooms_of"},
        {roster.join(*socket, "r").code(), "join"},
        {roster.leave(*socket, "r").code(), "leave"},
        {roster.remove_socket(*socket).code(), "remove_socket"},
        {roster.remove_connection({UINT32_MAX, 1}).code(), "a reference out of the zone"},
    };
    for (const auto &[code, name] : stale) {
        is(int(code), int(Code::gone), std::string("a stale reference is noticed: ") + name);
    }
    is(roster.counts().sockets, 2U, "nothing happened to the new ones");
}

void test_sockets() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto connection = add_client(roster, sid_of(1), {2, 5});
    const std::string auth = "{\"token\":\"" + std::string(700, 't') + "\"}";
    const std::string pid = numbered("host", 9, 32);
    const auto socket = roster.add_socket(*connection, {id_of(1), "/chat", "u7", pid, auth});
    const auto plain = roster.add_socket(*connection, {id_of(2), "/", "", "", ""});
    ok(socket && plain, "two sockets of a connection");
    is(int(roster.add_socket(*connection, {id_of(1), "/", "", "", ""}).code()), int(Code::exists),
       "an id twice");
    const std::string long_pid(Roster::kMaxPid + 1, 'p');
    const std::string long_auth(Roster::kMaxAuth + 1, 'a');
    const NewSocket wrong[] = {
        {"", "/", "", "", ""},
        {"123456789012345678901", "/", "", "", ""},
        {"id", "/", "", long_pid, ""},
        {"id", "/", "", "", long_auth},
    };
    for (const NewSocket &what : wrong) {
        is(int(roster.add_socket(*connection, what).code()), int(Code::too_big), "a wrong size");
    }
    const auto row = roster.socket(*socket);
    ok(row && row->id == id_of(1) && row->nsp == "/chat" && row->user == "u7",
       "id, namespace, user come back");
    ok(row && row->pid == pid && row->auth == auth, "pid and auth come back");
    ok(row && row->at.connection.ref == *connection && row->at.connection.home == SeatRef{2, 5},
       "and its home");
    is(roster.socket(*plain)->auth, "{}", "no auth is an empty object");
    const auto found = roster.find_socket(id_of(2));
    ok(found && found->ref == *plain && found->connection.home == SeatRef{2, 5},
       "a socket is found with its home");
    is(roster.sockets_of(*connection)->size(), 2U, "the connection knows both");
    ok(bool(roster.remove_socket(*socket)), "one goes");
    is(sorted({roster.sockets_of(*connection)->front().id}), id_of(2) + ",", "the other one stays");
    is(flaw(roster), "", "all fits together");
    is(leak(roster), "", "nothing leaks");
}

void test_rooms() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto connection = add_client(roster, sid_of(1));
    const auto a = roster.add_socket(*connection, {id_of(1), "/", "", "", ""});
    const auto b = roster.add_socket(*connection, {id_of(2), "/", "", "", ""});
    const auto c = roster.add_socket(*connection, {id_of(3), "/other", "", "", ""});
    const std::string long_name = "conversation:" + std::string(200, 'x');

    ok(roster.join(*a, "r")->changed && roster.join(*b, "r")->members == 2, "two join a room");
    const auto again = roster.join(*a, "r");
    ok(again && !again->changed && again->members == 2, "joining twice changes nothing");
    ok(roster.join(*c, "r")->members == 1, "a room is its namespace's");
    ok(roster.join(*a, long_name)->changed, "a long name");
    is(int(roster.join(*a, std::string(Names::kMaxSize + 1, 'x')).code()), int(Code::too_big),
       "a name too long");
    const std::uint32_t used = roster.counts().cells_used;
    ok(!roster.join(*a, id_of(1))->changed && roster.counts().cells_used == used,
       "its own room is not stored");
    ok(!roster.leave(*a, id_of(1))->changed, "nor left");
    is(sorted(*roster.rooms_of(*a)), long_name + ",r,", "its rooms are listed");
    is(roster.counts().rooms, 3U, "three rooms are counted");
    is(flaw(roster), "", "all fits together");

    const auto left = roster.leave(*a, "r");
    ok(left && left->changed && left->members == 1, "one leaves");
    const auto gone = roster.leave(*a, "r");
    ok(gone && !gone->changed && gone->members == 1, "leaving twice changes nothing");
    ok(!roster.leave(*a, "never")->changed, "nor does leaving what was not joined");
    is(roster.leave(*b, "r")->members, 0U, "the last one leaves");
    is(roster.counts().rooms, 2U, "the room goes with the last");
    is(leak(roster), "", "nothing leaks");
}

// More rooms than a cell has slots, left in another order than joined.
void test_many_rooms() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const auto connection = add_client(roster, sid_of(1));
    const auto socket = roster.add_socket(*connection, {id_of(1), "/", "", "", std::string(100, 'a')});
    const std::uint32_t used = roster.counts().cells_used;
    constexpr std::uint32_t kRooms = 100;
    for (std::uint32_t i = 0; i < kRooms; ++i) {
        static_cast<void>(roster.join(*socket, numbered("room", i, 10)));
    }
    is(roster.rooms_of(*socket)->size(), std::size_t{kRooms}, "a hundred rooms");
    is(roster.socket(*socket)->auth, std::string(100, 'a'), "the auth is not disturbed by them");
    is(flaw(roster), "", "all fits together");
    bool all_left = true;
    for (std::uint32_t i = 0; i < kRooms; ++i) {
        const auto left = roster.leave(*socket, numbered("room", i * 37 % kRooms, 10));
        all_left = all_left && left && left->changed && roster.rooms_of(*socket)->size() == kRooms - 1 - i;
    }
    ok(all_left, "each is left once");
    is(roster.counts().cells_used, used, "no cell is left of them");
    is(leak(roster), "", "nothing leaks");
}

void test_pages() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    for (std::uint32_t i = 0; i < 50; ++i) {
        const auto connection = add_client(roster, sid_of(i), {i % 3, 1});
        const auto socket =
            roster.add_socket(*connection, {id_of(i), i % 2 == 0 ? "/" : "/odd", "", "", "{}"});
        static_cast<void>(roster.join(*socket, i % 5 == 0 ? "fives" : "rest"));
        if (i < 20) {
            static_cast<void>(roster.set_connected(*socket));
        }
    }
    is(all_sockets(roster).size(), 50U, "all sockets, three at a time");
    is(all_connections(roster).size(), 50U, "all connections");
    is(all_rooms(roster).size(), 4U, "all rooms of both namespaces");
    const auto count = [&](Text nsp, Text room) {
        const std::span<const Text> to(&room, room.empty() ? 0 : 1);
        return all_pages([&](PageQuery page) { return roster.sockets({.page = page, .nsp = nsp, .to = to}); })
            .size();
    };
    is(count("/odd", ""), 25U, "sockets of a namespace");
    is(count("/", "fives"), 5U, "sockets of a room");
    is(count("", "fives"), 10U, "sockets of a room in any namespace");
    is(count("", id_of(7)), 1U, "a socket by its own room");
    is(count("/", id_of(7)), 0U, "but not in another namespace");
    is(count("/none", ""), 0U, "nothing in a namespace that is not there");
    const std::string one = id_of(1);
    const Text both[] = {"rest", "fives"};
    const Text but[] = {"fives", one};
    const auto meant = [&](std::span<const Text> to, std::span<const Text> except, bool connected) {
        return all_pages([&](PageQuery page) {
                   return roster.sockets({.page = page, .to = to, .except = except, .connected = connected});
               })
            .size();
    };
    is(meant(both, {}, false), 50U, "sockets of two rooms, each once");
    is(meant({}, but, false), 39U, "all but those of a room and one by its id");
    is(meant(both, but, false), 39U, "the same of the rooms");
    is(meant({}, {}, true), 20U, "those whose CONNECT was answered");
    is(meant(both, but, true), 15U, "of the rooms, without some");
    const auto owned = all_pages([&](PageQuery page) { return roster.connections({page, {1, 1}}); });
    is(owned.size(), 17U, "connections of a seat");
    const auto odd = all_pages([&](PageQuery page) { return roster.rooms({page, "/odd"}); });
    is(odd.size(), 2U, "rooms of a namespace");
    const auto none = all_pages([&](PageQuery page) { return roster.rooms({page, "/none"}); });
    is(none.size(), 0U, "none of a namespace that is not there");
    const auto wild = roster.sockets({.page = {UINT32_MAX, 0}});
    ok(wild && wild->rows.empty() && wild->next == 0, "a wild cursor is the end");
    is(roster.sockets({.page = {0, 0}})->rows.size(), 1U, "a page of nothing is a page of one");
    // What is there all the while is seen once, also if others go between the pages.
    std::multiset<std::string> seen;
    PageQuery page{0, 4};
    for (std::uint32_t victim = 0;; victim += 2) {
        const auto rows = roster.sockets({.page = page});
        for (const SocketRow &row : rows->rows) {
            seen.insert(row.id);
        }
        static_cast<void>(roster.remove_connection(roster.find_connection(sid_of(victim))->ref));
        page.cursor = rows->next;
        if (page.cursor == 0) {
            break;
        }
    }
    bool once = true;
    for (std::uint32_t i = 1; i < 50; i += 2) {
        once = once && seen.count(id_of(i)) == 1;
    }
    ok(once, "survivors are seen once");
    is(leak(roster), "", "nothing leaks");
}

// How much a full zone takes, and that it takes as much again after all went.
std::uint32_t fill(Roster &roster) {
    std::uint32_t clients = 0;
    for (;; ++clients) {
        const auto connection = add_client(roster, sid_of(clients));
        if (!connection) {
            return clients;
        }
        const auto socket =
            roster.add_socket(*connection, {id_of(clients), "/", "u", "", std::string(90, 'a')});
        if (!socket || !roster.join(*socket, numbered("room", clients, 50))) {
            return clients;
        }
    }
}

void test_addresses() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    const char *const from[] = {"203.0.113.1", "203.0.113.1", "203.0.113.2", "2001:db8::1"};
    HandshakeText handshake = node_handshake();
    std::uint32_t number = 0;
    for (const char *address : from) {
        handshake.address = address;
        handshake.counts_address = true;
        ok(bool(roster.add_connection({sid_of(++number), {1, 1}, Transport::polling, handshake})), address);
    }
    handshake.counts_address = false;
    ok(bool(roster.add_connection({sid_of(9), {1, 1}, Transport::polling, handshake})),
       "one that is not counted");
    is(roster.connections_from("203.0.113.1"), 2U, "two from one address");
    is(roster.connections_from("2001:db8::1"), 1U, "one is counted");
    is(roster.connections_from("203.0.113"), 0U, "none from another");
    const auto back = roster.handshake_of(roster.find_connection(sid_of(1))->ref);
    ok(back && back->headers.size() == node_headers().size(), "the count is no header");
    ok(bool(roster.remove_connection(roster.find_connection(sid_of(1))->ref)), "one goes");
    is(roster.connections_from("203.0.113.1"), 1U, "one is left");
    is(leak(roster), "", "nothing leaks");
    is(roster.connections_from("203.0.113.1"), 0U, "none is left");
}

void test_most() {
    RosterZone zone(kZone);
    Roster &roster = zone.roster;
    std::uint32_t number = 0;
    const auto add = [&](Text address, bool counts, std::uint32_t most) {
        HandshakeText handshake = node_handshake();
        handshake.address = address;
        handshake.counts_address = counts;
        return roster.add_connection({sid_of(++number), {1, 1}, Transport::polling, handshake, most}).code();
    };
    ok(add("203.0.113.1", true, 2) == Code::ok && add("203.0.113.1", true, 2) == Code::ok, "two may come");
    ok(add("203.0.113.1", true, 2) == Code::too_many, "a third may not");
    ok(add("203.0.113.2", true, 2) == Code::ok, "from another address one may");
    ok(add("203.0.113.1", true, 0) == Code::ok, "without a bound any number may");
    ok(add("203.0.113.1", false, 4) == Code::too_many, "four are there in all");
    ok(add("203.0.113.1", false, 5) == Code::ok, "where five may be one comes");
    is(roster.counts().connections, 5U, "who is refused is not there");
    is(leak(roster), "", "nothing leaks");
}

void test_full() {
    RosterZone zone(32 * 1024);
    Roster &roster = zone.roster;
    const std::uint32_t clients = fill(roster);
    ok(clients > 20, "a small zone takes some clients");
    const RosterCounts full = roster.counts();
    const std::string before = contents(roster);
    for (std::uint32_t i = 0; i < 20; ++i) {
        static_cast<void>(add_client(roster, sid_of(5000 + i)));
    }
    const auto socket = roster.find_socket(id_of(0));
    std::uint32_t joined = 0;
    while (roster.join(socket->ref, numbered("more", joined, 60))) {
        ++joined;
    }
    is(int(roster.join(socket->ref, "one more, too long for the cells that are left over here").code()),
       int(Code::full), "a full zone refuses a room");
    for (std::uint32_t i = 0; i < joined; ++i) {
        static_cast<void>(roster.leave(socket->ref, numbered("more", i, 60)));
    }
    is(roster.counts().cells_used, full.cells_used, "refusals leave nothing behind");
    is(contents(roster), before, "and change nothing");
    is(flaw(roster), "", "a full zone fits together");
    is(leak(roster), "", "it is empty after all went");
    is(fill(roster), clients, "and takes as many again");
    is(leak(roster), "", "and is empty again");
}

// A room needs a cell for its name and, where the socket's slots are taken, one for more slots.
void test_room_in_last_cells() {
    for (std::uint32_t spare = 0; spare < 4; ++spare) {
        RosterZone zone(16 * 1024);
        Roster &roster = zone.roster;
        const auto connection = add_client(roster, sid_of(1));
        const auto socket = roster.add_socket(*connection, {id_of(0), "/", "", "", ""});
        static_cast<void>(roster.join(*socket, "a"));
        static_cast<void>(roster.join(*socket, "b"));
        for (std::uint32_t i = 1; roster.counts().cells_free > spare; ++i) {
            static_cast<void>(roster.add_socket(*connection, {id_of(i), "/", "", "", ""}));
        }
        const auto joined = roster.join(*socket, "c");
        const std::string name = "with " + std::to_string(spare) + " cells left";
        is(int(joined.code()), int(spare < 2 ? Code::full : Code::ok), "a third room " + name);
        is(roster.counts().cells_free, spare < 2 ? spare : spare - 2, "leaves them " + name);
        is(roster.counts().rooms, spare < 2 ? 2U : 3U, "and the rooms " + name);
        is(leak(roster), "", "nothing leaks " + name);
    }
}

void test_small_zones() {
    for (std::size_t size = 64; size <= 4096; size += 64) {
        Mapping mapping(4096);
        NoLock lock;
        auto roster = new_roster(mapping.memory().first(size), lock);
        if (roster) {
            fill(*roster);
            is(leak(*roster), "", "a zone of " + std::to_string(size) + " bytes works");
        } else {
            is(int(roster.code()), int(Code::unsupported),
               "a zone of " + std::to_string(size) + " is refused");
        }
    }
}

void test_memory() {
    constexpr std::uint32_t kClients = 1000;
    RosterZone zone(2 * 1024 * 1024);
    Roster &roster = zone.roster;
    for (std::uint32_t i = 0; i < kClients; ++i) {
        const auto connection = add_client(roster, sid_of(i));
        const auto socket = roster.add_socket(*connection, {id_of(i), "/", "", "", "{}"});
        static_cast<void>(roster.join(*socket, id_of(i)));
        static_cast<void>(roster.join(*socket, numbered("conversation:", i / 5, 20)));
    }
    const RosterCounts counts = roster.counts();
    is(counts.sockets, kClients, "a thousand typical clients");
    const std::size_t cell = zone.mapping.memory().size() / (counts.cells_used + counts.cells_free);
    const std::size_t each = counts.cells_used * cell / kClients;
    std::printf("# %zu bytes of zone per typical client\n", each);
    ok(each <= 640, "a typical client takes at most 640 bytes of zone");
    is(leak(roster), "", "nothing leaks");
}

} // namespace

int main() {
    test_connections();
    test_stale_references();
    test_sockets();
    test_rooms();
    test_many_rooms();
    test_pages();
    test_addresses();
    test_most();
    test_full();
    test_room_in_last_cells();
    test_small_zones();
    test_memory();
    return done();
}
