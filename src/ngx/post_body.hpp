// SPDX-License-Identifier: BSD-2-Clause
// Reads a request's body into memory, never to a file and never more than its bound; whatever
// part of it is not here yet is waited for.
#pragma once

#include "ngx/ngx.hpp"

#include <memory>
#include <string>

namespace rt::ngx {

// Gets the body when it is whole. Lives in the request's pool.
class BodyEvents {
public:
    virtual ~BodyEvents() = default;
    // Once, before waiting, if the body did not come with the request's head. False: the
    // request has been answered.
    virtual bool on_wait(ngx_http_request_t *r) = 0;
    virtual void on_body(ngx_http_request_t *r, const std::string &body) = 0;
    // Longer than the bound: to be answered 413.
    virtual void on_too_big(ngx_http_request_t *r) = 0;
};

// The caller returns the result. `events` is destroyed with the request.
[[nodiscard]] ngx_int_t read_body(ngx_http_request_t *r, std::size_t most,
                                  std::unique_ptr<BodyEvents> events);

} // namespace rt::ngx
