// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/post_body.hpp"

#include "ngx/guard.hpp"

#include <new>

namespace rt::ngx {

namespace {

// Of one request, in its pool, found through its context.
struct Reading {
    std::string body;
    std::size_t most;
    std::unique_ptr<BodyEvents> events;
    bool waited = false;
};

void destroy(void *data) noexcept { static_cast<Reading *>(data)->~Reading(); }

Reading &reading_of(ngx_http_request_t *r) noexcept {
    return *static_cast<Reading *>(ngx_http_get_module_ctx(r, ngx_http_realtime_module));
}

// False: over the bound.
bool collect(ngx_http_request_t *r, Reading &reading) {
    if (r->request_body == nullptr) {
        return true;
    }
    for (ngx_chain_t *link = r->request_body->bufs; link != nullptr; link = link->next) {
        ngx_buf_t *buffer = link->buf;
        const Bytes part = to_bytes(*buffer);
        if (part.size() > reading.most - reading.body.size()) {
            return false;
        }
        reading.body += as_text(part);
        buffer->pos = buffer->last; // nginx may use it again
    }
    r->request_body->bufs = nullptr;
    return true;
}

void on_more(ngx_http_request_t *r) noexcept;

void go_on(ngx_http_request_t *r) {
    Reading &reading = reading_of(r);
    for (;;) {
        if (!collect(r, reading)) {
            reading.events->on_too_big(r);
            return;
        }
        if (r->reading_body == 0) {
            // Not on_more: an event of the socket would hand over the body again.
            r->read_event_handler = ngx_http_test_reading;
            reading.events->on_body(r, reading.body);
            return;
        }
        const ngx_int_t rc = ngx_http_read_unbuffered_request_body(r);
        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            ngx_http_finalize_request(r, rc);
            return;
        }
        if (rc == NGX_AGAIN && (r->request_body == nullptr || r->request_body->bufs == nullptr)) {
            break;
        }
    }
    if (!reading.waited) {
        reading.waited = true;
        if (!reading.events->on_wait(r)) {
            return;
        }
    }
    r->read_event_handler = on_more;
}

void guarded(ngx_http_request_t *r) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "realtime: request body: %s", what);
            ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        },
        [&] { go_on(r); });
}

void on_more(ngx_http_request_t *r) noexcept {
    if (r->connection->read->timedout != 0) {
        r->connection->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }
    guarded(r);
}

} // namespace

ngx_int_t read_body(ngx_http_request_t *r, std::size_t most, std::unique_ptr<BodyEvents> events) {
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(r->pool, sizeof(Reading));
    if (cleanup == nullptr) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    auto *reading = ::new (cleanup->data) Reading{{}, most, std::move(events)};
    cleanup->handler = destroy;
    ngx_http_set_ctx(r, reading, ngx_http_realtime_module);
    r->request_body_no_buffering = 1;
    const ngx_int_t rc = ngx_http_read_client_request_body(r, guarded);
    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}

} // namespace rt::ngx
