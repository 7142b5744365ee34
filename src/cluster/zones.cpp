// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/zones.hpp"

#include <algorithm>

namespace rt::cluster {

namespace {

constexpr std::size_t kMailShare = 32;       // mailboxes: this part of the zone's memory,
constexpr std::size_t kMailLeast = 8 * 1024; // but at least this much each
constexpr std::uint64_t kVersion = 1;

constexpr std::uint64_t kSeatsLayout = shm::layout_of({kVersion, shm::Seats::kLayout});
constexpr std::uint64_t kLogLayout =
    shm::layout_of({kVersion, shm::Stream::kLayout, shm::Mailboxes::kLayout, shm::BridgeTable::kLayout});
constexpr std::uint64_t kTableLayout =
    shm::layout_of({kVersion, SeatCounters::kLayout, shm::SlowTable::kLayout, shm::Roster::kLayout});

struct LogAreas {
    MutableBytes mail;
    MutableBytes bridge;
    MutableBytes log;
};

struct TableAreas {
    MutableBytes counters;
    MutableBytes slow;
    MutableBytes roster;
};

std::size_t mail_share(std::size_t memory, std::uint32_t seats) noexcept {
    return std::max(memory / kMailShare, seats * kMailLeast);
}

Result<LogAreas> split_log(const shm::Region &region, std::size_t mail) {
    shm::Carver carver(region.body());
    RT_TRY(boxes, carver.take(mail));
    RT_TRY(bridge, carver.take(shm::BridgeTable::bytes()));
    return LogAreas{boxes, bridge, carver.rest()};
}

Result<TableAreas> split_table(const shm::Region &region, std::uint32_t seats) {
    shm::Carver carver(region.body());
    RT_TRY(counters, carver.take(SeatCounters::bytes(seats)));
    RT_TRY(slow, carver.take(shm::SlowTable::bytes(seats)));
    return TableAreas{counters, slow, carver.rest()};
}

} // namespace

Result<SeatsZone> SeatsZone::create(MutableBytes memory, std::uint32_t capacity, const ZoneSeeds &seeds) {
    RT_TRY(region, shm::Region::create(memory, kSeatsLayout, seeds.epoch));
    RT_TRY(seats, shm::Seats::create(region.body(), capacity));
    return SeatsZone{region, seats};
}

Result<SeatsZone> SeatsZone::attach(MutableBytes memory, std::uint32_t capacity) {
    RT_TRY(region, shm::Region::attach(memory, kSeatsLayout));
    RT_TRY(seats, shm::Seats::attach(region.body(), capacity));
    return SeatsZone{region, seats};
}

Result<LogZone> LogZone::create(MutableBytes memory, std::uint32_t seats, const ZoneSeeds &seeds) {
    RT_TRY(region, shm::Region::create(memory, kLogLayout, seeds.epoch));
    RT_TRY(areas, split_log(region, mail_share(memory.size(), seats)));
    RT_TRY(boxes, shm::Mailboxes::create(areas.mail, seats));
    RT_TRY(bridge, shm::BridgeTable::create(areas.bridge));
    RT_TRY(stream, shm::Stream::create(areas.log, seeds.key));
    return LogZone{region, stream, boxes, bridge};
}

Result<LogZone> LogZone::attach(MutableBytes memory, std::uint32_t seats) {
    RT_TRY(region, shm::Region::attach(memory, kLogLayout));
    RT_TRY(areas, split_log(region, mail_share(memory.size(), seats)));
    RT_TRY(boxes, shm::Mailboxes::attach(areas.mail, seats));
    RT_TRY(bridge, shm::BridgeTable::attach(areas.bridge));
    RT_TRY(stream, shm::Stream::attach(areas.log));
    return LogZone{region, stream, boxes, bridge};
}

Result<TableZone> TableZone::create(MutableBytes memory, shm::Lock &lock, std::uint32_t seats,
                                    const ZoneSeeds &seeds) {
    RT_TRY(region, shm::Region::create(memory, kTableLayout, seeds.epoch));
    RT_TRY(areas, split_table(region, seats));
    RT_TRY(counters, SeatCounters::create(areas.counters, seats));
    RT_TRY(slow, shm::SlowTable::create(areas.slow, seats));
    RT_TRY(roster, shm::Roster::create({lock, region, areas.roster}, seeds.key));
    return TableZone{region, counters, slow, std::move(roster)};
}

Result<TableZone> TableZone::attach(MutableBytes memory, shm::Lock &lock, std::uint32_t seats) {
    RT_TRY(region, shm::Region::attach(memory, kTableLayout));
    RT_TRY(areas, split_table(region, seats));
    RT_TRY(counters, SeatCounters::attach(areas.counters, seats));
    RT_TRY(slow, shm::SlowTable::attach(areas.slow, seats));
    RT_TRY(roster, shm::Roster::attach({lock, region, areas.roster}));
    return TableZone{region, counters, slow, std::move(roster)};
}

} // namespace rt::cluster
