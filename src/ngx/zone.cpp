// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/zone.hpp"

#include "cluster/zones.hpp"
#include "ngx/conf.hpp"
#include "ngx/random.hpp"
#include "ngx/zone_lock.hpp"

namespace rt::ngx {

namespace {

// One block of all pages: what stands in it has its own order, and nginx's allocator could not
// be repaired after a kill. Its mutex is what the zone is for.
ngx_int_t take_pages(ngx_shm_zone_t *zone, const void *old) noexcept {
    if (old != nullptr || zone->shm.exists != 0) {
        return NGX_OK;
    }
    ngx_slab_pool_t &pool = ZoneLock::pool_of(*zone);
    pool.data = ngx_slab_calloc(&pool, pool.pfree * ngx_pagesize);
    return pool.data != nullptr ? NGX_OK : NGX_ERROR;
}

cluster::ZoneSeeds seeds() noexcept { return {random_word(), random_word()}; }

bool told(Error error, const ngx_shm_zone_t &zone, ngx_log_t *log) noexcept {
    ngx_log_error(NGX_LOG_EMERG, log, 0, "realtime: zone \"%V\": %s", &zone.shm.name, error.where);
    return false;
}

// A zone that has its form keeps it; one of another form is no zone of ours.
template <class Attach, class Create>
bool form(const ngx_shm_zone_t &zone, ngx_log_t *log, Attach attach, Create create) noexcept {
    const Code code = attach(zone_memory(zone)).code();
    if (code == Code::ok) {
        return true;
    }
    const auto made = create(zone_memory(zone));
    return made ? true : told(made.error(), zone, log);
}

bool form_app(const AppConf &app, std::uint32_t seats, ngx_log_t *log) noexcept {
    ZoneLock lock(*app.zone);
    return form(
               *app.log_zone, log,
               [&](MutableBytes memory) { return cluster::LogZone::attach(memory, seats); },
               [&](MutableBytes memory) { return cluster::LogZone::create(memory, seats, seeds()); }) &&
           form(
               *app.zone, log,
               [&](MutableBytes memory) { return cluster::TableZone::attach(memory, lock, seats); },
               [&](MutableBytes memory) { return cluster::TableZone::create(memory, lock, seats, seeds()); });
}

} // namespace

ngx_int_t init_table_zone(ngx_shm_zone_t *zone, void *old) noexcept { return take_pages(zone, old); }

ngx_int_t init_log_zone(ngx_shm_zone_t *zone, void *old) noexcept { return take_pages(zone, old); }

// Its data would be null, so `old` says nothing: the memory does.
ngx_int_t init_seats_zone(ngx_shm_zone_t *zone, void *) noexcept {
    return take_pages(zone, ZoneLock::pool_of(*zone).data);
}

MutableBytes zone_memory(const ngx_shm_zone_t &zone) noexcept {
    const ngx_slab_pool_t &pool = ZoneLock::pool_of(zone);
    auto *begin = static_cast<std::uint8_t *>(pool.data);
    return {begin, static_cast<std::size_t>(pool.end - begin)};
}

bool form_zones(const MainConf &conf, std::uint32_t seats, ngx_log_t *log) noexcept {
    const bool seated = form(
        *conf.seats, log, [&](MutableBytes memory) { return cluster::SeatsZone::attach(memory, seats); },
        [&](MutableBytes memory) { return cluster::SeatsZone::create(memory, seats, seeds()); });
    if (!seated) {
        return false;
    }
    for (const auto &app : conf.apps) {
        if (app->zone != nullptr && !form_app(*app, seats, log)) {
            return false;
        }
    }
    return true;
}

} // namespace rt::ngx
