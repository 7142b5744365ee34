// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the cells of a zone. Reading and changing them is safe; after a rebuild all that
// is left fits together and can be removed without a leak. And any bytes as a handshake's image.
// Input: flags (1 the last holder died, 2 the cells' header is given too), then the memory.
#include "../unit/roster_env.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::size_t kZone = 4096;
constexpr std::size_t kHeaderCell = Cells::kSize;
constexpr std::size_t kSizes = 12; // of the header cell: key and count, which attach() checks

alignas(kLine) std::uint8_t memory[kZone];

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

void set_dirty(bool dirty) { overlay<RegionHeader>(memory)->dirty = dirty ? 1 : 0; }

// Every call, on what is there and on what is not.
void change_everything(Roster &roster) {
    for (const SocketRow &row : all_sockets(roster)) {
        static_cast<void>(roster.join(row.at.ref, "r"));
        static_cast<void>(roster.join(row.at.ref, row.id));
        for (const std::string &room : row.rooms) {
            static_cast<void>(roster.leave(row.at.ref, room));
        }
        static_cast<void>(roster.rooms_of(row.at.ref));
        if (row.rooms.size() % 3 == 1) {
            static_cast<void>(roster.keep(row.at.ref, row.rooms.size()));
        }
        static_cast<void>(roster.claim({row.id, row.pid, row.nsp, row.user}, 0));
        if (row.rooms.size() % 2 == 1) {
            static_cast<void>(roster.remove_socket(row.at.ref));
        }
    }
    for (const ConnectionRow &row : all_connections(roster)) {
        static_cast<void>(roster.handshake_of(row.at.ref));
        static_cast<void>(roster.take_over(row.at.ref, row.at.home, {1, 2}));
        static_cast<void>(
            roster.add_socket(row.at.ref, {row.sid.substr(0, 19) + "x", "/", "u", "", "[1,2]"}));
    }
    static_cast<void>(add_client(roster, sid_of(1)));
    static_cast<void>(roster.sweep_kept(2, 3));
}

void fuzz_cells(bool died) {
    NoLock lock;
    set_dirty(died);
    auto cells = Cells::attach(MutableBytes(memory).subspan(sizeof(RegionHeader)));
    cells->set_whole_at(0);
    cells->distrust(); // any bytes are no journal
    auto roster = roster_in(memory, lock);
    check(bool(roster));
    if (died) {
        check(flaw(*roster).empty());
    }
    change_everything(*roster);
    if (died) {
        check(flaw(*roster).empty());
        check(leak(*roster).empty());
        return;
    }
    static_cast<void>(contents(*roster));
    static_cast<void>(leak(*roster));
    cells->distrust();
    set_dirty(true);
    check(flaw(*roster).empty());
    check(leak(*roster).empty());
}

void fuzz_image(Text image) {
    std::string flat;
    NoLock lock;
    auto cells = Cells::create(MutableBytes(memory).subspan(sizeof(RegionHeader)), 1);
    const Names names(*cells);
    if (flatten_handshake(flat, image, names)) {
        check(bool(unpack_handshake(flat)));
    }
    static_cast<void>(unpack_handshake(image));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::uint8_t flags = data[0];
    const Bytes given(data + 1, size - 1);
    NoLock lock;
    check(bool(new_roster(memory, lock)));
    const MutableBytes cells = MutableBytes(memory).subspan(sizeof(RegionHeader));
    const MutableBytes target = cells.subspan((flags & 2) != 0 ? kSizes : kHeaderCell);
    std::memcpy(target.data(), given.data(), std::min(given.size(), target.size()));
    fuzz_cells((flags & 1) != 0);
    fuzz_image(as_text(given));
    return 0;
}
