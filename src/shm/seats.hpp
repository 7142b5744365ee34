// SPDX-License-Identifier: BSD-2-Clause
// Who works on this host: one seat per worker, of every configuration generation, in shared
// memory. A seat has a generation that no other claim ever had, so a stale reference finds nothing.
#pragma once

#include "base/ports.hpp"
#include "shm/arena.hpp"

#include <cstdint>

namespace rt::shm {

struct SeatRef {
    std::uint32_t index = 0;      // also the index of its eventfd, mailbox and counters
    std::uint32_t generation = 0; // 0 is no seat

    bool operator==(const SeatRef &) const noexcept = default;
    explicit operator bool() const noexcept { return generation != 0; }
};

// The home of what is on its way between two workers: of nobody, so nobody's death ends it.
inline constexpr SeatRef kInTransit{UINT32_MAX, UINT32_MAX};

// finished: quitting, and without anything of its own; it may wait for others.
enum class SeatState : std::uint32_t { accepting, quitting, finished };

// What a worker tells about itself, for balance and status.
struct Load {
    std::uint32_t connections = 0;
    std::uint32_t polling = 0;
    std::uint32_t websocket = 0;
    std::uint32_t room = 0; // for how many connections more
};

struct Claimant {
    std::int32_t pid = 0;
    std::uint64_t cycle = 0; // the master's configuration generation
    Millis now = 0;
};

// A copy of a seat, taken at one look.
struct SeatInfo {
    SeatRef ref; // empty: the seat is free
    std::int32_t pid = 0;
    std::uint64_t cycle = 0;
    Millis claimed = 0;
    Millis beat = 0;
    SeatState state = SeatState::accepting;
    bool asleep = false;
    Load load;
};

struct Seat;

// A value: copy it freely, it lives as long as the mapping.
class Seats {
public:
    static constexpr std::uint64_t kLayout = layout_of({0x73656174, 2, kLine});

    // Does this process exist (kill(pid, 0))? A zombie may count as alive: a successor is forked
    // only after it was reaped.
    using Alive = bool (*)(std::int32_t pid) noexcept;

    struct Claimed {
        SeatRef seat;
        SeatRef previous; // the dead worker that had the seat, if it was not free
    };

    // Room for three generations of workers at once (decisions.md ruling 10): max(16, 4 * workers).
    static constexpr std::uint32_t capacity_for(std::uint32_t workers) noexcept {
        return workers > 4 ? 4 * workers : 16;
    }

    static std::size_t bytes(std::uint32_t capacity) noexcept;
    static Result<Seats> create(MutableBytes area, std::uint32_t capacity) noexcept;
    static Result<Seats> attach(MutableBytes area, std::uint32_t capacity) noexcept;

    // The first seat whose worker died; empty if all live. Asks the system, so never call it
    // under the lock. What a dead worker left is found by is_live() of its home, not only by the
    // reference given here: who reaps may die too.
    [[nodiscard]] SeatRef find_dead(Alive alive) const noexcept;

    // Takes, in this order: the seat of a dead namesake (same pid), a free one, `dead` if it is
    // still taken. full: none of them; look for another dead one, if there is. The seat is
    // awake, accepting and without load. Open its mailbox and fold its counters in this section.
    Result<Claimed> claim(Locked &held, const Claimant &who, SeatRef dead) noexcept;

    // Frees the seat, one's own or that of a dead worker; a reference that is not live is ignored.
    void release(Locked &held, SeatRef seat) noexcept;

    // True while the claim stands. A worker that died is live until it is released or replaced.
    [[nodiscard]] bool is_live(SeatRef seat) const noexcept;

    // For the owner of the seat.
    void beat(SeatRef seat, Millis now) noexcept;
    void set_load(SeatRef seat, Load load) noexcept;
    void set_state(SeatRef seat, SeatState state) noexcept;

    // Going to sleep: fall_asleep(), then look at the log's head and the mailbox once more, and
    // only if both are empty return to epoll; otherwise wake_up(). After an event, wake_up() too.
    void fall_asleep(SeatRef seat) noexcept;
    void wake_up(SeatRef seat) noexcept;

    // After publishing. True: the seat was asleep and the caller, alone, writes its eventfd.
    [[nodiscard]] bool wake(SeatRef seat) noexcept;

    // The same for every sleeping seat, calls visit(index) for each whose eventfd is to be
    // written: once per turn of the event loop, not per append (a wake costs 15-30 appends).
    template <class Visit> void wake_sleepers(Visit visit) noexcept {
        std::atomic_thread_fence(std::memory_order_seq_cst);
        for (std::uint32_t index = 0; index < capacity_; ++index) {
            if (rouse(index)) {
                visit(index);
            }
        }
    }

    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] SeatInfo info(std::uint32_t index) const noexcept;

    // Calls visit(const SeatInfo &) for every seat that is taken.
    template <class Visit> void each(Visit visit) const {
        for (std::uint32_t index = 0; index < capacity_; ++index) {
            if (const SeatInfo seat = info(index); seat.ref) {
                visit(seat);
            }
        }
    }

private:
    struct Header;

    Seats(Header *header, Seat *seats, std::uint32_t capacity) noexcept
        : header_(header), seats_(seats), capacity_(capacity) {}
    static Result<Seats> place(MutableBytes area, std::uint32_t capacity) noexcept;
    [[nodiscard]] Seat *find(SeatRef seat) const noexcept;
    [[nodiscard]] Seat *vacant(std::int32_t pid, SeatRef dead) const noexcept;
    [[nodiscard]] std::uint32_t next_generation() noexcept;
    [[nodiscard]] bool rouse(std::uint32_t index) noexcept;

    Header *header_;
    Seat *seats_;
    std::uint32_t capacity_;
};

} // namespace rt::shm
