// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/lifecycle.hpp"

#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/process.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/redis_conf.hpp"
#include "ngx/worker.hpp"
#include "ngx/zone.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

std::uint32_t worker_processes(ngx_cycle_t *cycle) noexcept {
    return static_cast<std::uint32_t>(core_settings(cycle)->worker_processes);
}

// One for each application with a Redis; what lies in others is of no use any more.
bool set_up_boxes(const MainConf &conf, ngx_log_t *log) noexcept {
    const auto has_redis = [](const auto &app) { return app->bus.block != nullptr; };
    for (const auto &app : conf.apps) {
        if (has_redis(app) && !open_box(app->settings.name, log)) {
            return false;
        }
    }
    const auto is_used = [&](Text name) {
        return std::ranges::any_of(
            conf.apps, [&](const auto &app) { return has_redis(app) && app->settings.name == name; });
    };
    guard([](const char *) {}, [&] { empty_unused_boxes(is_used); });
    return true;
}

constinit Worker *the_worker = nullptr; // of this process, from init_process to exit_process

} // namespace

Worker *Worker::current() noexcept { return the_worker; }

ngx_int_t on_init_module(ngx_cycle_t *cycle) noexcept {
    const MainConf *conf = main_conf(cycle);
    if (ngx_test_config != 0 || conf == nullptr || conf->seats == nullptr) {
        return NGX_OK;
    }
    const std::uint32_t seats =
        wake_descriptors() != 0 ? wake_descriptors() : shm::Seats::capacity_for(worker_processes(cycle));
    if (!open_wake_descriptors(seats, cycle->log) || !open_channel(cycle->log) ||
        !form_zones(*conf, seats, cycle->log)) {
        return NGX_ERROR;
    }
    guard([](const char *) {}, [&] { announce_redis(*conf, cycle->log); });
    return set_up_boxes(*conf, cycle->log) && next_cycle() ? NGX_OK : NGX_ERROR;
}

ngx_int_t on_init_process(ngx_cycle_t *cycle) noexcept {
    const MainConf *conf = main_conf(cycle);
    const bool works = ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
    if (!works || conf == nullptr || conf->seats == nullptr) {
        return NGX_OK;
    }
    return guard(
        [&](const char *what) -> ngx_int_t {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "realtime: worker cannot start: %s", what);
            return NGX_ERROR;
        },
        [&]() -> ngx_int_t {
            the_worker = Worker::start(cycle, *conf).release();
            return the_worker != nullptr ? NGX_OK : NGX_ERROR;
        });
}

void on_exit_process(ngx_cycle_t *) noexcept {
    guard([](const char *) {},
          [] {
              if (the_worker != nullptr) {
                  the_worker->end();
              }
              delete std::exchange(the_worker, nullptr);
          });
}

} // namespace rt::ngx
