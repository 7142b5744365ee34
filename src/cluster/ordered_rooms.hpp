// SPDX-License-Identifier: BSD-2-Clause
// Rooms that sockets were ordered into by another server (socketsJoin) a moment ago: no worker may
// have obeyed yet, so the roster does not know a member, and what is said to them is heard all the same.
#pragma once

#include "base/fifo.hpp"
#include "base/ports.hpp"
#include "hub/bus.hpp"

#include <map>
#include <string>
#include <utility>

namespace rt::cluster {

class OrderedRooms {
public:
    // For so long. A worker that is further behind in the log is as good as gone, and joins too late.
    static constexpr Millis kMemory = 10'000;
    static constexpr Millis kTakeOver = 1000; // for all rooms, whatever it costs

    // An order to join that was heard.
    void add(const hub::Envelope &order, Millis now);
    // As if there had been one to every room: nobody knows what the one before heard.
    void add_all(Millis now) noexcept { all_until_ = now + kTakeOver; }
    void forget(Millis now);

    [[nodiscard]] bool has(Text nsp, Text room) const;

private:
    using Room = std::pair<std::string, std::string>; // of a namespace
    struct Order {
        Millis until = 0;
        Room room;
    };

    std::map<Room, Millis, std::less<>> rooms_; // until when
    Fifo<Order> orders_;
    Millis all_until_ = 0;
};

} // namespace rt::cluster
