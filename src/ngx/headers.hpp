// SPDX-License-Identifier: BSD-2-Clause
// The headers of a request, in the order they came.
#pragma once

#include "ngx/ngx.hpp"

#include <span>

namespace rt::ngx {

// Calls visit(const ngx_table_elt_t &) for each.
template <class Visit> void each_header(const ngx_http_request_t *r, Visit visit) {
    for (const ngx_list_part_t *part = &r->headers_in.headers.part; part != nullptr; part = part->next) {
        const auto *headers = static_cast<const ngx_table_elt_t *>(part->elts);
        for (const ngx_table_elt_t &header : std::span(headers, part->nelts)) {
            visit(header);
        }
    }
}

} // namespace rt::ngx
