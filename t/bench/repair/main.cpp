// SPDX-License-Identifier: BSD-2-Clause
// How long the roster of a full zone holds the others up after a death in its locked section: the
// first call of the next holder repairs it. Usage: repair [MiB of the table zone, 64]
#include "../../unit/roster_env.hpp"

#include <chrono>
#include <cstdlib>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr int kRounds = 9;

template <class Work> double milliseconds_of(Work work) {
    const auto began = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

// Clients as they are: a handshake, a socket, the room of its user, two of sixty thousand others.
std::uint32_t fill(Roster &roster) {
    for (std::uint32_t clients = 0;; ++clients) {
        const auto connection = add_client(roster, sid_of(clients));
        const std::string user = numbered("user", clients, 12);
        const auto socket = connection ? roster.add_socket(*connection, {id_of(clients), "/", user, "", "{}"})
                                       : Result<SocketRef>(kGone);
        if (!socket || !roster.join(*socket, "user:" + user) ||
            !roster.join(*socket, numbered("room", clients % 60000, 16)) ||
            !roster.join(*socket, numbered("room", clients * 7 % 60000, 16))) {
            return clients;
        }
    }
}

// A section that changed as many words as the removal of a client with 256 rooms of its own does.
void change_much(Cells cells) {
    for (CellIndex cell = 1; cell <= 3000; ++cell) {
        cells.patch(cell, &RecordHead::hash_next, cells.load<RecordHead>(cell).hash_next);
    }
}

} // namespace

int main(int count, char **words) {
    const std::size_t size = static_cast<std::size_t>(count > 1 ? std::atoi(words[1]) : 64) << 20;
    Mapping mapping(size);
    NoLock lock;
    const auto region = Region::create(mapping.memory(), kLayout, 2);
    Roster roster = *Roster::create({lock, *region, region->body()}, 0x5eed);
    const std::uint32_t clients = fill(roster);
    std::printf("%u clients in %zu MiB\n", clients, size >> 20);
    Cells cells = *Cells::attach(region->body());
    for (const bool undo : {true, false}) {
        std::vector<double> took;
        for (int round = 0; round < kRounds; ++round) {
            if (undo) {
                change_much(cells);
            } else {
                cells.distrust();
            }
            overlay<RegionHeader>(mapping.memory())->dirty = 1;
            took.push_back(milliseconds_of([&] { static_cast<void>(roster.counts()); }));
        }
        std::ranges::sort(took);
        std::printf("%s in %.3f ms (least %.3f, most %.3f)\n", undo ? "undone" : "rebuilt", took[kRounds / 2],
                    took.front(), took.back());
    }
    return roster.take_repaired() && roster.counts().connections == clients ? 0 : 1;
}
