// SPDX-License-Identifier: BSD-2-Clause
// How far the other servers are with a question: they are counted by their subscriptions, not by
// name, so who is missing is a number.
#pragma once

#include "shm/bridge_table.hpp"

#include <cstdint>

namespace rt::cluster {

// Can other servers be asked? none: there are none by configuration.
enum class Reach : std::uint8_t { none, reachable, away };

[[nodiscard]] constexpr Reach reach_of(shm::BridgeState state) noexcept {
    if (state == shm::BridgeState::off) {
        return Reach::none;
    }
    return state == shm::BridgeState::connected ? Reach::reachable : Reach::away;
}

// Plain: it travels by mail.
struct PeerTally {
    enum class State : std::uint32_t {
        counting, // how many servers there are is not known yet
        waiting,
        over, // nobody will say more, counted or not
    };

    State state = State::counting;
    std::uint32_t counted = 0;  // 1: `servers` is known
    std::uint32_t servers = 0;  // besides this host
    std::uint32_t reported = 0; // of them, those that answered; of an ask, that said whom they asked
    std::uint32_t clients = 0;  // of an ask: whom those asked
    std::uint32_t answers = 0;  // of an ask: of these clients

    // More may come than was counted: a server that subscribed meanwhile.
    [[nodiscard]] constexpr bool complete() const noexcept {
        return state == State::over || (state == State::waiting && reported >= servers && answers >= clients);
    }
    [[nodiscard]] constexpr std::uint32_t missing_servers() const noexcept {
        return servers > reported ? servers - reported : 0;
    }
    [[nodiscard]] constexpr std::uint32_t missing_clients() const noexcept {
        return clients > answers ? clients - answers : 0;
    }
};

} // namespace rt::cluster
