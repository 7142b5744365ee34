// SPDX-License-Identifier: BSD-2-Clause
// May a page of this origin talk to us (realtime_cors), and which headers say so? The same for
// polling and WebSocket, where browsers do not ask (decisions.md, ruling 24).
#pragma once

#include "ngx/conf.hpp"
#include "ngx/ngx.hpp"

namespace rt::ngx {

enum class OriginVerdict : std::uint8_t {
    absent,    // no browser, or a page of this very server without Origin
    same,      // the server's own
    allowed,   // listed; the headers are on the answer
    refused,   // 403, code 4; the header lets the browser show why
    malformed, // 400, code 3
    failed,    // no memory
};

// Judges the request and puts the CORS headers on whatever answer it will get.
[[nodiscard]] OriginVerdict judge_origin(ngx_http_request_t *r, const LocationConf &conf);

// Answers an OPTIONS request.
[[nodiscard]] ngx_int_t answer_preflight(ngx_http_request_t *r, OriginVerdict verdict);

} // namespace rt::ngx
