// SPDX-License-Identifier: BSD-2-Clause
#include "shm/roster_records.hpp"

#include <algorithm>

namespace rt::shm {

Result<void> RoomSlots::add(CellIndex room) noexcept {
    if (const Slot empty = find(0); empty.cell != 0) {
        set(empty, room);
        return {};
    }
    RT_TRY(cell, cells_.extend(socket_, CellKind::slots));
    set({cell, 0}, room);
    return {};
}

bool RoomSlots::remove(CellIndex room) noexcept {
    const Slot slot = room != 0 ? find(room) : Slot{};
    if (slot.cell == 0) {
        return false;
    }
    set(slot, 0);
    const auto left = cells_.load<SlotsCell>(slot.cell);
    if (slot.cell != socket_ && std::ranges::count(left.rooms, 0U) == std::ssize(left.rooms)) {
        cells_.shrink(socket_, slot.cell);
    }
    return true;
}

bool RoomSlots::contains(CellIndex room) const noexcept { return room != 0 && find(room).cell != 0; }

RoomSlots::Slot RoomSlots::find(CellIndex room) const noexcept {
    Slot found;
    walk([&](Slot slot, CellIndex here) {
        if (here == room) {
            found = slot;
        }
        return here != room;
    });
    return found;
}

void RoomSlots::set(Slot slot, CellIndex room) noexcept {
    if (slot.cell == socket_) {
        cells_.patch(slot.cell, &SocketHead::rooms, slot.index, room);
    } else {
        cells_.patch(slot.cell, &SlotsCell::rooms, slot.index, room);
    }
}

} // namespace rt::shm
