// SPDX-License-Identifier: BSD-2-Clause
// The socket of one connection to Redis in nginx's event loop: the name's addresses one after the
// other, TCP or unix, TLS; then bytes both ways. Each open() ends in on_open() or on_closed(), and
// each on_open() in on_closed() or close(). Holds no timer that keeps a quitting worker.
#pragma once

#include "base/deadlines.hpp"
#include "ngx/conf.hpp"
#include "ngx/redis_resolve.hpp"

#include <array>
#include <string>
#include <vector>

namespace rt::ngx {

class Worker;

class RedisSocketEvents {
public:
    virtual ~RedisSocketEvents() = default;
    virtual void on_open(Millis now) = 0;
    // How many bytes of all those given and not yet returned have been dealt with for good.
    virtual std::size_t on_bytes(Bytes bytes, Millis now) = 0;
    // What waits to be written, and that so much of it was.
    [[nodiscard]] virtual Text output() = 0;
    virtual void wrote(std::size_t bytes) = 0;
    // In peek mode: from now on the first part of a reply is not in the socket any more, and the rest
    // is or will be; or this is over, or was never so.
    virtual void on_torn(bool torn) = 0;
    // Asked before each read and write; false: neither is done.
    [[nodiscard]] virtual bool is_ours() const noexcept = 0;
    // Never called by close(). The text says what failed, with address and errno. It is the last
    // thing that the socket does: it may be opened again or destroyed here.
    virtual void on_closed(const std::string &why, Millis now) = 0;
};

class RedisSocket final : private Deadline {
public:
    RedisSocket(Worker &worker, RedisSocketEvents &events, const RedisBlock &block);
    RedisSocket(const RedisSocket &) = delete;
    RedisSocket &operator=(const RedisSocket &) = delete;
    ~RedisSocket();

    // `peek`: bytes leave the socket only when on_bytes() has dealt with them, so that another
    // process can go on where this one stops. Not with TLS.
    void open(const cluster::RedisAddress &address, bool peek, Millis now);

    // A connected plain socket; it is ours from here on. False: nginx has no connection for it, and
    // it is closed. on_open() is not called. What it holds is read in the next turn.
    [[nodiscard]] bool adopt(int descriptor, bool peek);

    // Writes what output() has before the loop sleeps.
    void arm() noexcept;

    // To the system at once, as far as it takes it. No events come of it.
    void flush_now() noexcept;

    // Without an event. The connection ends only if nobody else has the socket.
    void close() noexcept;

    // -1: none is open. It stays ours.
    [[nodiscard]] int descriptor() const noexcept;
    [[nodiscard]] bool is_open() const noexcept { return phase_ == Phase::open; }
    [[nodiscard]] bool is_tls() const noexcept;
    // Which of the host's addresses it is, or the last one that was tried.
    [[nodiscard]] const std::string &peer() const noexcept { return peer_; }

private:
    enum class Phase : std::uint8_t { idle, resolving, connecting, securing, open };

    void on_deadline(Millis now) override;
    void wait(Millis length, Millis now);
    void look_up(Millis now);
    void connect_next(Millis now);
    // 0, EINPROGRESS or what failed.
    [[nodiscard]] int connect_to(const SocketAddress &address);
    [[nodiscard]] bool take_connection(int descriptor);
    void refused(int error, Millis now);
    void connected(Millis now);
    void shake_hands(Millis now);
    void secured(Millis now);
    void opened(Millis now);

    void readable(Millis now);
    void writable(Millis now);
    void read(Millis now);
    void peek(Millis now);
    [[nodiscard]] bool peek_once(Millis now);
    [[nodiscard]] bool peek_failed(int error, Millis now);
    [[nodiscard]] bool hand_on(Bytes peeked, Millis now);
    [[nodiscard]] bool take_out(std::size_t bytes) noexcept;
    void write(Millis now);
    void fail(const std::string &why, Millis now); // no member of this object
    [[nodiscard]] std::string failed_call(Text call, int error) const;
    [[nodiscard]] std::string words_of_nginx(Text otherwise) const;

    static void on_read(ngx_event_t *event) noexcept;
    static void on_write(ngx_event_t *event) noexcept;
    static void on_flush(ngx_event_t *event) noexcept;
    static void on_handshake(ngx_connection_t *c) noexcept;
    template <class Body> static void run(RedisSocket &socket, Body body) noexcept;
    static void keep_words(ngx_log_t *log, ngx_uint_t level, u_char *line, std::size_t size) noexcept;

    Worker &worker_;
    RedisSocketEvents &events_;
    const RedisBlock &block_;
    ngx_log_t quiet_{}; // of the connection: nginx's words become part of ours
    std::string words_;
    ngx_connection_t *c_ = nullptr;
    ngx_event_t flush_{};
    NameLookup lookup_;
    cluster::RedisAddress address_;
    std::vector<SocketAddress> addresses_;
    std::size_t tried_ = 0;
    std::string peer_;
    std::string complaint_;     // of the last address that failed
    Millis until_ = 0;          // what opening may take
    Millis pause_ = 0;          // between two looks at the lookup
    std::size_t in_socket_ = 0; // given to on_bytes(), and still to be read from the socket
    std::size_t ahead_ = 0;     // given, not dealt with, and out of the socket already
    Phase phase_ = Phase::idle;
    bool peek_ = false;
    bool unix_ = false;
    bool blocked_ = false; // the socket takes nothing now
    bool broken_ = false;  // by an exception: it ends before the loop sleeps
};

} // namespace rt::ngx
