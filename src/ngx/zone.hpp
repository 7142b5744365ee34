// SPDX-License-Identifier: BSD-2-Clause
// The shared memory zones, carried over a reload. An application has two, `name` (roster and
// tables) and `name.log` (log and mailboxes), of half of its size each; all share the seats.
#pragma once

#include "ngx/ngx.hpp"

#include <cstdint>

namespace rt::ngx {

struct MainConf;

// The zone of the seats. Its size never changes, so that every reload can keep it.
inline constexpr Text kSeatsZoneName = "realtime.seats";
inline constexpr std::size_t kSeatsZoneSize = std::size_t{1} << 20;

// Both zones of an application together.
inline constexpr std::size_t kDefaultZoneSize = std::size_t{32} << 20;
inline constexpr std::size_t kMinZoneSize = std::size_t{1} << 20;

// Takes all of the zone's memory, once in its life; form_zones() gives it its form when the
// configuration is final and the number of seats known.
//
// ngx_shm_zone_t::init. zone->data of the application's zones is its AppConf, that of the
// seats is null; `old` is what the function left in zone->data for the same zone of the
// configuration before, or null.
ngx_int_t init_table_zone(ngx_shm_zone_t *zone, void *old) noexcept;
ngx_int_t init_log_zone(ngx_shm_zone_t *zone, void *old) noexcept;
ngx_int_t init_seats_zone(ngx_shm_zone_t *zone, void *old) noexcept;

// What an init function took.
[[nodiscard]] MutableBytes zone_memory(const ngx_shm_zone_t &zone) noexcept;

// Creates what stands in each zone that is new. False: logged, nginx must not go on.
[[nodiscard]] bool form_zones(const MainConf &conf, std::uint32_t seats, ngx_log_t *log) noexcept;

} // namespace rt::ngx
