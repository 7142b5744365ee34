// SPDX-License-Identifier: BSD-2-Clause
// The hash table over all committed records of a zone: by text and kind, and for rooms by the
// namespace they belong to. Links only: what a key is and where it stands, its owner knows.
#pragma once

#include "base/hash.hpp"
#include "shm/cells.hpp"

namespace rt::shm {

// The caller holds the lock. A value, as Cells is.
class Table {
public:
    explicit Table(Cells cells) noexcept : cells_(cells) {}

    [[nodiscard]] std::uint32_t hash(CellKind kind, Text text, CellIndex scope = 0) const noexcept {
        const std::uint64_t part = static_cast<std::uint64_t>(kind) << 32 | scope;
        return static_cast<std::uint32_t>(keyed_hash(text, cells_.key() ^ part * 0x9e3779b97f4a7c15));
    }

    // The committed record of this kind and hash for which is_it(cell) holds, or 0.
    template <class IsIt>
    [[nodiscard]] CellIndex find(CellKind kind, std::uint32_t hash, IsIt is_it) const noexcept {
        CellIndex cell = cells_.buckets()[bucket(hash)];
        for (CellIndex steps = 0; cell != 0 && steps < cells_.count(); ++steps) {
            const auto record = cells_.load<RecordHead>(cell);
            if (record.hash == hash && cells_.is_committed(cell, kind) && is_it(cell)) {
                return cell;
            }
            cell = record.hash_next;
        }
        return 0;
    }

    void insert(CellIndex cell, std::uint32_t hash) noexcept {
        cells_.patch(cell, &RecordHead::hash, hash);
        cells_.patch(cell, &RecordHead::hash_next, cells_.buckets()[bucket(hash)]);
        cells_.set_bucket(bucket(hash), cell);
    }

    void remove(CellIndex cell) noexcept {
        const auto record = cells_.load<RecordHead>(cell);
        CellIndex before = cells_.buckets()[bucket(record.hash)];
        if (before == cell) {
            cells_.set_bucket(bucket(record.hash), record.hash_next);
            return;
        }
        for (CellIndex steps = 0; before != 0 && steps < cells_.count(); ++steps) {
            const CellIndex next = cells_.load<RecordHead>(before).hash_next;
            if (next == cell) {
                cells_.patch(before, &RecordHead::hash_next, record.hash_next);
                return;
            }
            before = next;
        }
    }

private:
    [[nodiscard]] std::size_t bucket(std::uint32_t hash) const noexcept {
        return hash & (cells_.buckets().size() - 1);
    }

    Cells cells_;
};

} // namespace rt::shm
