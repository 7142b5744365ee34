// SPDX-License-Identifier: BSD-2-Clause
// realtime_max_sockets: how many connections an application, or one address, may have on this
// host. (per=user is judged when a namespace is joined: before that nobody is known.)
#pragma once

#include "ngx/app.hpp"

namespace rt::ngx {

// full: no room for this one.
[[nodiscard]] Result<void> check_quota(App &app, const LocationConf &conf, ngx_http_request_t *r);

} // namespace rt::ngx
