// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/link.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

namespace {

constexpr std::uint32_t kMostFrames = 64; // per writev

// The head of the chain is on the stack: nothing is allocated to write.
struct Batch {
    std::array<ngx_buf_t, kMostFrames> buffers;
    std::array<ngx_chain_t, kMostFrames> links;
    std::uint32_t count = 0;
    std::size_t bytes = 0;

    void fill(const engine::OutQueue &queue) noexcept {
        count = std::min(queue.frames(), kMostFrames);
        for (std::uint32_t i = 0; i < count; ++i) {
            Bytes bytes_of = queue[i].ws();
            if (i == 0) {
                bytes_of = bytes_of.subspan(queue.begun());
            }
            add(i, bytes_of);
        }
    }

    void add(std::uint32_t i, Bytes bytes_of) noexcept {
        ngx_buf_t &buffer = buffers[i];
        buffer = {};
        buffer.pos = buffer.start = const_cast<u_char *>(bytes_of.data());
        buffer.last = buffer.end = buffer.pos + bytes_of.size();
        buffer.memory = 1;
        buffer.flush = i + 1 == count;
        links[i] = {&buffer, i + 1 < count ? &links[i + 1] : nullptr};
        bytes += bytes_of.size();
    }

    [[nodiscard]] std::size_t written() const noexcept {
        std::size_t sum = 0;
        for (std::uint32_t i = 0; i < count; ++i) {
            sum += static_cast<std::size_t>(buffers[i].pos - buffers[i].start);
        }
        return sum;
    }
};

std::array<std::uint8_t, 65536> gathered; // of this process, whose connections write in turn

// As many frames as there is room for, at least the first.
Bytes gather(const engine::OutQueue &queue) noexcept {
    std::size_t size = 0;
    for (std::uint32_t i = 0; i < queue.frames(); ++i) {
        const Bytes bytes = queue[i].ws().subspan(i == 0 ? queue.begun() : 0);
        if (bytes.size() > gathered.size() - size) {
            break;
        }
        std::copy(bytes.begin(), bytes.end(), gathered.data() + size);
        size += bytes.size();
    }
    return Bytes(gathered).first(size);
}

// What nginx's stub_status shows, where nginx is built with it.
void count_active([[maybe_unused]] int amount) noexcept {
#if (NGX_STAT_STUB)
    static_cast<void>(ngx_atomic_fetch_add(ngx_stat_active, amount));
#endif
}

void forget_pool(ngx_connection_t *c, ngx_log_t *log) noexcept {
    c->log = c->read->log = c->write->log = log;
    c->buffer = nullptr;
    c->addr_text = {0, nullptr};
    c->proxy_protocol = nullptr;
    c->sockaddr = nullptr;
    c->socklen = 0;
    c->local_sockaddr = nullptr;
    c->local_socklen = 0;
    ngx_destroy_pool(c->pool);
    c->pool = nullptr;
}

} // namespace

std::string Link::take_over(ngx_http_request_t *r, ngx_log_t *log) {
    c_ = r->connection;
    std::string rest(to_text(r->header_in->pos, r->header_in->last));
    ngx_http_free_request(r, 0);
    c_->destroyed = 0;
    if (c_->read->timer_set) {
        ngx_del_timer(c_->read);
    }
    if (c_->write->timer_set) {
        ngx_del_timer(c_->write);
    }
    if (c_->tcp_nopush == NGX_TCP_NOPUSH_SET) {
        ngx_tcp_push(c_->fd);
        c_->tcp_nopush = NGX_TCP_NOPUSH_UNSET;
    }
    // Small frames must not wait for the client's acknowledgements.
    static_cast<void>(ngx_tcp_nodelay(c_));
    tls_ = c_->ssl != nullptr;
    if (tls_) {
        ngx_ssl_free_buffer(c_);
    } else {
        forget_pool(c_, log);
    }
    return rest;
}

void Link::set_handlers(void *owner, ngx_event_handler_pt on_read, ngx_event_handler_pt on_write) noexcept {
    c_->data = owner;
    c_->read->handler = on_read;
    c_->write->handler = on_write;
    c_->log->action = nullptr;
}

// What accept and the request would have set, as far as a WebSocket needs it. O_NONBLOCK and
// TCP_NODELAY belong to the open file and came along.
bool Link::adopt(ngx_socket_t socket, ngx_log_t *log) noexcept {
    c_ = ngx_get_connection(socket, log);
    if (c_ == nullptr) {
        return false;
    }
    count_active(1);
    c_->type = SOCK_STREAM;
    c_->log = c_->read->log = c_->write->log = log;
    c_->log_error = NGX_ERROR_INFO;
    c_->start_time = ngx_current_msec;
    c_->listening = static_cast<ngx_listening_t *>(ngx_cycle->listening.elts); // which one does not matter
    c_->recv = ngx_recv;
    c_->send = ngx_send;
    c_->recv_chain = ngx_recv_chain;
    c_->send_chain = ngx_send_chain;
    c_->tcp_nodelay = NGX_TCP_NODELAY_SET;
    c_->write->ready = 1;
    return true;
}

bool Link::take_out() noexcept { return ngx_del_conn(c_, 0) == NGX_OK; }

bool Link::put_back() noexcept { return ngx_add_conn(c_) == NGX_OK; }

ssize_t Link::read(MutableBytes buffer) noexcept { return c_->recv(c_, buffer.data(), buffer.size()); }

bool Link::write(engine::OutQueue &queue) noexcept {
    if (!(tls_ ? write_tls(queue) : write_plain(queue))) {
        return false;
    }
    blocked_ = !queue.empty() || (tls_ && c_->buffered != 0);
    return !blocked_ || ngx_handle_write_event(c_->write, 0) == NGX_OK;
}

// One send for what waits: a frame from where it stands, several small ones from one place.
// (Gathering them by writev costs the kernel more than the copy costs us.)
bool Link::write_plain(engine::OutQueue &queue) noexcept {
    while (!queue.empty()) {
        Bytes bytes = queue[0].ws().subspan(queue.begun());
        if (queue.frames() > 1 && bytes.size() < gathered.size()) {
            bytes = gather(queue);
        }
        const ssize_t sent = c_->send(c_, const_cast<u_char *>(bytes.data()), bytes.size());
        if (sent == NGX_AGAIN) {
            return true;
        }
        if (sent < 0) {
            return false;
        }
        queue.consume(static_cast<std::size_t>(sent));
        if (static_cast<std::size_t>(sent) < bytes.size()) {
            return true;
        }
    }
    return true;
}

bool Link::write_tls(engine::OutQueue &queue) noexcept {
    do {
        Batch batch;
        batch.fill(queue);
        // An empty chain makes nginx write what its TLS buffer still holds.
        ngx_chain_t *in = batch.count > 0 ? &batch.links[0] : nullptr;
        if (in == nullptr && c_->buffered == 0) {
            break;
        }
        if (c_->send_chain(c_, in, 0) == NGX_CHAIN_ERROR) {
            return false;
        }
        queue.consume(batch.written());
    } while (!queue.empty() && c_->write->ready != 0);
    return true;
}

bool Link::await_read() noexcept { return ngx_handle_read_event(c_->read, 0) == NGX_OK; }

void Link::post_read() noexcept { post_event(c_->read, &ngx_posted_events); }

void Link::set_timer(ngx_msec_t after) noexcept { ngx_add_timer(c_->read, after); }

void Link::clear_timer() noexcept {
    if (c_->read->timer_set) {
        ngx_del_timer(c_->read);
    }
}

bool Link::timed_out() const noexcept { return c_->read->timedout != 0; }

void Link::end_writing() noexcept {
    if (c_->ssl == nullptr && ngx_shutdown_socket(c_->fd, NGX_WRITE_SHUTDOWN) == -1) {
        c_->error = 1;
    }
}

// As ngx_http_close_connection, which would destroy the pool that a plain connection no longer
// has.
void Link::close() noexcept {
    if (c_->ssl != nullptr) {
        c_->ssl->no_wait_shutdown = 1;
        static_cast<void>(ngx_ssl_shutdown(c_));
    }
    count_active(-1);
    c_->destroyed = 1;
    ngx_pool_t *pool = c_->pool;
    ngx_close_connection(c_);
    if (pool != nullptr) {
        ngx_destroy_pool(pool);
    }
    c_ = nullptr;
}

} // namespace rt::ngx
