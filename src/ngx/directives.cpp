// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/directives.hpp"

#include "ngx/conf_blocks.hpp"
#include "ngx/conf_words.hpp"
#include "ngx/location_directives.hpp"
#include "ngx/redis_directives.hpp"

namespace rt::ngx {

namespace {

constexpr ngx_uint_t kEverywhere = NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF;
constexpr ngx_uint_t kHere = NGX_HTTP_LOC_CONF;

template <auto Set> char *in_location(ngx_conf_t *cf, ngx_command_t *command, void *conf) noexcept {
    return directive<LocationConf, Set>(cf, command, conf);
}

template <auto Set> char *in_http(ngx_conf_t *cf, ngx_command_t *command, void *conf) noexcept {
    return directive<MainConf, Set>(cf, command, conf);
}

} // namespace

// clang-format off
ngx_command_t http_directives[] = {
    {ngx_string("realtime_app"), NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1,
     in_http<set_app>, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},

    {ngx_string("realtime_redis"), NGX_HTTP_MAIN_CONF | NGX_CONF_BLOCK | NGX_CONF_TAKE1,
     in_http<set_redis>, NGX_HTTP_MAIN_CONF_OFFSET, 0, nullptr},

    {ngx_string("realtime"), kHere | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
     in_location<set_realtime>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_echo"), kHere | NGX_CONF_NOARGS,
     in_location<set_echo>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_publish"), kHere | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
     in_location<set_publish>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_status"), kHere | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
     in_location<set_status>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},

    {ngx_string("realtime_transports"), kEverywhere | NGX_CONF_1MORE,
     in_location<set_transports>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_ping"), kEverywhere | NGX_CONF_TAKE12,
     in_location<set_ping>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_upgrade_timeout"), kEverywhere | NGX_CONF_TAKE1,
     in_location<set_upgrade_timeout>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_connect_timeout"), kEverywhere | NGX_CONF_TAKE1,
     in_location<set_connect_timeout>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_max_payload"), kEverywhere | NGX_CONF_TAKE1,
     in_location<set_max_payload>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_cors"), kEverywhere | NGX_CONF_1MORE,
     in_location<set_cors>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_cookie"), kEverywhere | NGX_CONF_1MORE,
     in_location<set_cookie>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_deflate"), kEverywhere | NGX_CONF_TAKE12,
     in_location<set_deflate>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_send_buffer"), kEverywhere | NGX_CONF_TAKE12,
     in_location<set_send_buffer>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_max_sockets"), kEverywhere | NGX_CONF_TAKE12,
     in_location<set_max_sockets>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_limits"), kEverywhere | NGX_CONF_1MORE,
     in_location<set_limits>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_drain"), kEverywhere | NGX_CONF_TAKE1,
     in_location<set_drain>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},
    {ngx_string("realtime_serve_client"), kEverywhere | NGX_CONF_TAKE1,
     in_location<set_serve_client>, NGX_HTTP_LOC_CONF_OFFSET, 0, nullptr},

    ngx_null_command
};

ngx_command_t app_directives[] = {
    {ngx_string("zone"), kInApp | NGX_CONF_TAKE1, in_block<set_zone>, 0, 0, nullptr},
    {ngx_string("user"), kInApp | NGX_CONF_TAKE1, in_block<set_user>, 0, 0, nullptr},
    {ngx_string("recovery"), kInApp | NGX_CONF_TAKE1, in_block<set_recovery>, 0, 0, nullptr},
    {ngx_string("redis"), kInApp | NGX_CONF_1MORE, in_block<set_app_redis>, 0, 0, nullptr},
    {ngx_string("namespace"), kInApp | NGX_CONF_BLOCK | NGX_CONF_TAKE12, in_block<set_namespace>, 0, 0, nullptr},

    {ngx_string("connect"), kInNamespace | NGX_CONF_BLOCK | NGX_CONF_NOARGS, in_block<set_connect>, 0, 0, nullptr},
    {ngx_string("disconnect"), kInNamespace | NGX_CONF_BLOCK | NGX_CONF_NOARGS, in_block<set_disconnect>, 0, 0, nullptr},
    {ngx_string("on"), kInNamespace | NGX_CONF_BLOCK | NGX_CONF_TAKE12, in_block<set_on>, 0, 0, nullptr},

    // The actions, as in hub::action_kinds(), which counts their words.
    {ngx_string("ack"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("close"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("emit"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("join"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("leave"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("relay"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},
    {ngx_string("require"), kInChain | NGX_CONF_ANY, in_block<set_action>, 0, 0, nullptr},

    {ngx_string("url"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_url>, 0, 0, nullptr},
    {ngx_string("host"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_host>, 0, 0, nullptr},
    {ngx_string("port"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_port>, 0, 0, nullptr},
    {ngx_string("db"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_db>, 0, 0, nullptr},
    {ngx_string("user"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_user>, 0, 0, nullptr},
    {ngx_string("password"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_password>, 0, 0, nullptr},
    {ngx_string("password_file"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_password_file>, 0, 0, nullptr},
    {ngx_string("mode"), kInRedis | NGX_CONF_TAKE12, in_redis<set_redis_mode>, 0, 0, nullptr},
    {ngx_string("server"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_server>, 0, 0, nullptr},
    {ngx_string("adapter"), kInRedis | NGX_CONF_1MORE, in_redis<set_redis_adapter>, 0, 0, nullptr},
    {ngx_string("subscribe"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_subscribe>, 0, 0, nullptr},
    {ngx_string("key_prefix"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_key_prefix>, 0, 0, nullptr},
    {ngx_string("reconnect"), kInRedis | NGX_CONF_1MORE, in_redis<set_redis_reconnect>, 0, 0, nullptr},
    {ngx_string("connect_timeout"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_connect_timeout>, 0, 0, nullptr},
    {ngx_string("command_timeout"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_command_timeout>, 0, 0, nullptr},
    {ngx_string("ssl"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl>, 0, 0, nullptr},
    {ngx_string("ssl_verify"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_verify>, 0, 0, nullptr},
    {ngx_string("ssl_verify_depth"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_verify_depth>, 0, 0, nullptr},
    {ngx_string("ssl_name"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_name>, 0, 0, nullptr},
    {ngx_string("ssl_server_name"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_server_name>, 0, 0, nullptr},
    {ngx_string("ssl_trusted_certificate"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_trusted>, 0, 0, nullptr},
    {ngx_string("ssl_certificate"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_certificate>, 0, 0, nullptr},
    {ngx_string("ssl_certificate_key"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_key>, 0, 0, nullptr},
    {ngx_string("ssl_protocols"), kInRedis | NGX_CONF_1MORE, in_redis<set_redis_ssl_protocols>, 0, 0, nullptr},
    {ngx_string("ssl_ciphers"), kInRedis | NGX_CONF_TAKE1, in_redis<set_redis_ssl_ciphers>, 0, 0, nullptr},

    ngx_null_command
};
// clang-format on

} // namespace rt::ngx
