// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/ordered_rooms.hpp"

namespace rt::cluster {

void OrderedRooms::add(const hub::Envelope &order, Millis now) {
    for (const Text name : order.rooms) {
        Room room(order.nsp, name);
        rooms_[room] = now + kMemory;
        orders_.push({now + kMemory, std::move(room)});
    }
}

// One that was ordered again since is remembered for longer.
void OrderedRooms::forget(Millis now) {
    all_until_ = now < all_until_ ? all_until_ : 0;
    while (!orders_.empty() && orders_.front().until <= now) {
        const auto room = rooms_.find(orders_.front().room);
        if (room != rooms_.end() && room->second <= now) {
            rooms_.erase(room);
        }
        orders_.pop();
    }
}

bool OrderedRooms::has(Text nsp, Text room) const {
    return all_until_ != 0 || (!rooms_.empty() && rooms_.contains(Room(nsp, room)));
}

} // namespace rt::cluster
