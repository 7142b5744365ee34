// SPDX-License-Identifier: BSD-2-Clause
// The client's own files, served beside the protocol (realtime_serve_client): a page loads
// /socket.io/socket.io.js from the server it connects to.
#pragma once

#include "ngx/conf.hpp"
#include "ngx/ngx.hpp"

namespace rt::ngx {

// Does the request name one of them: socket.io.js, socket.io.esm.min.js, their maps ...?
[[nodiscard]] bool is_client_bundle(const ngx_http_request_t *r, const LocationConf &conf);

[[nodiscard]] ngx_int_t send_client_bundle(ngx_http_request_t *r, const LocationConf &conf);

} // namespace rt::ngx
