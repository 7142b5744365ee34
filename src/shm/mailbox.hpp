// SPDX-License-Identifier: BSD-2-Clause
// Mail from seat to seat: one inbox ring per seat, many senders under the region's lock, one
// reader without it. Nothing is overwritten: a sender is refused. A kill leaves no half mail.
#pragma once

#include "shm/ring.hpp"
#include "shm/seats.hpp"

#include <cstdint>
#include <span>

namespace rt::shm {

// A value: copy it freely, it lives as long as the mapping.
class Mailboxes {
public:
    static constexpr std::size_t kLeast = 1024; // memory per inbox
    static constexpr std::uint64_t kLayout = layout_of({0x6d61696c, 1, kLine});

    // `count` inboxes, one per seat, of equal size, share the area.
    static Result<Mailboxes> create(MutableBytes area, std::uint32_t count) noexcept;
    static Result<Mailboxes> attach(MutableBytes area, std::uint32_t count) noexcept;

    // Mail for exactly this claim of the seat, of kind >= 1. gone: it is not open (any more);
    // full: try again when its owner has read; too_big: over max_mail(); unavailable: its memory is
    // damaged until it is opened again. Then wake the seat.
    Result<void> push(Locked &held, SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces) noexcept;

    // The owner's, at its claim: drops what is left for an earlier claim.
    Result<void> open(Locked &held, SeatRef seat) noexcept;

    // From here senders get `gone`; what came before can still be read. Anybody may close the
    // inbox of a dead seat.
    void close(Locked &held, SeatRef seat) noexcept;

    // Does this claim of the seat take mail? Whoever works on the region has opened its inbox.
    [[nodiscard]] bool is_open(SeatRef seat) const noexcept;

    // The largest body: a mail takes at most 1/4 of the inbox.
    [[nodiscard]] std::size_t max_mail() const noexcept;

    // Bytes that wait in the inbox of a seat, whoever sits there.
    [[nodiscard]] std::size_t waiting(std::uint32_t index) const noexcept;

private:
    friend class MailReader;
    struct Header;

    struct Inbox {
        Header *header; // null: no such inbox
        Ring ring;
    };

    Mailboxes(MutableBytes area, std::uint32_t count) noexcept;
    static Result<Mailboxes> place(MutableBytes area, std::uint32_t count) noexcept;
    [[nodiscard]] Inbox inbox(std::uint32_t index) const noexcept;

    MutableBytes area_;
    std::uint32_t count_;
    std::size_t each_;
};

// The owner's end of its inbox.
class MailReader {
public:
    struct Next {
        bool found = false;
        std::uint16_t kind = 0;
        Bytes body; // in the ring, until the next call of next()
    };

    MailReader(Mailboxes mailboxes, SeatRef seat) noexcept;

    // The oldest mail, in the order of sending; the one given out before is freed for senders.
    // If the memory is damaged, what waits is dropped.
    Next next() noexcept;

private:
    void free_read() noexcept;

    Mailboxes::Inbox inbox_;
    Position read_;      // end of the mail that was given out last
    bool given_ = false; // and it still has to be freed
};

} // namespace rt::shm
