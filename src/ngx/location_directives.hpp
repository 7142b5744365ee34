// SPDX-License-Identifier: BSD-2-Clause
// The directives of http, server and location, one function each: they check their words and
// write the slots of one level. Returned is what ngx_command_t::set returns.
#pragma once

#include "ngx/conf.hpp"

namespace rt::ngx {

// Content handlers of a location.
char *set_realtime(ngx_conf_t *cf, LocationConf &conf);
char *set_echo(ngx_conf_t *cf, LocationConf &conf);
char *set_publish(ngx_conf_t *cf, LocationConf &conf);
char *set_status(ngx_conf_t *cf, LocationConf &conf);

char *set_transports(ngx_conf_t *cf, LocationConf &conf);
char *set_ping(ngx_conf_t *cf, LocationConf &conf);
char *set_upgrade_timeout(ngx_conf_t *cf, LocationConf &conf);
char *set_connect_timeout(ngx_conf_t *cf, LocationConf &conf);
char *set_max_payload(ngx_conf_t *cf, LocationConf &conf);
char *set_cors(ngx_conf_t *cf, LocationConf &conf);
char *set_cookie(ngx_conf_t *cf, LocationConf &conf);
char *set_deflate(ngx_conf_t *cf, LocationConf &conf);
char *set_send_buffer(ngx_conf_t *cf, LocationConf &conf);
char *set_max_sockets(ngx_conf_t *cf, LocationConf &conf);
char *set_drain(ngx_conf_t *cf, LocationConf &conf);
char *set_limits(ngx_conf_t *cf, LocationConf &conf);
char *set_serve_client(ngx_conf_t *cf, LocationConf &conf);

} // namespace rt::ngx
