// SPDX-License-Identifier: BSD-2-Clause
// For each seat, its worker's slowest clients: written by the worker a few times a second, without
// a lock, read by whoever shows the status. Records that have gone meanwhile find nothing.
#pragma once

#include "shm/arena.hpp"
#include "shm/roster_rows.hpp"

#include <cstdint>
#include <span>

namespace rt::shm {

struct SlowRow {
    ConnectionRef connection;
    std::uint64_t queued = 0; // bytes; 0: no row
    std::int64_t since = 0;   // milliseconds of the host's monotonic clock
};

// A value: copy it freely, it lives as long as the mapping. A row that is read while it is
// written may mix two clients' numbers for once.
class SlowTable {
public:
    static constexpr std::size_t kRows = 10;
    static constexpr std::uint64_t kLayout = layout_of({0x736c6f77, 1, kRows});

    static std::size_t bytes(std::uint32_t seats) noexcept { return seats * sizeof(Seat); }

    static Result<SlowTable> create(MutableBytes area, std::uint32_t seats) noexcept {
        RT_TRY(table, attach(area, seats));
        for (std::uint32_t seat = 0; seat < seats; ++seat) {
            table.clear(seat);
        }
        return table;
    }

    static Result<SlowTable> attach(MutableBytes area, std::uint32_t seats) noexcept {
        auto *first = overlay<Seat>(area);
        if (first == nullptr || area.size() < bytes(seats)) {
            return Error{Code::full, "slow clients do not fit into shared memory"};
        }
        return SlowTable(first, seats);
    }

    // For the owner of the seat only.
    void put(std::uint32_t seat, std::size_t row, const SlowRow &value) noexcept {
        if (seat < seats_ && row < kRows) {
            Cell &cell = table_[seat].rows[row];
            store(cell.queued, std::uint64_t{0});
            store(cell.ref, std::uint64_t{value.connection.serial} << 32 | value.connection.cell);
            store(cell.since, static_cast<std::uint64_t>(value.since));
            store(cell.queued, value.queued);
        }
    }

    // At a claim, too: what an earlier owner left.
    void clear(std::uint32_t seat) noexcept {
        for (std::size_t row = 0; row < kRows; ++row) {
            put(seat, row, {});
        }
    }

    // Calls visit(const SlowRow &) for the rows of a seat.
    template <class Visit> void each(std::uint32_t seat, Visit visit) const {
        for (std::size_t row = 0; seat < seats_ && row < kRows; ++row) {
            Cell &cell = table_[seat].rows[row];
            const std::uint64_t queued = load(cell.queued);
            const std::uint64_t ref = load(cell.ref);
            if (queued != 0) {
                visit(SlowRow{{static_cast<CellIndex>(ref), static_cast<std::uint32_t>(ref >> 32)},
                              queued,
                              static_cast<std::int64_t>(load(cell.since))});
            }
        }
    }

private:
    struct Cell {
        std::uint64_t ref; // serial and cell
        std::uint64_t queued;
        std::uint64_t since;
    };

    struct alignas(kLine) Seat {
        Cell rows[kRows];
    };

    SlowTable(Seat *table, std::uint32_t seats) noexcept : table_(table), seats_(seats) {}

    static void store(std::uint64_t &word, std::uint64_t value) noexcept {
        shared(word).store(value, std::memory_order_release);
    }
    static std::uint64_t load(std::uint64_t &word) noexcept {
        return shared(word).load(std::memory_order_acquire);
    }

    Seat *table_;
    std::uint32_t seats_;
};

} // namespace rt::shm
