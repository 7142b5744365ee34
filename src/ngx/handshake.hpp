// SPDX-License-Identifier: BSD-2-Clause
// What is kept of the request that opens a connection, before nginx frees it: address and
// scheme after realip, the headers worth showing, and every variable that a rule mentions.
#pragma once

#include "hub/connection.hpp"
#include "ngx/conf.hpp"
#include "ngx/ngx.hpp"

namespace rt::ngx {

// The views live as long as the request.
[[nodiscard]] hub::Birth make_birth(ngx_http_request_t *r, const LocationConf &conf,
                                    engine::TransportKind transport);

} // namespace rt::ngx
