// SPDX-License-Identifier: BSD-2-Clause
// Calls for sessions that are on their way here: the roster names this worker already, the image
// has not come yet. They wait for it in their order, neither for ever nor without bound.
#pragma once

#include "base/deadlines.hpp"
#include "engine/exchange.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace rt::cluster {

struct ParkedCall {
    std::uint16_t call; // a Call
    engine::ExchangeId by;
    std::string body;
};

class ParkingEvents {
public:
    virtual ~ParkingEvents() = default;
    // The session did not come; its calls are parked no more.
    virtual void on_late(const std::string &sid, const std::vector<ParkedCall> &calls, Millis now) = 0;
};

class Parking {
public:
    static constexpr Millis kPatience = 5000;                   // from the first call on
    static constexpr std::size_t kMostBytes = 16 * 1024 * 1024; // of all bodies

    explicit Parking(ParkingEvents &events) : events_(events) {}

    // False: there is no room.
    [[nodiscard]] bool park(Deadlines &deadlines, Text sid, ParkedCall call, Millis now);

    // What waits for this session, in the order in which it came.
    [[nodiscard]] std::vector<ParkedCall> take(Text sid);

    [[nodiscard]] bool empty() const noexcept { return lots_.empty(); }

private:
    struct Lot final : Deadline {
        Lot(Parking &parking, Text session) : owner(parking), sid(session) {}
        void on_deadline(Millis now) override;

        Parking &owner;
        std::string sid;
        std::vector<ParkedCall> calls;
    };

    ParkingEvents &events_;
    std::unordered_map<std::string, std::unique_ptr<Lot>> lots_; // sids are secrets: none is chosen
    std::size_t bytes_ = 0;
};

} // namespace rt::cluster
