// SPDX-License-Identifier: BSD-2-Clause
// The shared memory zones that a configuration asks for.
#pragma once

#include "ngx/conf.hpp"

namespace rt::ngx {

// Registers both zones of the app. Refused, in words: a zone that another app has, one that
// is too small, and one of another size than the running configuration's.
[[nodiscard]] bool add_zones(ngx_conf_t *cf, MainConf &main, AppConf &app);

[[nodiscard]] bool add_seats_zone(ngx_conf_t *cf, MainConf &main);

} // namespace rt::ngx
