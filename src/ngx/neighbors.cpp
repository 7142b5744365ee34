// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/neighbors.hpp"

#include "ngx/process.hpp"
#include "ngx/worker.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace rt::ngx {

namespace {

bool is_alive(std::int32_t pid) noexcept { return kill(pid, 0) == 0 || errno != ESRCH; }

} // namespace

shm::SeatRef Neighbors::claim() {
    const shm::SeatRef dead = zone_.seats.find_dead(is_alive);
    const shm::Claimant me{static_cast<std::int32_t>(ngx_pid), cycle_number(), worker_.now()};
    shm::Locked held(lock_, zone_.region);
    const Result<shm::Seats::Claimed> claimed = zone_.seats.claim(held, me, dead);
    if (!claimed) {
        return {};
    }
    predecessor_ = claimed->previous;
    return claimed->seat;
}

void Neighbors::leave(shm::SeatRef mine) {
    shm::Locked held(lock_, zone_.region);
    zone_.seats.release(held, mine);
}

void Neighbors::watch(shm::SeatRef seat) {
    const bool known = std::find(known_.begin(), known_.end(), seat) != known_.end();
    if (seat != worker_.seat() && !known) {
        known_.push_back(seat);
    }
}

std::vector<shm::SeatRef> Neighbors::live() {
    std::vector<shm::SeatRef> live;
    zone_.seats.each([&](const shm::SeatInfo &seat) { live.push_back(seat.ref); });
    for (const shm::SeatRef seat : live) {
        watch(seat);
    }
    return live;
}

void Neighbors::look() {
    if (predecessor_) {
        bury(std::exchange(predecessor_, {}));
    }
    if (const shm::SeatRef dead = zone_.seats.find_dead(is_alive); dead) {
        bury(dead);
        leave(dead);
    }
    forget_gone();
}

void Neighbors::bury(shm::SeatRef dead) {
    ngx_log_error(NGX_LOG_NOTICE, worker_.log(), 0, "realtime: the worker of seat %uD is gone", dead.index);
    for (const auto &app : worker_.apps()) {
        app->bury(dead);
    }
}

void Neighbors::forget_gone() {
    for (const shm::SeatRef seat : std::exchange(known_, {})) {
        if (zone_.seats.is_live(seat)) {
            known_.push_back(seat);
            continue;
        }
        for (const auto &app : worker_.apps()) {
            app->forget(seat);
        }
    }
    static_cast<void>(live());
}

} // namespace rt::ngx
