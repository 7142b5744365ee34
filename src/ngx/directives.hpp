// SPDX-License-Identifier: BSD-2-Clause
// The directive tables. A new directive is a row here, a function that reads its words and a
// section of docs/directives.md (t/lint/directives.t holds them together).
#pragma once

#include "ngx/ngx.hpp"

namespace rt::ngx {

extern ngx_command_t http_directives[]; // in http, server and location
extern ngx_command_t app_directives[];  // inside realtime_app { } and realtime_redis { }

} // namespace rt::ngx
