// SPDX-License-Identifier: BSD-2-Clause
// The area: the cells, the first of them the header; one state byte per cell; the buckets of the
// hash table; the journal. After a kill the journal takes back what was begun. Where it cannot (a
// section larger than it), the state bytes of heads, their chains and contents hold: free list,
// buckets, links and counts are derived, and rebuilt from those.
#include "shm/cells.hpp"

#include <bit>

namespace rt::shm {

namespace {

constexpr std::uint8_t kCommitted = 0x80;
constexpr std::uint8_t kMarked = 0x40;
constexpr std::uint8_t kKindBits = 0x3f;
constexpr CellIndex kLeastCells = 16;

constexpr std::uint8_t byte_of(CellKind kind) noexcept { return static_cast<std::uint8_t>(kind); }

constexpr bool is_head(CellKind kind) noexcept {
    return kind >= CellKind::connection && kind < CellKind::end;
}

constexpr std::size_t index_of(CellKind head) noexcept {
    return std::size_t{byte_of(head)} - byte_of(CellKind::connection);
}

constexpr std::size_t cells_for(std::size_t payload) noexcept {
    return (payload + Cells::kData - 1) / Cells::kData;
}

// About one for four cells: records have one to four.
constexpr std::size_t buckets_for(std::size_t cells) noexcept { return std::bit_ceil(cells / 4 + 1); }

constexpr std::size_t buckets_at(std::size_t cells) noexcept {
    return align_up(cells * (Cells::kSize + 1), kLine);
}

// The state byte and, as bit_ceil() at most doubles, the share of the buckets.
constexpr std::size_t kBytesPerCell = Cells::kSize + 1 + 2;

// Of the memory: a section changes some hundred words at most, but for one that removes a
// connection with thousands of rooms.
constexpr std::size_t journal_for(std::size_t size) noexcept {
    return std::max(size / 64, std::min<std::size_t>(size / 8, 8 * 1024));
}

constexpr std::size_t journal_at(std::size_t cells) noexcept {
    return align_up(buckets_at(cells) + buckets_for(cells) * sizeof(CellIndex), kLine);
}

} // namespace

struct alignas(kLine) Cells::Header {
    std::uint64_t key;
    CellIndex count;
    CellIndex free_head;
    std::uint32_t free_count;
    std::uint32_t serial;
    std::uint32_t whole_at;
    CellIndex anchors[2];
    std::uint32_t records[byte_of(CellKind::end) - byte_of(CellKind::connection)]; // by kind of head
};

Cells::Cells(MutableBytes area, CellIndex count) noexcept
    : area_(area), header_(overlay<Header>(area)), count_(count),
      states_(area.subspan(std::size_t{count} * kSize, count)),
      buckets_(overlay_array<CellIndex>(area.subspan(buckets_at(count)), buckets_for(count))),
      journal_(area.first(journal_at(count)), area.subspan(journal_at(count))) {
    static_assert(sizeof(Header) <= kSize);
}

Result<Cells> Cells::place(MutableBytes area) noexcept {
    const std::size_t count = count_for(area.size());
    if (count < kLeastCells || overlay<Header>(area) == nullptr) {
        return Error{Code::unsupported, "zone is too small for its tables"};
    }
    return Cells(area, static_cast<CellIndex>(std::min<std::size_t>(count, UINT32_MAX)));
}

std::size_t Cells::count_for(std::size_t size) noexcept {
    const std::size_t spare = 3 * kLine; // alignment, and the +1 of buckets_for()
    const std::size_t taken = spare + Journal::bytes(0) + journal_for(size);
    return (std::max(size, taken) - taken) / kBytesPerCell;
}

Result<Cells> Cells::create(MutableBytes area, std::uint64_t key) noexcept {
    RT_TRY(cells, place(area));
    *cells.header_ = Header{};
    cells.header_->key = key;
    cells.header_->count = cells.count_;
    std::ranges::fill(cells.states_, byte_of(CellKind::free));
    cells.distrust();
    cells.mark();
    cells.sweep();
    cells.settle();
    return cells;
}

Result<Cells> Cells::attach(MutableBytes area) noexcept {
    RT_TRY(cells, place(area));
    if (cells.header_->count != cells.count_) {
        return Error{Code::unsupported, "zone's tables have another size"};
    }
    return cells;
}

Result<CellIndex> Cells::make(CellKind kind, std::size_t payload) noexcept {
    const std::size_t more = cells_for(payload);
    if (payload > kMaxPayload || header_->free_count < more + 1) {
        return Error{Code::full, "zone is full"};
    }
    // Built from its end, so that the chain is whole when the head is taken.
    CellIndex chain = 0;
    for (std::size_t left = more + 1; left > 0; --left) {
        const CellIndex cell = take(left == 1 ? kind : CellKind::payload);
        if (cell == 0) {
            reclaim(chain);
            return Error{Code::full, "zone is full"};
        }
        patch(cell, &RecordHead::next, chain);
        chain = cell;
    }
    put(header_->serial, header_->serial + (header_->serial == UINT32_MAX ? 2U : 1U));
    patch(chain, &RecordHead::serial, header_->serial);
    patch(chain, &RecordHead::size, static_cast<std::uint16_t>(payload));
    return chain;
}

void Cells::write(CellIndex head, Text payload) noexcept {
    for (CellIndex cell = next_of(head); cell != 0 && !payload.empty(); cell = next_of(cell)) {
        const Text part = payload.substr(0, kData);
        std::memcpy(at(cell).subspan(sizeof(CellIndex)).data(), part.data(), part.size());
        payload.remove_prefix(part.size());
    }
}

void Cells::commit(CellIndex head) noexcept {
    const CellKind is = kind(head);
    if (!is_head(is)) {
        return;
    }
    put(states_[head], static_cast<std::uint8_t>(byte_of(is) | kCommitted));
    count_record(is, 1);
}

void Cells::retract(CellIndex head) noexcept {
    const CellKind is = kind(head);
    if (!is_committed(head, is)) {
        return;
    }
    put(states_[head], byte_of(is));
    count_record(is, UINT32_MAX);
}

void Cells::reclaim(CellIndex head) noexcept {
    for (CellIndex cell = head; cell != 0 && kind(cell) != CellKind::free;) {
        const CellIndex behind = next_of(cell);
        give_back(cell);
        cell = behind;
    }
}

Result<CellIndex> Cells::extend(CellIndex head, CellKind kind) noexcept {
    const CellIndex cell = take(kind);
    if (cell == 0) {
        return Error{Code::full, "zone is full"};
    }
    patch(cell, &RecordHead::next, next_of(head));
    patch(head, &RecordHead::next, cell);
    return cell;
}

void Cells::shrink(CellIndex head, CellIndex cell) noexcept {
    CellIndex before = head;
    for (std::uint32_t steps = 0; next_of(before) != cell; ++steps) {
        before = next_of(before);
        if (before == 0 || steps == count_) {
            return;
        }
    }
    patch(before, &RecordHead::next, next_of(cell));
    give_back(cell);
}

bool Cells::is_committed(CellIndex head, CellKind kind) const noexcept {
    return head != 0 && head < count_ && (states_[head] & ~kMarked) == (byte_of(kind) | kCommitted);
}

CellKind Cells::kind(CellIndex cell) const noexcept {
    const std::uint8_t bits = cell != 0 && cell < count_ ? states_[cell] & kKindBits : 0;
    return bits < byte_of(CellKind::end) ? static_cast<CellKind>(bits) : CellKind::free;
}

CellIndex Cells::next(CellKind kind, CellIndex from, CellIndex end) const noexcept {
    for (CellIndex cell = std::max(from, CellIndex{1}); cell < std::min(end, count_); ++cell) {
        if (is_committed(cell, kind)) {
            return cell;
        }
    }
    return 0;
}

std::uint32_t Cells::free() const noexcept { return header_->free_count; }

std::uint32_t Cells::records(CellKind kind) const noexcept {
    return is_head(kind) ? header_->records[index_of(kind)] : 0;
}

CellIndex Cells::anchor(bool second) const noexcept { return header_->anchors[second ? 1 : 0]; }

void Cells::set_anchor(bool second, CellIndex cell) noexcept { put(header_->anchors[second ? 1 : 0], cell); }

std::uint64_t Cells::key() const noexcept { return header_->key; }

std::uint32_t Cells::whole_at() const noexcept { return header_->whole_at; }

void Cells::set_whole_at(std::uint32_t wounds) noexcept { put(header_->whole_at, wounds); }

void Cells::mark() noexcept {
    std::ranges::fill(buckets_, 0);
    std::ranges::fill(header_->records, 0);
    std::ranges::fill(header_->anchors, 0);
    for (std::uint8_t &state : states_) {
        put(state, static_cast<std::uint8_t>(state & ~kMarked));
    }
    for (CellIndex cell = 1; cell < count_; ++cell) {
        if ((states_[cell] & kCommitted) == 0) {
            continue;
        }
        if (is_head(kind(cell)) && mark_chain(cell)) {
            count_record(kind(cell), 1);
        } else {
            put(states_[cell], byte_of(CellKind::free));
        }
    }
}

void Cells::reject(CellIndex head) noexcept {
    retract(head);
    unmark_chain(head, count_);
}

void Cells::sweep() noexcept {
    header_->free_head = 0;
    header_->free_count = 0;
    for (CellIndex cell = count_ - 1; cell > 0; --cell) {
        if ((states_[cell] & kMarked) == 0) {
            give_back(cell);
        }
    }
}

// Marks a head and its chain; nothing if a cell of it is another's, or no part of a chain.
bool Cells::mark_chain(CellIndex head) noexcept {
    std::size_t payload = cells_for(load<RecordHead>(head).size);
    std::uint32_t length = 0;
    for (CellIndex cell = head; cell != 0; cell = next_of(cell)) {
        const CellKind is = kind(cell);
        const bool whole = cell == head || is == CellKind::slots || (is == CellKind::payload && payload > 0);
        if (!whole || cell >= count_ || (states_[cell] & kMarked) != 0) {
            unmark_chain(head, length);
            return false;
        }
        payload -= is == CellKind::payload ? 1 : 0;
        put(states_[cell], static_cast<std::uint8_t>(states_[cell] | kMarked));
        ++length;
    }
    if (payload > 0) {
        unmark_chain(head, length);
    }
    return payload == 0;
}

void Cells::unmark_chain(CellIndex head, std::uint32_t length) noexcept {
    for (CellIndex cell = head; cell != 0 && cell < count_ && length > 0; cell = next_of(cell), --length) {
        put(states_[cell], static_cast<std::uint8_t>(states_[cell] & ~kMarked));
    }
}

CellIndex Cells::next_of(CellIndex cell) const noexcept { return load<CellIndex>(cell); }

// A zeroed cell from the free list, or 0.
CellIndex Cells::take(CellKind kind) noexcept {
    const CellIndex cell = header_->free_head;
    if (header_->free_count == 0 || cell == 0 || cell >= count_) {
        return 0;
    }
    put(header_->free_head, next_of(cell));
    put(header_->free_count, header_->free_count - 1);
    const std::size_t kept = journal_.has_freed() ? kSize : sizeof(CellIndex); // else only its link matters
    for (std::size_t word = 0; word < kept; word += sizeof(std::uint64_t)) {
        journal_.note(at(cell).data() + word);
    }
    std::ranges::fill(at(cell), std::uint8_t{0});
    put(states_[cell], byte_of(kind));
    return cell;
}

void Cells::give_back(CellIndex cell) noexcept {
    journal_.note_freed();
    put(states_[cell], byte_of(CellKind::free));
    patch(cell, &RecordHead::next, header_->free_head);
    put(header_->free_head, cell);
    put(header_->free_count, header_->free_count + 1);
}

void Cells::count_record(CellKind kind, std::uint32_t change) noexcept {
    std::uint32_t &records = header_->records[index_of(kind)];
    put(records, records + change);
}

} // namespace rt::shm
