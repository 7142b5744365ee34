// SPDX-License-Identifier: BSD-2-Clause
// The mail kinds of Crossing.
#pragma once

#include "cluster/crossing.hpp"

namespace rt::cluster {

inline constexpr std::uint16_t kBarrierWanted = kCrossingMail; // ticket, exchange, position, sid
inline constexpr std::uint16_t kSides = kCrossingMail + 1;     // ticket, sides
inline constexpr std::uint16_t kArrival = kCrossingMail + 2;   // host, exchange, cut, image
inline constexpr std::uint16_t kConfirmed = kCrossingMail + 3; // ticket, yes or no
inline constexpr std::uint16_t kSettled = kCrossingMail + 4;   // exchange
inline constexpr std::uint16_t kAcked = kCrossingMail + 5;     // ticket

inline shm::SeatRef seat_of(const Ticket &ticket) noexcept { return {ticket.seat, ticket.seat_generation}; }

} // namespace rt::cluster
