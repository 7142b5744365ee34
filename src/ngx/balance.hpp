// SPDX-License-Identifier: BSD-2-Clause
// Spreads connections over workers. nginx wakes whichever worker epoll finds first, mostly the
// same one; so a worker that holds more than its share stops accepting until others caught up.
// (`reuseport` would balance too, but its queue dies with its worker.)
#pragma once

#include "ngx/ngx.hpp"
#include "shm/seats.hpp"

namespace rt::ngx {

class Balance {
public:
    explicit Balance(ngx_cycle_t *cycle) noexcept : cycle_(cycle) {}

    // Once, when nginx has set up its listening sockets: `handler` is called for them in place
    // of ngx_event_accept, which it calls, and then update().
    void listen(ngx_event_handler_pt handler);

    // Called once per connection, turn and beat with what this worker holds. When it stops
    // accepting, returns the worker that should look at its listening sockets: epoll may have
    // told this one alone of connections that it now leaves.
    [[nodiscard]] shm::SeatRef update(shm::Seats &seats, shm::SeatRef me, Millis now);

    // Accepts what waits, without being told of it by epoll, up to this worker's share.
    void look(const shm::Seats &seats, shm::SeatRef me, Millis now);

    // May a WebSocket that another worker hands over come here? Not over this worker's share, nor
    // while connections are short.
    [[nodiscard]] bool may_take(const shm::Seats &seats, shm::SeatRef me, Millis now) const;

    [[nodiscard]] bool has_room() const noexcept;

    // Told to the others before one is taken: whoever sees that the channel has one less in it
    // sees that here is room for one less.
    void take_one(shm::Seats seats, shm::SeatRef me) const noexcept;

    // Accepts whatever comes: the worker leaves, or is alone.
    void release();

    [[nodiscard]] bool paused() const noexcept { return paused_; }

private:
    struct Share {
        bool over = false;
        shm::SeatRef least; // who holds the least
    };

    [[nodiscard]] Share share_of(const shm::Seats &seats, shm::SeatRef me, Millis now) const;
    template <class Visit> void each_shared(Visit visit);
    [[nodiscard]] std::uint32_t held() const noexcept;
    [[nodiscard]] std::uint32_t room() const noexcept;
    [[nodiscard]] ngx_uint_t kept() const noexcept;
    [[nodiscard]] bool accept_one(ngx_connection_t &c) const;
    void pause();
    void resume();

    ngx_cycle_t *cycle_;
    bool paused_ = false;
};

} // namespace rt::ngx
