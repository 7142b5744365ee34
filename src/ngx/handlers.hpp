// SPDX-License-Identifier: BSD-2-Clause
// The content handlers, one per directive that binds a location. Their settings are the
// location's LocationConf (ngx/conf.hpp).
#pragma once

#include "ngx/ngx.hpp"

namespace rt::ngx {

ngx_int_t realtime_handler(ngx_http_request_t *r) noexcept; // realtime
ngx_int_t echo_handler(ngx_http_request_t *r) noexcept;     // realtime_echo
ngx_int_t publish_handler(ngx_http_request_t *r) noexcept;  // realtime_publish
ngx_int_t status_handler(ngx_http_request_t *r) noexcept;   // realtime_status

} // namespace rt::ngx
