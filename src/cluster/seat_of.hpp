// SPDX-License-Identifier: BSD-2-Clause
// Whose it is: the seat of the worker of this host that an id names. Its generation tells whether
// that worker still lives.
#pragma once

#include "engine/exchange.hpp"
#include "hub/bus.hpp"
#include "shm/seats.hpp"

namespace rt::cluster {

[[nodiscard]] inline shm::SeatRef seat_of(const engine::ExchangeId &id) noexcept {
    return {id.seat, id.seat_generation};
}

[[nodiscard]] inline shm::SeatRef seat_of(const hub::AskerId &id) noexcept {
    return {id.seat, id.seat_generation};
}

} // namespace rt::cluster
