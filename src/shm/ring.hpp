// SPDX-License-Identifier: BSD-2-Clause
// The records of stream and mailbox: bytes at absolute positions of a ring, never wrapped,
// 8-aligned. Reads are checked: no content of the memory makes them leave the ring or loop.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace rt::shm {

// Positions count bytes since the ring was made and never go back; 0 is before all of them.
using Position = std::uint64_t;

struct Extent {
    Position begin = 0;
    Position end = 0; // begin of the next record, or of the filler before it
};

struct Record {
    bool valid = false; // false: at this position no record of this ring begins
    std::uint16_t kind = 0;
    Position begin = 0;
    Position end = 0;
    Bytes body; // in the ring
};

// Knows where records stand, not which of them are valid now: head and tail are its owner's.
// A value; the memory must outlive it.
class Ring {
public:
    static constexpr std::size_t kAlign = 8;
    static constexpr std::uint16_t kFiller = 0; // the kind that no record may have

    // `bytes`: 8-aligned, cut down to whole 8s. `seal`: random and never shown to a client.
    // Each record is stamped with seal and position, so that a position which a client made up
    // does not make bytes of its own choosing pass for a record.
    Ring(MutableBytes bytes, std::uint64_t seal) noexcept
        : bytes_(bytes.first(bytes.size() / kAlign * kAlign)), seal_(seal) {}

    [[nodiscard]] std::size_t capacity() const noexcept { return bytes_.size(); }

    // The position of a new ring's first record: 0 stays free.
    [[nodiscard]] Position first() const noexcept { return capacity(); }

    // The largest body of a record that, with its header, takes at most 1/parts of the ring.
    [[nodiscard]] std::size_t largest(std::size_t parts) const noexcept;

    // Could an owner's two words be true? They too stand in memory that may be damaged.
    [[nodiscard]] bool plausible(Position tail, Position head) const noexcept;

    // Where a body of this size stands when it is appended at `head`: not there if it would
    // wrap. At most capacity() is needed for a body up to largest(2).
    [[nodiscard]] Extent place(Position head, std::size_t body) const noexcept;

    // Writes filler (from `head` to where.begin, if any), header and body.
    void write(Position head, Extent where, std::uint16_t kind, std::span<const Bytes> pieces) noexcept;

    // The first record at or behind `at`, which must end at or before `head`.
    [[nodiscard]] Record find(Position at, Position head) const noexcept;

    // The end of the record or filler that begins at `at`; 0 if none does.
    [[nodiscard]] Position step(Position at, Position head) const noexcept;

private:
    [[nodiscard]] std::size_t offset(Position at) const noexcept { return at % bytes_.size(); }
    [[nodiscard]] bool is_filler(Position at) const noexcept;
    [[nodiscard]] Record record_at(Position at, Position head) const noexcept;

    MutableBytes bytes_;
    std::uint64_t seal_;
};

// The sum of the pieces' sizes.
std::size_t total_size(std::span<const Bytes> pieces) noexcept;

} // namespace rt::shm
