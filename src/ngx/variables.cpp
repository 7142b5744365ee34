// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/variables.hpp"

#include "ngx/app.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/worker.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

namespace {

// Of the location's application; in a location that serves none of them of all, the worst.
shm::BridgeState state_for(ngx_http_request_t *r) {
    Worker *worker = Worker::current();
    if (worker == nullptr) {
        return shm::BridgeState::off;
    }
    if (const LocationConf *location = location_conf(r); location->app != nullptr) {
        const App *app = worker->app(*location->app);
        return app != nullptr ? app->bridge_table().state() : shm::BridgeState::off;
    }
    auto worst = shm::BridgeState::off;
    for (const auto &app : worker->apps()) {
        const shm::BridgeState state = app->bridge_table().state();
        const bool first = worst == shm::BridgeState::off;
        worst = first ? state : state == shm::BridgeState::off ? worst : std::min(worst, state);
    }
    return worst;
}

Text redis_state(ngx_http_request_t *r) { return shm::state_name(state_for(r)); }

Text redis_enabled(ngx_http_request_t *r) { return state_for(r) == shm::BridgeState::off ? "0" : "1"; }

using Get = Text (*)(ngx_http_request_t *r); // a text that outlives the request

template <Get get>
ngx_int_t give(ngx_http_request_t *r, ngx_http_variable_value_t *value, uintptr_t) noexcept {
    const Text text = guard([](const char *) { return Text(); }, [&] { return get(r); });
    value->len = static_cast<unsigned>(text.size()) & 0xfffffffU;
    value->valid = 1;
    value->no_cacheable = 1;
    value->not_found = 0;
    value->data = to_u_char(text.data());
    return NGX_OK;
}

struct Row {
    Text name;
    ngx_http_get_variable_pt get;
};

constexpr std::array<Row, 2> kRows = {{
    {"realtime_redis_enabled", give<redis_enabled>},
    {"realtime_redis_state", give<redis_state>},
}};

} // namespace

ngx_int_t add_variables(ngx_conf_t *cf) noexcept {
    for (const Row &row : kRows) {
        ngx_str_t name = to_ngx_str(row.name);
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE);
        if (variable == nullptr) {
            return NGX_ERROR;
        }
        variable->get_handler = row.get;
    }
    return NGX_OK;
}

} // namespace rt::ngx
