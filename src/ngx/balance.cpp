// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/balance.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr std::uint32_t kSlack = 4; // connections over the mean that nobody minds
constexpr Millis kSilent = 600;     // without a beat a worker does not count

} // namespace

void Balance::listen(ngx_event_handler_pt handler) {
    each_shared([&](ngx_connection_t *c) { c->read->handler = handler; });
}

shm::SeatRef Balance::update(shm::Seats &seats, shm::SeatRef me, Millis now) {
    shm::Load load;
    load.connections = held();
    load.room = room();
    seats.set_load(me, load);
    if (ngx_exiting != 0 || ngx_use_accept_mutex != 0) {
        return {}; // nginx has closed the listening sockets, or spreads by its mutex
    }
    const Share share = share_of(seats, me, now);
    if (share.over && !paused_) {
        pause();
        return share.least;
    }
    if (!share.over && paused_) {
        resume();
    }
    return {};
}

// Over the mean of the workers that accept, by an eighth and some: then somebody is below it,
// who goes on accepting.
Balance::Share Balance::share_of(const shm::Seats &seats, shm::SeatRef me, Millis now) const {
    std::uint64_t sum = 0;
    std::uint64_t mine = 0;
    std::uint64_t workers = 0;
    std::uint32_t lowest = UINT32_MAX;
    Share share;
    const std::uint64_t cycle = seats.info(me.index).cycle;
    seats.each([&](const shm::SeatInfo &seat) {
        const bool counts = seat.state == shm::SeatState::accepting && seat.cycle == cycle &&
                            (seat.ref == me || now - seat.beat < kSilent);
        if (!counts) {
            return;
        }
        const bool is_mine = seat.ref == me;
        sum += is_mine ? held() : seat.load.connections;
        ++workers;
        mine = is_mine ? held() : mine;
        if (seat.load.connections < lowest) {
            lowest = seat.load.connections;
            share.least = seat.ref;
        }
    });
    share.over = workers > 1 && mine * workers > sum + sum / 8 + kSlack * workers;
    return share;
}

std::uint32_t Balance::held() const noexcept {
    return static_cast<std::uint32_t>(cycle_->connection_n - cycle_->free_connection_n);
}

bool Balance::may_take(const shm::Seats &seats, shm::SeatRef me, Millis now) const {
    return has_room() && !share_of(seats, me, now).over;
}

bool Balance::has_room() const noexcept { return cycle_->free_connection_n > kept() / 2; }

void Balance::take_one(shm::Seats seats, shm::SeatRef me) const noexcept {
    shm::Load load;
    load.connections = held() + 1;
    load.room = room() > 0 ? room() - 1 : 0;
    seats.set_load(me, load);
}

// Some slots are left for requests and for connections to backends, the half of them for what
// several senders send at once.
ngx_uint_t Balance::kept() const noexcept { return cycle_->connection_n / 16 + 4; }

std::uint32_t Balance::room() const noexcept {
    return static_cast<std::uint32_t>(std::max(cycle_->free_connection_n, kept()) - kept());
}

void Balance::look(const shm::Seats &seats, shm::SeatRef me, Millis now) {
    if (paused_ || ngx_exiting != 0 || ngx_use_accept_mutex != 0) {
        return;
    }
    each_shared([&](ngx_connection_t *c) {
        // Whoever paused may have been told of more than one.
        while (!share_of(seats, me, now).over && accept_one(*c)) {
        }
    });
}

bool Balance::accept_one(ngx_connection_t &c) const {
    const std::uint32_t before = held();
    if (c.read->active != 0) {
        c.read->handler(c.read);
    }
    return held() > before;
}

// nginx closes the listening sockets of a worker that quits before it tells anybody.
void Balance::release() {
    if (paused_ && ngx_exiting == 0 && ngx_terminate == 0) {
        resume();
    }
    paused_ = false;
}

void Balance::pause() {
    each_shared([](ngx_connection_t *c) {
        if (c->read->active != 0) {
            ngx_del_event(c->read, NGX_READ_EVENT, NGX_DISABLE_EVENT);
        }
    });
    paused_ = true;
}

void Balance::resume() {
    each_shared([](ngx_connection_t *c) {
        if (c->read->active == 0) {
            const ngx_uint_t flags = ngx_use_exclusive_accept != 0 ? ngx_uint_t{NGX_EXCLUSIVE_EVENT} : 0;
            ngx_add_event(c->read, NGX_READ_EVENT, flags);
        }
    });
    paused_ = false;
}

// A listening socket with `reuseport` is this worker's alone: what the kernel gave to it nobody
// else can accept.
template <class Visit> void Balance::each_shared(Visit visit) {
    auto *listening = static_cast<ngx_listening_t *>(cycle_->listening.elts);
    for (ngx_uint_t i = 0; i < cycle_->listening.nelts; ++i) {
        ngx_connection_t *c = listening[i].connection;
        if (c != nullptr && listening[i].reuseport == 0 && listening[i].type == SOCK_STREAM) {
            visit(c);
        }
    }
}

} // namespace rt::ngx
