// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_socket.hpp"

#include "ngx/guard.hpp"
#include "ngx/redis_tls.hpp"
#include "ngx/worker.hpp"

#include <algorithm>
#include <netinet/tcp.h>
#include <system_error>

namespace rt::ngx {

namespace {

constexpr Millis kFirstLook = 1; // at a name that is asked for; /etc/hosts takes no longer
constexpr Millis kLongestLook = 20;
constexpr Millis kGrain = 10; // of times to wait

RedisSocket &owner_of(const ngx_connection_t &c) noexcept { return *static_cast<RedisSocket *>(c.data); }

} // namespace

RedisSocket::RedisSocket(Worker &worker, RedisSocketEvents &events, const RedisBlock &block)
    : worker_(worker), events_(events), block_(block) {
    quiet_.log_level = NGX_LOG_INFO;
    quiet_.writer = keep_words;
    quiet_.wdata = this;
    flush_.data = this;
    flush_.handler = on_flush;
    flush_.log = worker.log();
}

RedisSocket::~RedisSocket() { close(); }

// nginx would tell of the same trouble in a line of its own, and some of it as [crit].
void RedisSocket::keep_words(ngx_log_t *log, ngx_uint_t, u_char *line, std::size_t size) noexcept {
    guard([](const char *) {},
          [&] {
              Text words = to_text(line, line + size);
              words.remove_prefix(std::min(words.find("] ") + 2, words.size())); // time and level
              words.remove_prefix(std::min(words.find(": ") + 2, words.size())); // pid
              while (words.ends_with('\n')) {
                  words.remove_suffix(1);
              }
              static_cast<RedisSocket *>(log->wdata)->words_ = words;
          });
}

std::string RedisSocket::failed_call(Text call, int error) const {
    return std::string(call) + " " + peer_ + " failed (" + std::to_string(error) + ": " +
           std::generic_category().message(error) + ")";
}

std::string RedisSocket::words_of_nginx(Text otherwise) const {
    return words_.empty() ? std::string(otherwise) : words_;
}

// --- opening ---

void RedisSocket::open(const cluster::RedisAddress &address, bool peek, Millis now) {
    close();
    address_ = address;
    peek_ = peek && !block_.settings.tls.on;
    peer_ = cluster::text_of(address);
    until_ = now + block_.settings.connect_timeout;
    tried_ = 0;
    addresses_ = written_address(address);
    if (!addresses_.empty()) {
        connect_next(now);
        return;
    }
    phase_ = Phase::resolving;
    pause_ = kFirstLook;
    lookup_.begin(address.host);
    wait(pause_, now);
}

void RedisSocket::wait(Millis length, Millis now) {
    worker_.deadlines().start(*this, now, std::max<Millis>(length, 0));
    worker_.touch();
}

void RedisSocket::on_deadline(Millis now) {
    const std::string limit = " within " + std::to_string(block_.settings.connect_timeout) + " ms";
    switch (phase_) {
    case Phase::resolving:
        look_up(now);
        break;
    case Phase::connecting:
        complaint_ =
            failed_call("connect() to", ETIMEDOUT) + ": no answer" + limit + ", is there a firewall between?";
        connect_next(now);
        break;
    case Phase::securing:
        fail("TLS to " + peer_ + " failed: no handshake" + limit + ", does it speak TLS?", now);
        break;
    case Phase::idle:
    case Phase::open:
        break;
    }
}

void RedisSocket::look_up(Millis now) {
    const bool pending = lookup_.look() == NameLookup::State::pending;
    if (pending && now < until_) {
        pause_ = std::min(pause_ * 2, kLongestLook);
        wait(pause_, now);
        return;
    }
    addresses_ = pending ? std::vector<SocketAddress>() : lookup_.addresses(address_.port);
    if (addresses_.empty()) {
        const char *why = pending ? "no answer in time" : lookup_.complaint();
        fail("host \"" + address_.host + "\" does not resolve: " + why, now);
        return;
    }
    connect_next(now);
}

// One of the host's addresses after the other, each with its share of the time that is left.
void RedisSocket::connect_next(Millis now) {
    while (tried_ < addresses_.size()) {
        const auto left = static_cast<Millis>(addresses_.size() - tried_);
        const SocketAddress &address = addresses_[tried_++];
        close();
        phase_ = Phase::connecting;
        peer_ = address.text();
        const int error = connect_to(address);
        if (error == 0) {
            connected(now);
            return;
        }
        if (error == EINPROGRESS) {
            wait(std::max((until_ - now) / left / kGrain, Millis{1}) * kGrain, now);
            return;
        }
        complaint_ = failed_call("connect() to", error);
    }
    fail(complaint_ + (complaint_.find("refused") != std::string::npos ? ", is Redis running there?" : ""),
         now);
}

int RedisSocket::connect_to(const SocketAddress &address) {
    SocketAddress to = address;
    unix_ = to.storage.ss_family == AF_UNIX;
    const int made = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made == -1) {
        return ngx_socket_errno;
    }
    if (!take_connection(made)) {
        return ENOBUFS;
    }
    // Neither exists on a unix socket, and without them it works too.
    const int on = 1;
    static_cast<void>(::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)));
    static_cast<void>(::setsockopt(made, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
    return ::connect(made, generic(to.storage), to.length) == 0 ? 0 : ngx_socket_errno;
}

bool RedisSocket::take_connection(int descriptor) {
    c_ = ngx_get_connection(descriptor, worker_.log());
    if (c_ == nullptr) {
        ::close(descriptor);
        return false;
    }
    c_->type = SOCK_STREAM;
    c_->data = this;
    c_->log = c_->read->log = c_->write->log = &quiet_;
    c_->log_error = NGX_ERROR_INFO;
    c_->recv = ngx_recv;
    c_->send = ngx_send;
    c_->recv_chain = ngx_recv_chain;
    c_->send_chain = ngx_send_chain;
    c_->read->handler = on_read;
    c_->write->handler = on_write;
    // Not idle: a worker that begins to quit leaves it to the bridge; nor does it keep the worker.
    if (ngx_add_conn(c_) != NGX_OK) {
        close();
        return false;
    }
    return true;
}

void RedisSocket::connected(Millis now) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (::getsockopt(c_->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1) {
        error = ngx_socket_errno;
    }
    if (error != 0) {
        complaint_ = failed_call("connect() to", error);
        connect_next(now);
        return;
    }
    c_->write->ready = 1;
    if (!block_.settings.tls.on) {
        opened(now);
        return;
    }
    phase_ = Phase::securing;
    wait(std::max(until_ - now, kGrain), now);
    c_->pool = ngx_create_pool(NGX_MIN_POOL_SIZE, &quiet_);
    if (c_->pool == nullptr || !start_tls(c_, block_, address_.host)) {
        fail("TLS to " + peer_ + " failed: " + words_of_nginx("no memory"), now);
        return;
    }
    shake_hands(now);
}

void RedisSocket::shake_hands(Millis now) {
    words_.clear();
    if (ngx_ssl_handshake(c_) == NGX_AGAIN) {
        c_->ssl->handler = on_handshake;
        return;
    }
    secured(now);
}

void RedisSocket::on_handshake(ngx_connection_t *c) noexcept {
    RedisSocket &socket = owner_of(*c);
    run(socket, [&] {
        if (socket.events_.is_ours()) {
            socket.secured(socket.worker_.now());
        }
    });
}

void RedisSocket::secured(Millis now) {
    const std::string complaint = c_->ssl->handshaked != 0 ? tls_complaint(c_, block_, address_.host)
                                                           : words_of_nginx("handshake failed");
    if (!complaint.empty()) {
        fail("TLS to " + peer_ + " failed: " + complaint, now);
        return;
    }
    c_->read->handler = on_read;
    c_->write->handler = on_write;
    opened(now);
}

void RedisSocket::opened(Millis now) {
    stop();
    phase_ = Phase::open;
    blocked_ = false;
    in_socket_ = ahead_ = 0;
    if (peek_) {
        events_.on_torn(false);
    }
    events_.on_open(now);
    if (c_ != nullptr) {
        post_event(c_->read, &ngx_posted_events); // what came with the handshake
    }
    worker_.touch();
}

bool RedisSocket::adopt(int descriptor, bool peek) {
    close();
    SocketAddress peer;
    peer.length = sizeof(peer.storage);
    if (::getpeername(descriptor, generic(peer.storage), &peer.length) == -1) {
        ::close(descriptor);
        return false;
    }
    peer_ = peer.text();
    unix_ = peer.storage.ss_family == AF_UNIX;
    peek_ = peek;
    if (!take_connection(descriptor)) {
        return false;
    }
    phase_ = Phase::open;
    blocked_ = false;
    in_socket_ = ahead_ = 0;
    c_->write->ready = c_->read->ready = 1;
    post_event(c_->read, &ngx_posted_events);
    return true;
}

// --- events ---

template <class Body> void RedisSocket::run(RedisSocket &socket, Body body) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ERR, socket.worker_.log(), 0, "realtime: Redis connection broken off: %s",
                          what);
            socket.broken_ = true; // what was given may have been dealt with or not
            socket.arm();
        },
        [&] {
            body();
            socket.worker_.touch();
        });
}

void RedisSocket::on_read(ngx_event_t *event) noexcept {
    RedisSocket &socket = owner_of(*event_connection<ngx_connection_t>(event));
    run(socket, [&] { socket.readable(socket.worker_.now()); });
}

void RedisSocket::on_write(ngx_event_t *event) noexcept {
    RedisSocket &socket = owner_of(*event_connection<ngx_connection_t>(event));
    run(socket, [&] { socket.writable(socket.worker_.now()); });
}

void RedisSocket::on_flush(ngx_event_t *event) noexcept {
    RedisSocket &socket = *static_cast<RedisSocket *>(event->data);
    run(socket, [&] {
        if (std::exchange(socket.broken_, false)) {
            socket.fail(socket.peer_ + " was broken off", socket.worker_.now());
        } else {
            socket.write(socket.worker_.now());
        }
    });
}

void RedisSocket::readable(Millis now) {
    if (c_->close != 0) { // nginx quits: whoever has the link says when it ends
        c_->close = 0;
        c_->idle = 0;
    } else if (!events_.is_ours()) {
        return;
    } else if (phase_ == Phase::open && peek_) {
        peek(now);
    } else if (phase_ == Phase::open) {
        read(now);
    }
}

void RedisSocket::writable(Millis now) {
    if (!events_.is_ours()) {
        return;
    }
    if (phase_ == Phase::connecting) {
        connected(now);
    } else if (phase_ == Phase::open && blocked_) {
        blocked_ = false;
        write(now);
    }
}

// --- writing ---

void RedisSocket::arm() noexcept { post_event(&flush_, &ngx_posted_events); }

void RedisSocket::write(Millis now) {
    while (phase_ == Phase::open && !blocked_ && events_.is_ours()) {
        const Text text = events_.output();
        if (text.empty()) {
            return;
        }
        words_.clear();
        const ssize_t size = c_->send(c_, to_u_char(text.data()), text.size());
        if (size == NGX_AGAIN) {
            blocked_ = true;
            return;
        }
        if (size < 0) {
            fail(peer_ + ": " + words_of_nginx("send() failed"), now);
            return;
        }
        events_.wrote(static_cast<std::size_t>(size));
    }
}

void RedisSocket::flush_now() noexcept {
    const bool may = phase_ == Phase::open && events_.is_ours();
    const Text text = may ? events_.output() : Text();
    if (!text.empty()) {
        const ssize_t size = c_->send(c_, to_u_char(text.data()), text.size());
        events_.wrote(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
}

// --- the end ---

void RedisSocket::fail(const std::string &why, Millis now) {
    close();
    events_.on_closed(why, now);
}

// Somebody else may have the socket too: closing alone would leave it in our epoll.
void RedisSocket::close() noexcept {
    stop();
    delete_posted_event(&flush_);
    phase_ = Phase::idle;
    broken_ = false;
    if (c_ == nullptr) {
        return;
    }
    if (c_->ssl != nullptr) {
        c_->ssl->no_wait_shutdown = 1;
        c_->timedout = blocked_ ? 1U : 0U; // or nginx waits, and frees nothing
        static_cast<void>(ngx_ssl_shutdown(c_));
    }
    if (c_->read->active != 0) {
        static_cast<void>(ngx_del_conn(c_, 0));
    }
    ngx_pool_t *pool = c_->pool;
    ngx_close_connection(c_);
    if (pool != nullptr) {
        ngx_destroy_pool(pool);
    }
    c_ = nullptr;
}

int RedisSocket::descriptor() const noexcept { return phase_ == Phase::open && c_ != nullptr ? c_->fd : -1; }

bool RedisSocket::is_tls() const noexcept { return block_.settings.tls.on; }

} // namespace rt::ngx
