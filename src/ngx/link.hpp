// SPDX-License-Identifier: BSD-2-Clause
// A hijacked connection of nginx as a byte link: taken over from its HTTP request after the
// 101, read and written without a copy, closed so that nginx's books balance.
#pragma once

#include "engine/out_queue.hpp"
#include "ngx/ngx.hpp"

#include <string>

namespace rt::ngx {

class Link {
public:
    // The request has answered 101 and waits (its count raised). Frees it, and for a plain
    // connection the connection's pool too: that is what keeps an idle client below 1 KiB.
    // `log` outlives the link. Returns the bytes that came behind the request.
    std::string take_over(ngx_http_request_t *r, ngx_log_t *log);

    // Who gets the connection's events: nginx calls these with `owner` in c->data.
    void set_handlers(void *owner, ngx_event_handler_pt on_read, ngx_event_handler_pt on_write) noexcept;

    // Into the buffer; its length, 0 at the end of the stream, NGX_AGAIN or NGX_ERROR.
    [[nodiscard]] ssize_t read(MutableBytes buffer) noexcept;

    // As much of the queue as the socket takes; asks for a write event if something is left. False: the
    // connection is broken.
    [[nodiscard]] bool write(engine::OutQueue &queue) noexcept;

    // The socket takes nothing now.
    [[nodiscard]] bool blocked() const noexcept { return blocked_; }
    // Its write event came.
    void unblock() noexcept { blocked_ = false; }

    // Waits for more to read. False: broken.
    [[nodiscard]] bool await_read() noexcept;

    // Runs the read handler in this turn.
    void post_read() noexcept;
    void set_timer(ngx_msec_t after) noexcept;
    void clear_timer() noexcept;
    [[nodiscard]] bool timed_out() const noexcept;

    // Nothing more will be written: the peer sees the end of the stream, and what it still
    // sends can be read and dropped. (TLS: closing does it.)
    void end_writing() noexcept;

    // A socket that came from another worker. False: nginx has no connection for it.
    [[nodiscard]] bool adopt(ngx_socket_t socket, ngx_log_t *log) noexcept;

    // Hands the socket out: no event comes until it is put back. Closing is no substitute, since
    // the open file lives on in another process, and in our epoll with it.
    [[nodiscard]] bool take_out() noexcept;
    [[nodiscard]] bool put_back() noexcept;

    void close() noexcept;
    [[nodiscard]] ngx_connection_t *connection() const noexcept { return c_; }

private:
    [[nodiscard]] bool write_plain(engine::OutQueue &queue) noexcept;
    [[nodiscard]] bool write_tls(engine::OutQueue &queue) noexcept;

    ngx_connection_t *c_ = nullptr;
    bool blocked_ = false;
    bool tls_ = false;
};

} // namespace rt::ngx
