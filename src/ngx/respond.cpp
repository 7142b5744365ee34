// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/respond.hpp"

#include "base/text.hpp"
#include "ngx/headers.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr Text type_of(engine::BodyKind kind) noexcept {
    switch (kind) {
    case engine::BodyKind::packets:
        return "text/plain; charset=UTF-8";
    case engine::BodyKind::ok:
        return "text/html";
    case engine::BodyKind::json:
        return "application/json";
    case engine::BodyKind::empty:
        break;
    }
    return {};
}

ngx_buf_t *body_buffer(ngx_http_request_t *r, Text body) {
    ngx_buf_t *buffer = ngx_create_temp_buf(r->pool, body.size() + 1);
    if (buffer != nullptr) {
        buffer->last = std::copy(body.begin(), body.end(), buffer->last);
        buffer->memory = body.empty() ? 0 : 1;
        buffer->temporary = body.empty() ? 0 : 1;
        buffer->last_buf = r == r->main ? 1 : 0;
        buffer->last_in_chain = 1;
    }
    return buffer;
}

void set_type(ngx_http_request_t *r, Text type) {
    r->headers_out.content_type = to_ngx_str(type);
    // What stands before the parameters: gzip_types compares that.
    r->headers_out.content_type_len = type.substr(0, type.find(';')).size();
}

} // namespace

ngx_int_t send_reply(ngx_http_request_t *r, const Reply &reply) {
    r->headers_out.status = reply.status;
    r->headers_out.content_length_n = static_cast<off_t>(reply.body.size());
    if (!reply.type.empty()) {
        set_type(r, reply.type);
    }
    if (!reply.store && !add_header(r, "Cache-Control", "no-store")) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }
    ngx_buf_t *buffer = body_buffer(r, reply.body);
    if (buffer == nullptr) {
        return NGX_ERROR;
    }
    ngx_chain_t out{buffer, nullptr};
    return ngx_http_output_filter(r, &out);
}

ngx_int_t send_answer(ngx_http_request_t *r, const engine::Answer &answer) {
    const bool store = answer.kind == engine::BodyKind::json || answer.kind == engine::BodyKind::empty;
    return send_reply(r, {answer.status, type_of(answer.kind), answer.body, store});
}

void finish_request(ngx_http_request_t *r, const engine::Answer &answer) {
    finish_request(r, send_answer(r, answer));
}

void finish_request(ngx_http_request_t *r, const Reply &reply) { finish_request(r, send_reply(r, reply)); }

void finish_request(ngx_http_request_t *r, ngx_int_t rc) {
    ngx_connection_t *c = r->connection;
    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}

bool add_header(ngx_http_request_t *r, Text name, Text value) {
    auto *header = static_cast<ngx_table_elt_t *>(ngx_list_push(&r->headers_out.headers));
    if (header == nullptr) {
        return false;
    }
    *header = {};
    header->hash = 1;
    header->key = to_ngx_str(name);
    header->value = to_ngx_str(value);
    return true;
}

bool add_header_copy(ngx_http_request_t *r, Text name, Text value) {
    const ngx_str_t copy = copy_text(r->pool, value);
    return copy.data != nullptr && add_header(r, name, to_text(copy));
}

Text request_header(const ngx_http_request_t *r, Text name) {
    Text found;
    each_header(r, [&](const ngx_table_elt_t &header) {
        if (found.data() == nullptr && header.hash != 0 && iequals(to_text(header.key), name)) {
            found = to_text(header.value);
        }
    });
    return found;
}

} // namespace rt::ngx
