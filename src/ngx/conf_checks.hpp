// SPDX-License-Identifier: BSD-2-Clause
// What a configuration may say and should not.
#pragma once

#include "ngx/conf.hpp"

namespace rt::ngx {

// Warns of an endpoint that is open to everybody, and of payloads that no broadcast carries.
// The location's settings are final.
void warn_of(ngx_conf_t *cf, const LocationConf &conf);

} // namespace rt::ngx
