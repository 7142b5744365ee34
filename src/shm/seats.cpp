// SPDX-License-Identifier: BSD-2-Clause
#include "shm/seats.hpp"

namespace rt::shm {

// Taken while `generation` is not 0. A claim writes it last and a release first, so a kill in
// between leaves a free seat.
struct alignas(kLine) Seat {
    std::uint32_t generation;
    std::int32_t pid;
    std::uint64_t cycle;
    Millis claimed;
    Millis beat;
    std::uint32_t state;
    std::uint32_t connections;
    std::uint32_t polling;
    std::uint32_t websocket;
    std::uint32_t room;
    alignas(kLine) std::uint32_t asleep; // written by all: away from the owner's line
};

struct alignas(kLine) Seats::Header {
    std::uint32_t capacity;
    std::uint32_t last_generation; // changed under the lock only
};

namespace {

template <class T> T peek(T &word) noexcept { return shared(word).load(std::memory_order_relaxed); }

template <class T> void poke(T &word, T value) noexcept {
    shared(word).store(value, std::memory_order_relaxed);
}

std::uint32_t generation_of(Seat &seat) noexcept {
    return shared(seat.generation).load(std::memory_order_acquire);
}

} // namespace

std::size_t Seats::bytes(std::uint32_t capacity) noexcept { return sizeof(Header) + capacity * sizeof(Seat); }

Result<Seats> Seats::create(MutableBytes area, std::uint32_t capacity) noexcept {
    RT_TRY(seats, place(area, capacity));
    *seats.header_ = Header{capacity, 0};
    for (std::uint32_t index = 0; index < capacity; ++index) {
        seats.seats_[index] = Seat{};
    }
    return seats;
}

Result<Seats> Seats::attach(MutableBytes area, std::uint32_t capacity) noexcept {
    RT_TRY(seats, place(area, capacity));
    if (seats.header_->capacity != capacity) {
        return Error{Code::unsupported, "seats in shared memory are of another number"};
    }
    return seats;
}

Result<Seats> Seats::place(MutableBytes area, std::uint32_t capacity) noexcept {
    auto *header = overlay<Header>(area);
    if (header == nullptr || area.size() < bytes(capacity) || capacity == 0) {
        return Error{Code::full, "seats do not fit into shared memory"};
    }
    return Seats(header, overlay<Seat>(area.subspan(sizeof(Header))), capacity);
}

SeatRef Seats::find_dead(Alive alive) const noexcept {
    for (std::uint32_t index = 0; index < capacity_; ++index) {
        const SeatInfo seat = info(index);
        if (seat.ref && !alive(seat.pid)) {
            return seat.ref;
        }
    }
    return {};
}

auto Seats::claim(Locked &, const Claimant &who, SeatRef dead) noexcept -> Result<Claimed> {
    Seat *seat = vacant(who.pid, dead);
    if (seat == nullptr) {
        return Error{Code::full, "no free seat for a worker"};
    }
    const auto index = static_cast<std::uint32_t>(seat - seats_);
    const SeatRef previous = generation_of(*seat) != 0 ? SeatRef{index, generation_of(*seat)} : SeatRef{};
    shared(seat->generation).store(0, std::memory_order_seq_cst);
    poke(seat->pid, who.pid);
    poke(seat->cycle, who.cycle);
    poke(seat->claimed, who.now);
    poke(seat->beat, who.now);
    poke(seat->state, static_cast<std::uint32_t>(SeatState::accepting));
    poke(seat->connections, 0U);
    poke(seat->polling, 0U);
    poke(seat->websocket, 0U);
    poke(seat->room, 0U);
    poke(seat->asleep, 0U);
    const std::uint32_t generation = next_generation();
    shared(seat->generation).store(generation, std::memory_order_release);
    return Claimed{{index, generation}, previous};
}

void Seats::release(Locked &, SeatRef ref) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        shared(seat->generation).store(0, std::memory_order_seq_cst);
        poke(seat->asleep, 0U);
    }
}

bool Seats::is_live(SeatRef seat) const noexcept { return find(seat) != nullptr; }

void Seats::beat(SeatRef ref, Millis now) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        poke(seat->beat, now);
    }
}

void Seats::set_load(SeatRef ref, Load load) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        poke(seat->connections, load.connections);
        poke(seat->polling, load.polling);
        poke(seat->websocket, load.websocket);
        poke(seat->room, load.room);
    }
}

void Seats::set_state(SeatRef ref, SeatState state) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        poke(seat->state, static_cast<std::uint32_t>(state));
    }
}

// The fence stands between our flag and the caller's last look at the heads; wake() has its own
// between head and flag. One of the two sides sees the other.
void Seats::fall_asleep(SeatRef ref) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        shared(seat->asleep).store(1, std::memory_order_seq_cst);
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
}

void Seats::wake_up(SeatRef ref) noexcept {
    if (Seat *seat = find(ref); seat != nullptr) {
        poke(seat->asleep, 0U);
    }
}

bool Seats::wake(SeatRef seat) noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return find(seat) != nullptr && rouse(seat.index);
}

SeatInfo Seats::info(std::uint32_t index) const noexcept {
    if (index >= capacity_) {
        return {};
    }
    Seat &seat = seats_[index];
    SeatInfo info;
    info.ref = {index, generation_of(seat)};
    info.pid = peek(seat.pid);
    info.cycle = peek(seat.cycle);
    info.claimed = peek(seat.claimed);
    info.beat = peek(seat.beat);
    info.state = static_cast<SeatState>(peek(seat.state));
    info.load = {peek(seat.connections), peek(seat.polling), peek(seat.websocket), peek(seat.room)};
    info.asleep = peek(seat.asleep) != 0;
    std::atomic_thread_fence(std::memory_order_acquire);
    const bool same = info.ref.generation == peek(seat.generation);
    return same ? info : SeatInfo{}; // being replaced right now: as good as free
}

Seat *Seats::find(SeatRef ref) const noexcept {
    const bool known = ref && ref.index < capacity_ && generation_of(seats_[ref.index]) == ref.generation;
    return known ? &seats_[ref.index] : nullptr;
}

Seat *Seats::vacant(std::int32_t pid, SeatRef dead) const noexcept {
    Seat *free = nullptr;
    for (std::uint32_t index = capacity_; index-- > 0;) {
        Seat &seat = seats_[index];
        if (generation_of(seat) == 0) {
            free = &seat;
        } else if (peek(seat.pid) == pid) {
            return &seat; // we are alive, so the one who had our pid is not
        }
    }
    return free != nullptr ? free : find(dead);
}

std::uint32_t Seats::next_generation() noexcept {
    if (++header_->last_generation == 0) {
        ++header_->last_generation;
    }
    return header_->last_generation;
}

bool Seats::rouse(std::uint32_t index) noexcept {
    std::uint32_t &asleep = seats_[index].asleep;
    return peek(asleep) != 0 && shared(asleep).exchange(0, std::memory_order_seq_cst) != 0;
}

} // namespace rt::shm
