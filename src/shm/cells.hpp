// SPDX-License-Identifier: BSD-2-Clause
// Shared memory as an array of 64-byte cells. A record is a chain of cells that exists once its
// head is committed: after a kill at any moment, a rebuild finds every record whole or not at all.
#pragma once

#include "shm/journal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

namespace rt::shm {

using CellIndex = std::uint32_t; // 0 is none

enum class CellKind : std::uint8_t {
    free,
    payload, // of a record: the bytes that its head has no room for
    slots,   // of a socket: more of its rooms
    connection,
    socket,
    nsp,
    room,
    user,
    value, // of a header
    kept,  // a socket whose transport was lost
    end,
};

// How every head cell begins.
struct RecordHead {
    CellIndex next;       // of the chain; of a free cell, the next free one
    std::uint32_t serial; // another one at every use of the cell, never 0
    std::uint32_t hash;
    CellIndex hash_next;
    std::uint16_t size; // bytes in payload cells
    std::uint8_t tag;   // its kind's own
    std::uint8_t flags;
};

// Whoever calls holds the region's lock. An index from anywhere is safe: reads outside of the
// memory give zeroes, writes there do nothing, and no loop depends on what the cells say.
// A value: copy it freely, it lives as long as the mapping.
class Cells {
public:
    static constexpr std::size_t kSize = 64;
    static constexpr std::size_t kData = kSize - sizeof(CellIndex); // of a payload cell
    static constexpr std::size_t kMaxPayload = UINT16_MAX;
    static constexpr std::uint64_t kLayout = layout_of({0x63656c6c, 2, kSize, sizeof(RecordHead)});

    // `area` on a cache line; `key`: random, for the hash tables.
    static Result<Cells> create(MutableBytes area, std::uint64_t key) noexcept;
    static Result<Cells> attach(MutableBytes area) noexcept;

    // A head of zeroes with room for that much payload, not committed. full: nothing changed.
    Result<CellIndex> make(CellKind kind, std::size_t payload) noexcept;

    // Fills the payload cells; no more than was asked for at make().
    void write(CellIndex head, Text payload) noexcept;

    // Calls visit(Text part), in order, on the payload where it stands, until it returns false.
    // False then, and if the chain does not hold the whole payload.
    template <class Visit> bool each_part(CellIndex head, Visit visit) const {
        std::size_t left = load<RecordHead>(head).size;
        CellIndex cell = load<CellIndex>(head);
        for (CellIndex steps = 0; left > 0 && cell != 0 && steps < count_; ++steps) {
            const std::size_t size = kind(cell) == CellKind::payload ? std::min(left, kData) : 0;
            if (size > 0 && !visit(as_text(at(cell).subspan(sizeof(CellIndex), size)))) {
                return false;
            }
            left -= size;
            cell = load<CellIndex>(cell);
        }
        return left == 0;
    }

    // Appends the payload; false, and anything appended, if the chain does not hold it.
    bool read(CellIndex head, std::string &out) const {
        return each_part(head, [&out](Text part) {
            out.append(part);
            return true;
        });
    }

    // From here the record is there, also after a kill; from retract() on it is not.
    void commit(CellIndex head) noexcept;
    void retract(CellIndex head) noexcept;

    // Frees all cells of a record that is not committed.
    void reclaim(CellIndex head) noexcept;

    // One more cell of zeroes directly behind a head, and its end.
    Result<CellIndex> extend(CellIndex head, CellKind kind) noexcept;
    void shrink(CellIndex head, CellIndex cell) noexcept;

    [[nodiscard]] bool is_committed(CellIndex head, CellKind kind) const noexcept;
    [[nodiscard]] CellKind kind(CellIndex cell) const noexcept;

    // The first committed head of a kind in [from, end), or 0.
    [[nodiscard]] CellIndex next(CellKind kind, CellIndex from, CellIndex end) const noexcept;

    // Calls visit(CellIndex) for the committed heads of a kind. It may reject the one it is given.
    template <class Visit> void each(CellKind kind, Visit visit) const {
        for (CellIndex head = next(kind, 1, count_); head != 0; head = next(kind, head + 1, count_)) {
            visit(head);
        }
    }

    // A copy of the cell. T has its size, or begins like it.
    template <class T> [[nodiscard]] T load(CellIndex cell) const noexcept {
        static_assert(sizeof(T) <= kSize && std::is_trivially_copyable_v<T>);
        T value{};
        if (cell != 0 && cell < count_) {
            std::memcpy(&value, at(cell).data(), sizeof(T));
        }
        return value;
    }

    // The whole cell, in many stores: only while its record is not committed.
    template <class T> void store(CellIndex cell, const T &value) noexcept {
        static_assert(sizeof(T) == kSize && std::is_trivially_copyable_v<T>);
        if (cell != 0 && cell < count_) {
            std::memcpy(at(cell).data(), &value, sizeof(T));
        }
    }

    // One field, in one store: a kill sees it before or after, and all stores in this order.
    template <class T, class V>
    void patch(CellIndex cell, V T::*field, std::type_identity_t<V> value) noexcept {
        if (T *record = cell < count_ ? overlay<T>(at(cell)) : nullptr; cell != 0 && record != nullptr) {
            put(record->*field, value);
        }
    }

    template <class T, class V, std::size_t N>
    void patch(CellIndex cell, V (T::*field)[N], std::size_t index, std::type_identity_t<V> value) noexcept {
        T *record = cell < count_ ? overlay<T>(at(cell)) : nullptr;
        if (cell != 0 && record != nullptr && index < N) {
            put((record->*field)[index], value);
        }
    }

    // Indexes run from 1 to count() - 1.
    [[nodiscard]] CellIndex count() const noexcept { return count_; }
    [[nodiscard]] std::uint32_t used() const noexcept { return count_ - 1 - free(); }
    [[nodiscard]] std::uint32_t free() const noexcept;
    [[nodiscard]] std::uint32_t records(CellKind kind) const noexcept;

    // Two words of the owner's, zeroes at first and after mark(): the ends of its list.
    [[nodiscard]] CellIndex anchor(bool second) const noexcept;
    void set_anchor(bool second, CellIndex cell) noexcept;

    [[nodiscard]] std::uint64_t key() const noexcept;
    [[nodiscard]] std::span<CellIndex> buckets() const noexcept { return buckets_; }

    void set_bucket(std::size_t bucket, CellIndex cell) noexcept { put(buckets_[bucket], cell); }

    // The end of a locked section: what it did stays, from here on also after a kill.
    void settle() noexcept { journal_.end(); }

    // After a kill: undoes what the dead one had begun. False: rebuild.
    [[nodiscard]] bool undo() noexcept { return journal_.undo(); }

    // Until settle() a kill means a rebuild.
    void distrust() noexcept { journal_.distrust(); }

    // The rebuild, in this order; killed in the middle it starts anew. mark() retracts records
    // whose chain is broken; then the owner may reject() more of them; sweep() frees the rest.
    void mark() noexcept;
    void reject(CellIndex head) noexcept;
    void sweep() noexcept;

    // The region's wounds() at which all was whole.
    [[nodiscard]] std::uint32_t whole_at() const noexcept;
    void set_whole_at(std::uint32_t wounds) noexcept;

private:
    struct Header;

    Cells(MutableBytes area, CellIndex count) noexcept;
    static std::size_t count_for(std::size_t size) noexcept;
    static Result<Cells> place(MutableBytes area) noexcept;

    template <class V> void put(V &word, V value) noexcept {
        journal_.note(&word);
        std::atomic_signal_fence(std::memory_order_seq_cst);
        shared(word).store(value, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    [[nodiscard]] MutableBytes at(CellIndex cell) const noexcept {
        return area_.subspan(std::size_t{cell} * kSize, kSize);
    }

    [[nodiscard]] CellIndex next_of(CellIndex cell) const noexcept;
    [[nodiscard]] CellIndex take(CellKind kind) noexcept;
    void give_back(CellIndex cell) noexcept;
    void count_record(CellKind kind, std::uint32_t change) noexcept;
    [[nodiscard]] bool mark_chain(CellIndex head) noexcept;
    void unmark_chain(CellIndex head, std::uint32_t length) noexcept;

    MutableBytes area_;
    Header *header_; // in place of cell 0
    CellIndex count_;
    std::span<std::uint8_t> states_;
    std::span<CellIndex> buckets_;
    Journal journal_;
};

} // namespace rt::shm
