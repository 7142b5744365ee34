// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/conf_checks.hpp"

#include "ngx/conf_words.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace rt::ngx {

namespace {

// Modules of nginx that guard a location. Their settings are their own affair; in all of
// them the first words are pointers or a length that stay zero until a directive is used
// (the access module has one array per address family).
struct Guardian {
    Text module;
    std::size_t words;
};

constexpr std::array<Guardian, 3> kGuardians = {{
    {"ngx_http_access_module", 3},
    {"ngx_http_auth_basic_module", 1},
    {"ngx_http_auth_request_module", 1},
}};

bool guards(const Guardian &guardian, const ngx_module_t &module, void **loc_conf) noexcept {
    if (module.type != NGX_HTTP_MODULE || guardian.module != module.name) {
        return false;
    }
    const auto *first = static_cast<const std::uintptr_t *>(loc_conf[module.ctx_index]);
    const std::span words(first, first == nullptr ? 0 : guardian.words);
    return std::any_of(words.begin(), words.end(), [](std::uintptr_t word) { return word != 0; });
}

const ngx_http_core_loc_conf_t &core_conf(const LocationConf &conf) noexcept {
    return *static_cast<ngx_http_core_loc_conf_t *>(conf.loc_conf[ngx_http_core_module.ctx_index]);
}

bool is_guarded(const ngx_conf_t *cf, const LocationConf &conf) noexcept {
    if (core_conf(conf).internal != 0) {
        return true;
    }
    const std::span modules(cf->cycle->modules, cf->cycle->modules_n);
    return std::any_of(modules.begin(), modules.end(), [&](const ngx_module_t *module) {
        return std::any_of(kGuardians.begin(), kGuardians.end(), [&](const Guardian &guardian) {
            return guards(guardian, *module, conf.loc_conf);
        });
    });
}

void warn_of_payload(ngx_conf_t *cf, const LocationConf &conf) {
    const std::size_t most = conf.app->largest_envelope();
    if (conf.session.max_payload > most) {
        complain_at(NGX_LOG_WARN, cf->log, conf.where,
                    "realtime_max_payload " + size_text(conf.session.max_payload) + " is more than zone " +
                        quoted(conf.app->settings.zone) + " can broadcast, which is " + size_text(most) +
                        " (a 32nd of its size)");
    }
}

void warn_of_access(ngx_conf_t *cf, const LocationConf &conf) {
    if (!is_guarded(cf, conf)) {
        const Text name = conf.endpoint == Endpoint::publish ? "realtime_publish" : "realtime_status";
        complain_at(NGX_LOG_WARN, cf->log, conf.where,
                    quoted(name) +
                        " is open to everybody: its location has neither \"allow\" and \"deny\" nor "
                        "authentication");
    }
}

ngx_event_conf_t *event_conf(ngx_cycle_t *cycle) noexcept {
    return static_cast<ngx_event_conf_t *>(ngx_event_get_conf(cycle->conf_ctx, ngx_event_core_module));
}

// decisions.md, ruling 27. Some paths of nginx index cycle->files by descriptor.
bool check_event_method(ngx_cycle_t *cycle, const LocationConf &any) {
    const ngx_event_conf_t *events = event_conf(cycle);
    const Text method = to_text(events->name, events->name + ngx_strlen(events->name));
    if (method == "epoll") {
        return true;
    }
    complain_at(NGX_LOG_EMERG, cycle->log, any.where,
                "the event method is " + quoted(method) + ", it must be \"epoll\" for " + quoted("realtime"));
    return false;
}

void warn_of_shutdown(ngx_cycle_t *cycle, const LocationConf &conf) {
    const auto limit = static_cast<Millis>(core_settings(cycle)->shutdown_timeout);
    if (limit != 0 && limit < conf.session.drain) {
        complain_at(NGX_LOG_WARN, cycle->log, conf.where,
                    "worker_shutdown_timeout of " + std::to_string(limit) +
                        " ms is shorter than realtime_drain of " + std::to_string(conf.session.drain) +
                        " ms");
    }
}

bool check_endpoints(ngx_cycle_t *cycle, const MainConf &main) {
    for (const LocationConf *conf : main.endpoints) {
        if (!check_event_method(cycle, *conf)) {
            return false;
        }
        const bool has_clients = conf->endpoint == Endpoint::app || conf->endpoint == Endpoint::echo;
        if (has_clients && core_conf(*conf).noname == 0) {
            warn_of_shutdown(cycle, *conf);
        }
    }
    return true;
}

} // namespace

void warn_of(ngx_conf_t *cf, const LocationConf &conf) {
    if (core_conf(conf).noname != 0) {
        return; // `if` and `limit_except`: the location itself has been judged
    }
    if (conf.endpoint == Endpoint::app) {
        warn_of_payload(cf, conf);
    } else if (conf.endpoint != Endpoint::echo) {
        warn_of_access(cf, conf);
    }
}

char *check_whole_conf(ngx_cycle_t *cycle, void *) noexcept {
    return guard([](const char *) { return conf_error(); },
                 [cycle] {
                     const MainConf *main = main_conf(cycle);
                     return main == nullptr || check_endpoints(cycle, *main) ? conf_ok() : conf_error();
                 });
}

} // namespace rt::ngx
