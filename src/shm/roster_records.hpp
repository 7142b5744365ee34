// SPDX-License-Identifier: BSD-2-Clause
// How the roster's records stand in cells: a connection's head (its handshake image behind it), a
// socket's head (pid, position and auth behind it), the slots that hold a socket's rooms, and
// the head of a kept socket (its names behind it, as text).
#pragma once

#include "shm/names.hpp"
#include "shm/seats.hpp"

#include <string>

namespace rt::shm {

struct ConnectionHead {
    RecordHead record; // tag: the transport
    CellIndex first_socket;
    std::uint64_t home;
    char sid[32]; // shorter ones end with zeroes
};
static_assert(sizeof(ConnectionHead) == Cells::kSize);

// In the tag of a socket: its CONNECT was answered.
inline constexpr std::uint8_t kConnected = 0x80;

struct SocketHead {
    RecordHead
        record; // tag: size of the pid, kConnected; with a pid, it and a position stand before the auth
    CellIndex connection;
    CellIndex next_socket; // of the connection
    CellIndex nsp;
    CellIndex user; // or 0
    char id[20];    // shorter ones end with zeroes
    CellIndex rooms[2];
};
static_assert(sizeof(SocketHead) == Cells::kSize);

constexpr std::size_t pid_size(const SocketHead &head) noexcept { return head.record.tag & ~kConnected; }

// A socket whose transport was lost, for as long as its client may come back to it. It holds no
// name, counts as no member and stands in a list by age.
struct KeptHead {
    RecordHead record;
    CellIndex older;
    std::uint64_t until; // milliseconds of the monotonic clock
    char id[20];
    CellIndex newer;
    std::uint64_t since; // position of its CONNECT in the log
};
static_assert(sizeof(KeptHead) == Cells::kSize);

// Of a socket's payload, what stands before the auth.
constexpr std::size_t prefix_size(std::size_t pid) noexcept {
    return pid == 0 ? 0 : pid + sizeof(std::uint64_t);
}

struct SlotsCell {
    CellIndex next;
    CellIndex rooms[15];
};
static_assert(sizeof(SlotsCell) == Cells::kSize);

constexpr std::uint64_t packed(SeatRef seat) noexcept {
    return static_cast<std::uint64_t>(seat.generation) << 32 | seat.index;
}

constexpr SeatRef seat_of(std::uint64_t home) noexcept {
    return {static_cast<std::uint32_t>(home), static_cast<std::uint32_t>(home >> 32)};
}

// An id of at most N characters, none of them zero.
template <std::size_t N> Text id_text(const char (&id)[N]) noexcept {
    const Text text(id, N);
    return text.substr(0, text.find('\0'));
}

template <std::size_t N> bool set_id(char (&id)[N], Text text) noexcept {
    if (text.empty() || text.size() > N || text.find('\0') != Text::npos) {
        return false;
    }
    text.copy(id, N);
    return true;
}

// The rooms of one socket: names in slots, 0 in empty ones. Two slots are in its head, more in
// cells behind it. Every change is one store.
class RoomSlots {
public:
    RoomSlots(Cells cells, CellIndex socket) noexcept : cells_(cells), socket_(socket) {}

    // Puts a room in that is not there yet; full: no empty slot and no free cell.
    Result<void> add(CellIndex room) noexcept;

    // False if the room is not there.
    bool remove(CellIndex room) noexcept;

    [[nodiscard]] bool contains(CellIndex room) const noexcept;

    // Calls visit(CellIndex room) for each.
    template <class Visit> void each(Visit visit) const {
        walk([&visit](Slot, CellIndex room) {
            if (room != 0) {
                visit(room);
            }
            return true;
        });
    }

    // The rebuild: empties the slots of rooms for which keep(room) is false.
    template <class Keep> void keep_if(Keep keep) noexcept {
        walk([&](Slot slot, CellIndex room) {
            if (room != 0 && !keep(room)) {
                set(slot, 0);
            }
            return true;
        });
    }

private:
    struct Slot {
        CellIndex cell = 0;
        std::size_t index = 0;
    };

    // Calls visit(slot, room) until it returns false.
    template <class Visit> void walk(Visit visit) const {
        const auto head = cells_.load<SocketHead>(socket_);
        if (!each_slot(socket_, head.rooms, visit)) {
            return;
        }
        CellIndex cell = head.record.next;
        for (CellIndex steps = 0; cell != 0 && steps < cells_.count(); ++steps) {
            const auto slots = cells_.load<SlotsCell>(cell);
            if (cells_.kind(cell) == CellKind::slots && !each_slot(cell, slots.rooms, visit)) {
                return;
            }
            cell = slots.next;
        }
    }

    template <std::size_t N, class Visit>
    static bool each_slot(CellIndex cell, const CellIndex (&rooms)[N], Visit visit) {
        for (std::size_t i = 0; i < N; ++i) {
            if (!visit(Slot{cell, i}, rooms[i])) {
                return false;
            }
        }
        return true;
    }

    // The slot with that room, or an empty one for room 0; its cell is 0 if there is none.
    [[nodiscard]] Slot find(CellIndex room) const noexcept;
    void set(Slot slot, CellIndex room) noexcept;

    Cells cells_;
    CellIndex socket_;
};

} // namespace rt::shm
