// SPDX-License-Identifier: BSD-2-Clause
// The broadcast log: one ring in shared memory, appended to under the region's lock, read
// without one by any number of cursors. A record is seen whole or not at all, also after a kill.
#pragma once

#include "shm/arena.hpp"
#include "shm/ring.hpp"

#include <cstdint>
#include <memory>
#include <span>

namespace rt::shm {

// A value: copy it freely, it lives as long as the mapping.
class Stream {
public:
    // The memory that `create` refuses to work without.
    static constexpr std::size_t kLeast = 4096;
    static constexpr std::uint64_t kLayout = layout_of({0x73747265, 1, kLine});

    // `area` on a cache line; `seal`: 64 random bits that no client ever sees (ring.hpp).
    static Result<Stream> create(MutableBytes area, std::uint64_t seal) noexcept;
    static Result<Stream> attach(MutableBytes area) noexcept;

    // Appends one record of kind >= 1 whose body is the pieces in a row, and publishes it to
    // all readers. The oldest records make room. too_big: over max_record(); nothing changed.
    // Then wake the sleepers (seats.hpp), once per turn.
    Result<Extent> append(Locked &held, std::uint16_t kind, std::span<const Bytes> pieces) noexcept;

    // Where the next record will stand, or just before it: the cursor of a reader that starts now.
    [[nodiscard]] Position head() const noexcept;

    // The oldest position still readable: a cursor below is lapped. Clients that cannot take
    // bytes give no event, so whoever keeps cursors for them compares those each turn.
    [[nodiscard]] Position tail() const noexcept;

    // Could a reader go on from there now? Not from what a client made up.
    [[nodiscard]] bool holds(Position position) const noexcept;

    // Bytes of the ring: head() - tail() is the span, head() - cursor a reader's lag.
    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.capacity(); }

    // The largest body: a record takes at most 1/16 of the ring.
    [[nodiscard]] std::size_t max_record() const noexcept { return ring_.largest(16); }

private:
    friend class StreamReader;
    struct Header;

    Stream(Header *header, Ring ring) noexcept : header_(header), ring_(ring) {}
    static Result<Header *> place(MutableBytes area) noexcept;
    [[nodiscard]] Extent settled() const noexcept;
    [[nodiscard]] Position room_for(Extent now, Position end) const noexcept;

    Header *header_;
    Ring ring_;
};

// One cursor, and the buffer into which records are copied: never send from the ring itself, the
// kernel would read it while it is overwritten. One reader serves many cursors by seek().
class StreamReader {
public:
    enum class Status : std::uint8_t {
        record,
        empty,  // the cursor is at the head
        lapped, // what the cursor stood at is gone, or it is no position of this log
    };

    struct Next {
        Status status = Status::empty;
        std::uint16_t kind = 0;
        Bytes body; // until the next call of next()
        Position begin = 0;
        Position end = 0;
    };

    // Positions come from Extent, Next or head() of the same log (and epoch). Others are safe,
    // also those that a client sent: they read as lapped.
    StreamReader(Stream stream, Position cursor) noexcept : stream_(stream), cursor_(cursor) {}

    // The record at the cursor, which moves behind it. Lapped is told until seek(): never skip
    // silently, close the clients of this cursor so that they recover.
    Next next();

    [[nodiscard]] Position cursor() const noexcept { return cursor_; }
    void seek(Position cursor) noexcept { cursor_ = cursor; }

private:
    Bytes keep(Bytes body);

    Stream stream_;
    Position cursor_;
    std::unique_ptr<std::uint8_t[]> scratch_; // grows to the largest record met
    std::size_t room_ = 0;
};

} // namespace rt::shm
