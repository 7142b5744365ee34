// SPDX-License-Identifier: BSD-2-Clause
// The other workers of this host: who is there, and what is to be done when one has gone.
#pragma once

#include "cluster/zones.hpp"
#include "ngx/zone_lock.hpp"

#include <vector>

namespace rt::ngx {

class Worker;

class Neighbors {
public:
    Neighbors(Worker &worker, ZoneLock &lock, cluster::SeatsZone &zone)
        : worker_(worker), lock_(lock), zone_(zone) {}

    // A seat for this process; empty: all are taken. The dead worker that had it before, if one
    // had, is buried by the first look().
    [[nodiscard]] shm::SeatRef claim();
    void leave(shm::SeatRef mine);

    // Of all workers, this one too. The end of each of them will be told to every application.
    [[nodiscard]] std::vector<shm::SeatRef> live();
    // Its end will be told to every application, even if it has come already.
    void watch(shm::SeatRef seat);

    // Buries who died; tells the applications of those that others buried, or that left in order.
    void look();

private:
    void bury(shm::SeatRef dead);
    void forget_gone();

    Worker &worker_;
    ZoneLock &lock_;
    cluster::SeatsZone &zone_;
    shm::SeatRef predecessor_; // on this worker's seat, dead
    std::vector<shm::SeatRef> known_;
};

} // namespace rt::ngx
