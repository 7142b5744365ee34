// SPDX-License-Identifier: BSD-2-Clause
// Numbers per seat, written by their owner without a lock and summed by any process. Counters
// of dead seats live on in the sum, which never goes back; their gauges vanish.
#pragma once

#include "shm/arena.hpp"

#include <cstdint>

namespace rt::shm {

// `Metric`: an enum class with the counters from 0, then `first_gauge`, the gauges from that
// value on, and `end`.
// A value: copy it freely, it lives as long as the mapping. Seats outside the table count nothing.
template <class Metric> class Counters {
public:
    static constexpr std::size_t kMetrics = static_cast<std::size_t>(Metric::end);
    static constexpr std::size_t kGauges = static_cast<std::size_t>(Metric::first_gauge);
    static constexpr std::uint64_t kLayout = layout_of({0x636f756e, 1, kLine, kMetrics, kGauges});

    static std::size_t bytes(std::uint32_t seats) noexcept {
        return sizeof(Header) + (seats + kPast) * sizeof(Row);
    }

    static Result<Counters> create(MutableBytes area, std::uint32_t seats) noexcept {
        RT_TRY(counters, place(area, seats));
        *counters.header_ = Header{seats, 0};
        for (std::uint32_t row = 0; row < seats + kPast; ++row) {
            counters.rows_[row] = Row{};
        }
        return counters;
    }

    static Result<Counters> attach(MutableBytes area, std::uint32_t seats) noexcept {
        RT_TRY(counters, place(area, seats));
        if (counters.header_->seats != seats) {
            return Error{Code::unsupported, "counters in shared memory have another size"};
        }
        return counters;
    }

    // For the owner of the seat only: with one writer no atomic addition is needed.
    void add(std::uint32_t seat, Metric metric, std::uint64_t amount = 1) noexcept {
        if (seat < seats_) {
            store(of_row(seat, index(metric)), of(seat, metric) + amount);
        }
    }

    // Of a gauge.
    void sub(std::uint32_t seat, Metric gauge, std::uint64_t amount = 1) noexcept {
        add(seat, gauge, std::uint64_t{0} - amount);
    }

    // Of a gauge.
    void set(std::uint32_t seat, Metric gauge, std::uint64_t value) noexcept {
        if (seat < seats_) {
            store(of_row(seat, index(gauge)), value);
        }
    }

    // Keeps the counters of a seat's former owner and clears its row: at a claim, before the new
    // owner counts, and when a seat is released. A kill inside counts nothing twice.
    void fold(Locked &, std::uint32_t seat) noexcept {
        if (seat >= seats_) {
            return;
        }
        clear_folded(); // of a holder that died
        const std::uint64_t version = state() >> 32;
        Row &from = rows_[version % kPast];
        Row &into = rows_[(version + 1) % kPast];
        for (std::size_t metric = 0; metric < kGauges; ++metric) {
            store(into.cells[metric], load(from.cells[metric]) + load(of_row(seat, metric)));
        }
        publish((version + 1) << 32 | (seat + 1));
        clear_folded();
    }

    [[nodiscard]] std::uint64_t of(std::uint32_t seat, Metric metric) const noexcept {
        return seat < seats_ ? load(of_row(seat, index(metric))) : 0;
    }

    // Over all seats, and for a counter over all time. A fold that runs meanwhile is waited for
    // by looking again, but not for ever.
    [[nodiscard]] std::uint64_t sum(Metric metric) const noexcept {
        constexpr int kLooks = 100;
        std::uint64_t total = 0;
        for (int look = 0; look < kLooks; ++look) {
            const std::uint64_t before = state();
            total = sum_at(before, index(metric));
            std::atomic_thread_fence(std::memory_order_acquire);
            if (before == shared(header_->state).load(std::memory_order_relaxed)) {
                break;
            }
        }
        return total;
    }

private:
    static constexpr std::uint32_t kPast = 2; // rows of the past: the valid one and the next one

    // One word says all: the upper half counts the folds, and which past row is valid; the lower
    // half is the seat, plus one, whose row is in the past already but not cleared yet.
    struct alignas(kLine) Header {
        std::uint64_t seats;
        std::uint64_t state;
    };

    struct alignas(kLine) Row {
        std::uint64_t cells[kMetrics];
    };

    Counters(Header *header, Row *rows, std::uint32_t seats) noexcept
        : header_(header), rows_(rows), seats_(seats) {}

    static Result<Counters> place(MutableBytes area, std::uint32_t seats) noexcept {
        auto *header = overlay<Header>(area);
        if (header == nullptr || area.size() < bytes(seats)) {
            return Error{Code::full, "counters do not fit into shared memory"};
        }
        return Counters(header, overlay<Row>(area.subspan(sizeof(Header))), seats);
    }

    static constexpr std::size_t index(Metric metric) noexcept { return static_cast<std::size_t>(metric); }

    static std::uint64_t load(std::uint64_t &cell) noexcept {
        return shared(cell).load(std::memory_order_relaxed);
    }

    static void store(std::uint64_t &cell, std::uint64_t value) noexcept {
        shared(cell).store(value, std::memory_order_relaxed);
    }

    [[nodiscard]] std::uint64_t &of_row(std::uint32_t seat, std::size_t metric) const noexcept {
        return rows_[kPast + seat].cells[metric];
    }

    [[nodiscard]] std::uint64_t state() const noexcept {
        return shared(header_->state).load(std::memory_order_acquire);
    }

    void publish(std::uint64_t state) noexcept {
        shared(header_->state).store(state, std::memory_order_release);
    }

    void clear_folded() noexcept {
        const std::uint64_t now = state();
        const auto seat = static_cast<std::uint32_t>(now);
        if (seat == 0 || seat > seats_) {
            return;
        }
        std::atomic_thread_fence(std::memory_order_release); // who sees a cleared cell sees the fold
        for (std::size_t metric = 0; metric < kMetrics; ++metric) {
            store(of_row(seat - 1, metric), 0);
        }
        publish(now >> 32 << 32);
    }

    [[nodiscard]] std::uint64_t sum_at(std::uint64_t state, std::size_t metric) const noexcept {
        const auto folded = static_cast<std::uint32_t>(state);
        std::uint64_t total = load(rows_[(state >> 32) % kPast].cells[metric]);
        for (std::uint32_t seat = 0; seat < seats_; ++seat) {
            total += seat + 1 == folded ? 0 : load(of_row(seat, metric));
        }
        return total;
    }

    Header *header_;
    Row *rows_;
    std::uint32_t seats_;
};

} // namespace rt::shm
