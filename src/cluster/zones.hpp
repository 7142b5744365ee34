// SPDX-License-Identifier: BSD-2-Clause
// What stands in the shared memory zones: made once by the master, attached to by each worker.
// A layout that is not ours is refused, never guessed at.
#pragma once

#include "cluster/log_bus.hpp"
#include "hub/metrics.hpp"
#include "shm/bridge_table.hpp"
#include "shm/counters.hpp"
#include "shm/mailbox.hpp"
#include "shm/roster.hpp"
#include "shm/seats.hpp"
#include "shm/slow_table.hpp"
#include "shm/stream.hpp"

#include <cstdint>

namespace rt::cluster {

using SeatCounters = shm::Counters<hub::Metric>;

// 64-bit random numbers for a new zone.
struct ZoneSeeds {
    std::uint64_t epoch; // tells two lives of a zone apart; names the host in ids
    std::uint64_t key;   // never shown to a client
};

// The seats of all workers, whatever their applications.
struct SeatsZone {
    shm::Region region;
    shm::Seats seats;

    static Result<SeatsZone> create(MutableBytes memory, std::uint32_t capacity, const ZoneSeeds &seeds);
    static Result<SeatsZone> attach(MutableBytes memory, std::uint32_t capacity);
};

// `name.log`: the log, one mailbox per seat, and what is known of the bridge.
struct LogZone {
    shm::Region region;
    shm::Stream stream;
    shm::Mailboxes boxes;
    shm::BridgeTable bridge;

    static Result<LogZone> create(MutableBytes memory, std::uint32_t seats, const ZoneSeeds &seeds);
    static Result<LogZone> attach(MutableBytes memory, std::uint32_t seats);
};

// `name`: of each seat the counters and the slowest clients; and the roster.
struct TableZone {
    shm::Region region;
    SeatCounters counters;
    shm::SlowTable slow;
    shm::Roster roster;

    static Result<TableZone> create(MutableBytes memory, shm::Lock &lock, std::uint32_t seats,
                                    const ZoneSeeds &seeds);
    static Result<TableZone> attach(MutableBytes memory, shm::Lock &lock, std::uint32_t seats);
};

// The metrics of one worker in one application.
class SeatMetrics final : public hub::Metrics {
public:
    SeatMetrics(SeatCounters counters, std::uint32_t seat) : counters_(counters), seat_(seat) {}

    void add(hub::Metric metric, std::int64_t amount) noexcept override {
        counters_.add(seat_, metric, static_cast<std::uint64_t>(amount));
    }
    void set(hub::Metric gauge, std::uint64_t value) noexcept { counters_.set(seat_, gauge, value); }

private:
    SeatCounters counters_;
    std::uint32_t seat_;
};

} // namespace rt::cluster
