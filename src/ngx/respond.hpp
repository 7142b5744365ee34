// SPDX-License-Identifier: BSD-2-Clause
// Small whole answers to HTTP requests.
#pragma once

#include "engine/exchange.hpp"
#include "ngx/ngx.hpp"

namespace rt::ngx {

struct Reply {
    ngx_uint_t status = NGX_HTTP_OK;
    Text type; // static text; empty: none
    Text body; // copied
    bool store = false;
};

// Sends the whole answer; the caller returns or finalizes with the result.
[[nodiscard]] ngx_int_t send_reply(ngx_http_request_t *r, const Reply &reply);

// An answer to an exchange. For use inside of a handler.
[[nodiscard]] ngx_int_t send_answer(ngx_http_request_t *r, const engine::Answer &answer);

// For a request that waited with its count raised: answers and lets it go, together with what
// was posted behind it. It must not be touched afterwards.
void finish_request(ngx_http_request_t *r, const engine::Answer &answer);
void finish_request(ngx_http_request_t *r, const Reply &reply);
// The same for one that is answered, or whose answer failed: with the result of that.
void finish_request(ngx_http_request_t *r, ngx_int_t rc);

// False: no memory. The texts live as long as the request.
[[nodiscard]] bool add_header(ngx_http_request_t *r, Text name, Text value);
// The same with a copy of the value.
[[nodiscard]] bool add_header_copy(ngx_http_request_t *r, Text name, Text value);

// The first header of that name in the request, empty if there is none. Lower case.
[[nodiscard]] Text request_header(const ngx_http_request_t *r, Text name);

} // namespace rt::ngx
