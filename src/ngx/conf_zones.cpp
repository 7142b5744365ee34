// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/conf_zones.hpp"

#include "ngx/conf_words.hpp"
#include "ngx/zone.hpp"

#include <algorithm>
#include <span>

namespace rt::ngx {

namespace {

constexpr Text kLogSuffix = ".log";

void *tag() noexcept { return &ngx_http_realtime_module; }

std::string log_name(Text zone) { return std::string(zone) + std::string(kLogSuffix); }

bool is_ours(const ngx_shm_zone_t &zone, Text name) noexcept {
    return zone.tag == tag() && to_text(zone.shm.name) == name;
}

// The zone of the running configuration that this one would carry on; null if there is none.
const ngx_shm_zone_t *running_zone(const ngx_conf_t *cf, Text name) noexcept {
    const ngx_cycle_t *old = cf->cycle->old_cycle;
    const ngx_list_part_t *part = old == nullptr ? nullptr : &old->shared_memory.part;
    for (; part != nullptr; part = part->next) {
        const std::span zones(static_cast<ngx_shm_zone_t *>(part->elts), part->nelts);
        const auto found = std::find_if(zones.begin(), zones.end(),
                                        [name](const ngx_shm_zone_t &zone) { return is_ours(zone, name); });
        if (found != zones.end()) {
            return &*found;
        }
    }
    return nullptr;
}

// A zone of our own by the name of another's log is refused like the same name twice.
bool clash(Text a, Text b) { return a == b || log_name(a) == b || a == log_name(b); }

const AppConf *owner_of(const MainConf &main, const AppConf &asking) {
    for (const auto &app : main.apps) {
        if (app.get() != &asking && app->zone != nullptr && clash(app->settings.zone, asking.settings.zone)) {
            return app.get();
        }
    }
    return nullptr;
}

ngx_shm_zone_t *add(ngx_conf_t *cf, Text name, std::size_t size) noexcept {
    ngx_str_t kept = copy_text(cf->pool, name);
    return kept.data == nullptr ? nullptr : ngx_shared_memory_add(cf, &kept, size, tag());
}

} // namespace

bool add_zones(ngx_conf_t *cf, MainConf &main, AppConf &app) {
    const std::string &name = app.settings.zone;
    const std::size_t half = app.settings.zone_size / 2;
    if (app.settings.zone_size < kMinZoneSize) {
        refuse(cf, "zone " + quoted(name) + " of " + size_text(app.settings.zone_size) +
                       " is too small, it must have at least " + size_text(kMinZoneSize));
        return false;
    }
    if (name == kSeatsZoneName) {
        refuse(cf, "zone " + quoted(name) + " is reserved");
        return false;
    }
    if (const AppConf *owner = owner_of(main, app); owner != nullptr) {
        refuse(cf,
               "zone " + quoted(name) + " is already used by realtime_app " + quoted(owner->settings.name));
        return false;
    }
    // nginx would silently make a second zone, and old and new workers would not meet.
    if (const ngx_shm_zone_t *old = running_zone(cf, name); old != nullptr && old->shm.size != half) {
        refuse(cf, "zone " + quoted(name) + " has " + size_text(old->shm.size * 2) +
                       " in the running configuration and " + size_text(app.settings.zone_size) +
                       " here, its size can be changed by a restart only");
        return false;
    }
    app.zone = add(cf, name, half);
    app.log_zone = add(cf, log_name(name), half);
    if (app.zone == nullptr || app.log_zone == nullptr) {
        return false; // nginx has said why
    }
    app.zone->init = init_table_zone;
    app.log_zone->init = init_log_zone;
    app.zone->data = app.log_zone->data = &app;
    return true;
}

bool add_seats_zone(ngx_conf_t *cf, MainConf &main) {
    main.seats = add(cf, kSeatsZoneName, kSeatsZoneSize);
    if (main.seats == nullptr) {
        return false;
    }
    main.seats->init = init_seats_zone;
    return true;
}

} // namespace rt::ngx
