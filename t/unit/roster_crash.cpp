// SPDX-License-Identifier: BSD-2-Clause
// A worker dies in the middle of a change to the roster, after any of its stores: the next holder
// of the lock finds the roster as it was before or as it is after, whole, and without a leak. So
// it does when the repair dies, after any of its stores. Both repairs: what the section did is
// undone, or, as if its journal had been too short, all that is derived is made anew.
#include "each_store.hpp"
#include "roster_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::size_t kZone = 20 * 1024;
constexpr std::uint64_t kUntil = 1000;

enum class Repair : bool { undo, rebuild };

const std::string kAuth = "{\"token\":\"" + std::string(150, 't') + "\"}";

// The same contents each time: names that are shared and such that are not, a socket whose slots
// reach over two more cells, with one room in the last, one without rooms.
void populate(Roster &roster) {
    for (std::uint32_t i = 1; i <= 3; ++i) {
        const auto connection = add_client(roster, sid_of(i), {i, 7});
        const auto chat =
            roster.add_socket(*connection, {id_of(i), "/chat", numbered("u", i, 4), pid_of(i), kAuth, i});
        static_cast<void>(roster.join(*chat, "shared"));
        static_cast<void>(roster.join(*chat, numbered("own", i, 70)));
        static_cast<void>(roster.add_socket(*connection, {id_of(10 + i), "/", "", sid_of(i), ""}));
    }
    for (std::uint32_t i = 0; i < 16; ++i) {
        static_cast<void>(roster.join(roster.find_socket(id_of(2))->ref, numbered("many", i, 10)));
    }
}

SocketRef socket_of(Roster &roster, std::uint32_t number) { return roster.find_socket(id_of(number))->ref; }

ConnectionRef connection_of(Roster &roster, std::uint32_t number) {
    return roster.find_connection(sid_of(number))->ref;
}

// Leaves room for one connection in the zone.
void fill_up(Roster &roster) {
    std::uint32_t number = 5;
    while (add_client(roster, sid_of(number))) {
        ++number;
    }
    static_cast<void>(roster.remove_connection(connection_of(roster, 5)));
}

void fill_wholly(Roster &roster) {
    fill_up(roster);
    for (std::uint32_t i = 20; roster.add_socket(connection_of(roster, 1), {id_of(i), "/", "", "", ""});
         ++i) {
    }
}

void keep_others(Roster &roster) {
    static_cast<void>(roster.keep(socket_of(roster, 1), kUntil));
    static_cast<void>(roster.keep(socket_of(roster, 13), kUntil + 1));
}

// With two header values that are interned and one that is not.
bool add_unusual(Roster &roster, std::size_t interned, std::size_t own) {
    const std::string values[] = {numbered("a", 1, interned), numbered("b", 1, interned),
                                  numbered("c", 1, own)};
    const HeaderText headers[] = {{"User-Agent", values[0]}, {"Origin", values[1]}, {"X-Own", values[2]}};
    HandshakeText handshake = node_handshake();
    handshake.headers = headers;
    return bool(roster.add_connection({sid_of(99), {1, 1}, Transport::polling, handshake}));
}

struct Change {
    const char *name;
    bool (*make)(Roster &roster); // true if it went as the name says
    void (*prepare)(Roster &roster) = nullptr;
};

constexpr Change kChanges[] = {
    {"a connection comes", [](Roster &roster) { return bool(add_client(roster, sid_of(5))); }},
    {"one with new header values comes", [](Roster &roster) { return add_unusual(roster, 40, 80); }},
    {"one of another size comes", [](Roster &roster) { return add_unusual(roster, 40, 81); }},
    {"one of a third size comes", [](Roster &roster) { return add_unusual(roster, 40, 82); }},
    {"one of a fourth size comes", [](Roster &roster) { return add_unusual(roster, 40, 83); }},
    {"a connection moves",
     [](Roster &roster) {
         return bool(roster.set_home(connection_of(roster, 2), {9, 9}));
     }},
    {"a connection is taken over",
     [](Roster &roster) {
         return bool(roster.take_over(connection_of(roster, 2), {2, 7}, {9, 9}));
     }},
    {"a transport changes",
     [](Roster &roster) { return bool(roster.set_transport(connection_of(roster, 2), Transport::polling)); }},
    {"a connection goes, with its sockets",
     [](Roster &roster) { return bool(roster.remove_connection(connection_of(roster, 2))); }},
    {"a socket comes",
     [](Roster &roster) {
         return bool(roster.add_socket(connection_of(roster, 1), {id_of(20), "/new", "newcomer", "", kAuth}));
     }},
    {"a socket goes", [](Roster &roster) { return bool(roster.remove_socket(socket_of(roster, 2))); }},
    {"a socket joins a room that is there",
     [](Roster &roster) { return bool(roster.join(socket_of(roster, 1), "many000001")); }},
    {"a socket joins a new room, with a new cell for slots",
     [](Roster &roster) { return bool(roster.join(socket_of(roster, 3), numbered("new", 1, 99))); }},
    {"a socket leaves a room that others are in",
     [](Roster &roster) { return bool(roster.leave(socket_of(roster, 1), "shared")); }},
    {"a socket leaves a room as the last",
     [](Roster &roster) { return bool(roster.leave(socket_of(roster, 3), numbered("own", 3, 70))); }},
    {"a socket leaves the only room of a cell",
     [](Roster &roster) { return bool(roster.leave(socket_of(roster, 2), "many000015")); }},
    {"a connection's values do not fit", [](Roster &roster) { return !add_unusual(roster, 200, 1); },
     fill_up},
    {"a connection does not fit", [](Roster &roster) { return !add_unusual(roster, 30, 600); }, fill_up},
    {"a socket does not fit",
     [](Roster &roster) {
         const std::string auth(500, 'a');
         const auto refused =
             roster.add_socket(connection_of(roster, 1), {id_of(20), "/new", "newcomer", "", auth});
         return refused.code() == Code::full;
     },
     fill_up},
    {"a room does not fit",
     [](Roster &roster) {
         return roster.join(socket_of(roster, 1), numbered("new", 1, 500)).code() == Code::full;
     },
     fill_up},
    {"a socket is kept", [](Roster &roster) { return bool(roster.keep(socket_of(roster, 2), kUntil)); }},
    {"another is kept", [](Roster &roster) { return bool(roster.keep(socket_of(roster, 2), kUntil)); },
     keep_others},
    {"a kept one is claimed",
     [](Roster &roster) {
         return bool(roster.claim({id_of(1), pid_of(1), "/chat", "u001"}, 1));
     },
     keep_others},
    {"a kept one is over", [](Roster &roster) { return roster.sweep_kept(kUntil, 1) == 1; }, keep_others},
    {"one cannot be kept",
     [](Roster &roster) { return roster.keep(socket_of(roster, 2), kUntil).code() == Code::full; },
     fill_wholly},
    {"a look at the roster",
     [](Roster &roster) {
         return roster.rooms({{}, "/chat"})->rows.size() > 3;
     }},
};

// How many sockets a roster takes that has one connection more than now.
std::uint32_t capacity(Roster &roster) {
    const auto connection = add_client(roster, sid_of(1));
    std::uint32_t number = 0;
    while (connection && roster.add_socket(*connection, {id_of(number), "/", "", "", ""})) {
        ++number;
    }
    return number;
}

std::uint32_t fresh_capacity() {
    RosterZone zone(kZone);
    return capacity(zone.roster);
}

// What a successor finds in a state of the memory.
struct Findings {
    std::string contents;
    std::string flaw; // what does not fit together, or leaks
};

void prepare_repair(MutableBytes memory, Repair repair) {
    if (repair == Repair::rebuild) {
        Cells::attach(Region::attach(memory, kLayout)->body())->distrust();
    }
}

Findings inspect(MutableBytes memory, Repair repair) {
    static const std::uint32_t expected = fresh_capacity();
    NoLock lock;
    prepare_repair(memory, repair);
    auto roster = roster_in(memory, lock);
    if (!roster) {
        return {"", roster.error().where};
    }
    Findings found{contents(*roster), flaw(*roster)};
    if (found.flaw.empty()) {
        found.flaw = leak(*roster);
    }
    if (found.flaw.empty() && capacity(*roster) != expected) {
        found.flaw = "cells are missing";
    }
    return found;
}

bool is_wounded(Bytes state) {
    RegionHeader header;
    std::memcpy(&header, state.data(), sizeof header);
    return header.dirty != 0;
}

// Every state must be what was before, until it is what comes after.
class Judge {
public:
    Judge(std::string before, std::string after, Repair repair)
        : before_(std::move(before)), after_(std::move(after)), repair_(repair) {}

    void look(Bytes state) {
        std::memcpy(copy_.memory().data(), state.data(), state.size());
        const Findings found = inspect(copy_.memory(), repair_);
        const bool is_before = found.contents == before_ && !changed_;
        const bool is_after = found.contents == after_;
        changed_ = changed_ || (is_after && before_ != after_);
        if ((!is_before && !is_after) || !found.flaw.empty()) {
            ++flaws_;
            note(found);
        }
    }

    [[nodiscard]] int flaws() const { return flaws_; }
    [[nodiscard]] bool changed() const { return changed_; }

private:
    void note(const Findings &found) const {
        if (flaws_ == 1) {
            std::printf("# %s\n# got:\n%s# before:\n%s", found.flaw.c_str(), found.contents.c_str(),
                        before_.c_str());
        }
    }

    std::string before_;
    std::string after_;
    Repair repair_;
    Mapping copy_{kZone};
    bool changed_ = false;
    int flaws_ = 0;
};

// The repair of this state, killed after each of its stores.
int flaws_of_repair(Bytes state, const std::string &before, const std::string &after, Repair repair) {
    Mapping mapping(kZone);
    std::memcpy(mapping.memory().data(), state.data(), state.size());
    prepare_repair(mapping.memory(), repair);
    Snapshots states(mapping.memory());
    NoLock lock;
    auto roster = roster_in(mapping.memory(), lock);
    states.record([&] { static_cast<void>(roster->counts()); });
    Judge judge(before, after, Repair::undo); // it finds the journal as the repair left it
    for (std::size_t i = 0; i < states.size(); i += 5) {
        judge.look(states[i]);
    }
    return judge.flaws() + (states.overflowed() ? 1 : 0) +
           (states.size() < (repair == Repair::undo ? 5 : 100) ? 1 : 0);
}

// A state from the middle of a locked section.
std::size_t wounded_state(const Snapshots &states) {
    std::size_t at = states.size() / 2;
    while (at > 0 && !is_wounded(states[at])) {
        --at;
    }
    return at;
}

void test_change(const Change &change) {
    RosterZone zone(kZone);
    populate(zone.roster);
    if (change.prepare != nullptr) {
        change.prepare(zone.roster);
    }
    const std::string before = contents(zone.roster);
    Snapshots states(zone.mapping.memory());
    bool made = false;
    states.record([&] { made = change.make(zone.roster); });
    const std::string after = contents(zone.roster);
    const std::string name = change.name;
    ok(made && !states.overflowed(), name);

    for (const Repair repair : {Repair::undo, Repair::rebuild}) {
        Judge judge(before, after, repair);
        for (std::size_t i = 0; i < states.size(); ++i) {
            judge.look(states[i]);
        }
        const std::string how = name + (repair == Repair::undo ? ", undone: " : ", rebuilt: ");
        is(judge.flaws(), 0, how + "each of " + std::to_string(states.size()) + " states is before or after");
        is(judge.changed(), before != after, how + "and one store makes the difference");
        is(flaws_of_repair(states[wounded_state(states)], before, after, repair), 0,
           how + "that may die as well");
    }
}

} // namespace

int main() {
    for (const Change &change : kChanges) {
        test_change(change);
    }
    return done();
}
