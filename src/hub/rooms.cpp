// SPDX-License-Identifier: BSD-2-Clause
#include "hub/rooms.hpp"

#include <algorithm>

namespace rt::hub {

bool Rooms::join(Socket &socket, Text room) {
    Room *found = find(room);
    if (found == nullptr) {
        auto made = std::make_unique<Room>();
        made->name = room;
        found = made.get();
        rooms_.emplace(found->name, std::move(made));
    } else if (is_in(socket, *found)) {
        return false;
    }
    socket.memberships.push_back({found, static_cast<std::uint32_t>(found->members.size())});
    found->members.push_back({&socket, static_cast<std::uint32_t>(socket.memberships.size() - 1)});
    return true;
}

bool Rooms::leave(Socket &socket, Text room) {
    for (std::uint32_t i = 0; i < socket.memberships.size(); ++i) {
        if (socket.memberships[i].room->name == room) {
            drop(socket, i);
            return true;
        }
    }
    return false;
}

void Rooms::leave_all(Socket &socket) {
    while (!socket.memberships.empty()) {
        drop(socket, static_cast<std::uint32_t>(socket.memberships.size() - 1));
    }
    socket.memberships.shrink_to_fit();
}

Room *Rooms::find(Text room) const {
    const auto found = rooms_.find(room);
    return found == rooms_.end() ? nullptr : found->second.get();
}

bool Rooms::is_in(const Socket &socket, const Room &room) noexcept {
    return std::any_of(socket.memberships.begin(), socket.memberships.end(),
                       [&](const Membership &membership) { return membership.room == &room; });
}

// The last of each list takes the freed place, so that both sides stay dense.
void Rooms::drop(Socket &socket, std::uint32_t membership) {
    Room &room = *socket.memberships[membership].room;
    const std::uint32_t place = socket.memberships[membership].index;
    const Room::Member moved = room.members.back();
    room.members[place] = moved;
    moved.socket->memberships[moved.membership].index = place;
    room.members.pop_back();

    const Membership last = socket.memberships.back();
    socket.memberships[membership] = last;
    socket.memberships.pop_back();
    if (membership < socket.memberships.size()) {
        last.room->members[last.index].membership = membership;
    }
    if (room.members.empty()) {
        rooms_.erase(rooms_.find(room.name)); // not by name: the name goes with the room
    }
}

} // namespace rt::hub
