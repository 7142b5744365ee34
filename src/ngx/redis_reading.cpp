// SPDX-License-Identifier: BSD-2-Clause
// RedisSocket: what is received, read or peeked at.
#include "ngx/redis_socket.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr int kReadsPerTurn = 8;               // then others have their turn
constexpr std::size_t kLeastPeeked = 4U << 10; // of a reply that stays in the socket until it is whole
constexpr std::size_t kMostPeeked = 128U << 10;

std::array<std::uint8_t, 256U << 10> received; // of this process, whose connections read in turn

// A part of what the kernel keeps for us, of which a half may be its own overhead: a reply that
// fills the socket would be waited for for ever.
std::size_t peekable(int descriptor) noexcept {
    int size = 0;
    socklen_t length = sizeof(size);
    static_cast<void>(::getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, &length));
    return std::clamp(static_cast<std::size_t>(std::max(size, 0)) / 8, kLeastPeeked, kMostPeeked);
}

} // namespace

void RedisSocket::read(Millis now) {
    for (int reads = 0; reads < kReadsPerTurn; ++reads) {
        words_.clear();
        const ssize_t size = c_->recv(c_, received.data(), received.size());
        if (size == NGX_AGAIN) {
            return;
        }
        if (size <= 0) {
            fail(size == 0 ? peer_ + " closed the connection"
                           : peer_ + ": " + words_of_nginx("recv() failed"),
                 now);
            return;
        }
        static_cast<void>(events_.on_bytes(Bytes(received).first(static_cast<std::size_t>(size)), now));
        if (phase_ != Phase::open) {
            return;
        }
    }
    post_event(c_->read, &ngx_posted_next_events);
}

// What was not dealt with is peeked at again, together with what came behind it.
void RedisSocket::peek(Millis now) {
    for (int reads = 0; reads < kReadsPerTurn; ++reads) {
        if (!peek_once(now)) {
            return;
        }
    }
    post_event(c_->read, &ngx_posted_next_events);
}

// False: there is nothing more, or the connection has gone.
bool RedisSocket::peek_once(Millis now) {
    const ssize_t size = ::recv(c_->fd, received.data(), received.size(), MSG_PEEK);
    if (size == -1) {
        return peek_failed(ngx_socket_errno, now);
    }
    const auto seen = static_cast<std::size_t>(size);
    if (seen > in_socket_) {
        return hand_on(Bytes(received).first(seen), now);
    }
    if (seen == 0 || c_->read->pending_eof != 0) {
        fail(peer_ + " closed the connection", now);
    }
    return false;
}

bool RedisSocket::peek_failed(int error, Millis now) {
    if (error != EAGAIN && error != EINTR) {
        fail(failed_call("recv() from", error), now);
    }
    return error == EINTR;
}

// False: the connection has gone meanwhile.
bool RedisSocket::hand_on(Bytes peeked, Millis now) {
    const std::size_t done = events_.on_bytes(peeked.subspan(in_socket_), now);
    if (phase_ != Phase::open) {
        return false;
    }
    in_socket_ = peeked.size();
    // What is dealt with begins with what was taken out ahead of its time.
    std::size_t out = done > ahead_ ? done - ahead_ : 0;
    ahead_ = done > 0 ? 0 : ahead_;
    const std::size_t rest = in_socket_ - out;
    if (rest > kLeastPeeked && rest > peekable(c_->fd)) {
        ahead_ += rest;
        out = in_socket_;
    }
    if (ahead_ != 0) {
        events_.on_torn(true);
    }
    const bool good = !events_.is_ours() || take_out(out);
    if (ahead_ == 0) {
        events_.on_torn(false);
    }
    if (!good) {
        fail(peer_ + " cannot be read", now);
    }
    return good;
}

bool RedisSocket::take_out(std::size_t bytes) noexcept {
    in_socket_ -= bytes;
    const int flags = unix_ ? 0 : MSG_TRUNC; // TCP need not copy it
    while (bytes > 0) {
        const ssize_t size = ::recv(c_->fd, received.data(), std::min(bytes, received.size()), flags);
        if (size == 0 || (size == -1 && ngx_socket_errno != EINTR)) {
            return false;
        }
        bytes -= static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    }
    return true;
}

} // namespace rt::ngx
