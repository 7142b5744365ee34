// SPDX-License-Identifier: BSD-2-Clause
// The whole configuration: apps by name, and what is settled once all of it has been read.
#include "ngx/conf_checks.hpp"
#include "ngx/conf_words.hpp"
#include "ngx/conf_zones.hpp"
#include "ngx/redis_conf.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

// `realtime;` and `realtime_echo;` need no realtime_app of the name "default".
bool makes_default(const LocationConf &conf) noexcept {
    return conf.app_name == kDefaultApp &&
           (conf.endpoint == Endpoint::app || conf.endpoint == Endpoint::echo);
}

bool add_default(ngx_conf_t *cf, MainConf &main) {
    auto app = std::make_unique<AppConf>();
    app->settings.name = kDefaultApp;
    app->settings.zone = kDefaultApp;
    AppConf &added = *app;
    main.apps.push_back(std::move(app));
    return add_zones(cf, main, added);
}

bool resolve_apps(ngx_conf_t *cf, MainConf &main) {
    const bool wanted = std::any_of(main.endpoints.begin(), main.endpoints.end(),
                                    [](const LocationConf *conf) { return makes_default(*conf); });
    if (wanted && main.find(kDefaultApp) == nullptr && !add_default(cf, main)) {
        return false;
    }
    for (LocationConf *conf : main.endpoints) {
        conf->app = main.find(conf->app_name);
        if (conf->app == nullptr) {
            complain_at(NGX_LOG_EMERG, cf->log, conf->where,
                        "unknown realtime_app " + quoted(conf->app_name));
            return false;
        }
    }
    return true;
}

// An app that declares no namespace has "/", open.
void open_root(AppConf &app) {
    if (app.settings.namespaces.empty()) {
        app.settings.namespaces.push_back(std::make_unique<hub::NamespaceSettings>());
        app.settings.namespaces.back()->path = "/";
    }
}

// nginx itself refuses names that nobody defines, once all modules are done.
bool index_captured(ngx_conf_t *cf, AppConf &app) {
    for (const std::string &name : app.settings.captured) {
        ngx_str_t text = to_ngx_str(name);
        const ngx_int_t index = ngx_http_get_variable_index(cf, &text);
        if (index == NGX_ERROR) {
            return false;
        }
        app.captured_indexes.push_back(index);
    }
    return true;
}

bool finish(ngx_conf_t *cf) {
    MainConf &main = *main_conf(cf);
    if (!resolve_apps(cf, main) || !bind_redis(cf, main)) {
        return false;
    }
    for (const auto &app : main.apps) {
        open_root(*app);
        if (!index_captured(cf, *app)) {
            return false;
        }
    }
    for (const LocationConf *conf : main.endpoints) {
        warn_of(cf, *conf);
    }
    return main.apps.empty() || add_seats_zone(cf, main);
}

} // namespace

AppConf *MainConf::find(Text app) const noexcept {
    const auto found =
        std::find_if(apps.begin(), apps.end(), [app](const auto &one) { return one->settings.name == app; });
    return found == apps.end() ? nullptr : found->get();
}

MainConf *main_conf(ngx_conf_t *cf) noexcept {
    return static_cast<MainConf *>(ngx_http_conf_get_module_main_conf(cf, ngx_http_realtime_module));
}

MainConf *main_conf(ngx_cycle_t *cycle) noexcept {
    return static_cast<MainConf *>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_realtime_module));
}

void *create_main_conf(ngx_conf_t *cf) noexcept {
    return guard([](const char *) -> void * { return nullptr; },
                 [cf]() -> void * { return make_in_pool<MainConf>(cf->pool); });
}

ngx_int_t finish_conf(ngx_conf_t *cf) noexcept {
    return guard(
        [cf](const char *what) -> ngx_int_t {
            refuse(cf, what);
            return NGX_ERROR;
        },
        [cf]() -> ngx_int_t { return finish(cf) ? NGX_OK : NGX_ERROR; });
}

} // namespace rt::ngx
