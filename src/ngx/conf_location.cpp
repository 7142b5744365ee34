// SPDX-License-Identifier: BSD-2-Clause
// Locations: which content handler they have, and their settings after inheritance.
#include "ngx/conf_words.hpp"
#include "ngx/handlers.hpp"
#include "ngx/location_directives.hpp"

#include <array>

namespace rt::ngx {

namespace {

struct EndpointRow {
    Text directive;
    ngx_http_handler_pt handler;
};

// By Endpoint.
constexpr std::array<EndpointRow, 5> kEndpoints = {{
    {"", nullptr},
    {"realtime", realtime_handler},
    {"realtime_echo", echo_handler},
    {"realtime_publish", publish_handler},
    {"realtime_status", status_handler},
}};

const EndpointRow &row_of(Endpoint endpoint) noexcept {
    return kEndpoints[static_cast<std::size_t>(endpoint)];
}

ngx_http_core_loc_conf_t *core_conf(ngx_conf_t *cf) noexcept {
    return static_cast<ngx_http_core_loc_conf_t *>(
        ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module));
}

void install(ngx_conf_t *cf, LocationConf &conf) {
    core_conf(cf)->handler = row_of(conf.endpoint).handler;
    conf.loc_conf = static_cast<ngx_http_conf_ctx_t *>(cf->ctx)->loc_conf;
    main_conf(cf)->endpoints.push_back(&conf);
}

char *bind(ngx_conf_t *cf, LocationConf &conf, Endpoint endpoint) {
    if (conf.endpoint != Endpoint::none) {
        return refuse(cf, quoted(row_of(endpoint).directive) + " directive conflicts with " +
                              quoted(row_of(conf.endpoint).directive) + " of the same location");
    }
    const std::vector<Text> words = words_of(cf);
    conf.endpoint = endpoint;
    conf.app_name = words.size() > 1 ? words[1] : kDefaultApp;
    conf.where = here(cf);
    install(cf, conf);
    return conf_ok();
}

template <class T> void inherit(std::optional<T> &slot, const std::optional<T> &parent) {
    if (!slot) {
        slot = parent;
    }
}

void inherit_all(LocationSlots &slots, const LocationSlots &parent) {
    inherit(slots.transports, parent.transports);
    inherit(slots.ping_interval, parent.ping_interval);
    inherit(slots.ping_timeout, parent.ping_timeout);
    inherit(slots.upgrade_timeout, parent.upgrade_timeout);
    inherit(slots.connect_timeout, parent.connect_timeout);
    inherit(slots.max_payload, parent.max_payload);
    inherit(slots.cookie, parent.cookie);
    inherit(slots.deflate, parent.deflate);
    inherit(slots.send_buffer, parent.send_buffer);
    inherit(slots.max_sockets, parent.max_sockets);
    inherit(slots.drain, parent.drain);
    inherit(slots.serve_client, parent.serve_client);
    for (std::size_t i = 0; i < slots.limits.size(); ++i) {
        inherit(slots.limits[i], parent.limits[i]);
    }
    // A variable that is not set counts as if the directive were not there.
    if (!slots.cors || *slots.cors == nullptr) {
        slots.cors = parent.cors;
    }
}

// The defaults are those of SessionSettings itself.
engine::SessionSettings session_of(const LocationSlots &slots) {
    engine::SessionSettings session;
    session.ping_interval = slots.ping_interval.value_or(session.ping_interval);
    session.ping_timeout = slots.ping_timeout.value_or(session.ping_timeout);
    session.upgrade_timeout = slots.upgrade_timeout.value_or(session.upgrade_timeout);
    session.connect_timeout = slots.connect_timeout.value_or(session.connect_timeout);
    session.drain = slots.drain.value_or(session.drain);
    session.max_payload = slots.max_payload.value_or(session.max_payload);
    for (std::size_t i = 0; i < kLimitRows.size(); ++i) {
        std::uint32_t &limit = session.limits.*kLimitRows[i].slot;
        limit = slots.limits[i].value_or(limit);
    }
    if (slots.max_sockets && slots.max_sockets->per == MaxSockets::Per::user) {
        session.max_per_user = slots.max_sockets->count;
    }
    if (slots.transports) {
        session.polling = slots.transports->polling;
        session.websocket = slots.transports->websocket;
    }
    if (slots.send_buffer) {
        session.send_buffer = slots.send_buffer->size;
        session.slow_policy = slots.send_buffer->policy.value_or(session.slow_policy);
    }
    if (slots.deflate) {
        session.deflate = slots.deflate->on;
        session.deflate_threshold = slots.deflate->threshold.value_or(session.deflate_threshold);
    }
    return session;
}

void settle(LocationConf &conf) {
    const LocationSlots &slots = conf.slots;
    conf.session = session_of(slots);
    conf.cors = slots.cors ? slots.cors->get() : nullptr;
    conf.cookie = slots.cookie.value_or(conf.cookie);
    conf.max_sockets = slots.max_sockets.value_or(conf.max_sockets);
    conf.serve_client = slots.serve_client.value_or(conf.serve_client);
}

// `if` and `limit_except` are locations without a name; content handlers are not inherited
// by nginx itself, and without one the block would serve files.
void inherit_endpoint(ngx_conf_t *cf, LocationConf &conf, const LocationConf &parent) {
    const ngx_http_core_loc_conf_t *core = core_conf(cf);
    if (core->noname == 0 || core->handler != nullptr || parent.endpoint == Endpoint::none) {
        return;
    }
    conf.endpoint = parent.endpoint;
    conf.app_name = parent.app_name;
    conf.where = parent.where;
    install(cf, conf);
}

// realtime_max_payload is the bound here. That of nginx would be met first, be told in HTML, and
// end the session whose POST it is.
void lift_body_bound(ngx_conf_t *cf, const LocationConf &conf) {
    if (conf.endpoint != Endpoint::none) {
        core_conf(cf)->client_max_body_size = 0;
    }
}

} // namespace

char *set_realtime(ngx_conf_t *cf, LocationConf &conf) { return bind(cf, conf, Endpoint::app); }

char *set_echo(ngx_conf_t *cf, LocationConf &conf) { return bind(cf, conf, Endpoint::echo); }

char *set_publish(ngx_conf_t *cf, LocationConf &conf) { return bind(cf, conf, Endpoint::publish); }

char *set_status(ngx_conf_t *cf, LocationConf &conf) { return bind(cf, conf, Endpoint::status); }

LocationConf *location_conf(ngx_http_request_t *r) noexcept {
    return static_cast<LocationConf *>(ngx_http_get_module_loc_conf(r, ngx_http_realtime_module));
}

void *create_location_conf(ngx_conf_t *cf) noexcept {
    return guard([](const char *) -> void * { return nullptr; },
                 [cf]() -> void * { return make_in_pool<LocationConf>(cf->pool); });
}

char *merge_location_conf(ngx_conf_t *cf, void *parent, void *child) noexcept {
    return guard([cf](const char *what) { return refuse(cf, what); },
                 [=] {
                     auto &above = *static_cast<LocationConf *>(parent);
                     auto &conf = *static_cast<LocationConf *>(child);
                     inherit_all(conf.slots, above.slots);
                     settle(conf);
                     inherit_endpoint(cf, conf, above);
                     lift_body_bound(cf, conf);
                     return conf_ok();
                 });
}

} // namespace rt::ngx
