// SPDX-License-Identifier: BSD-2-Clause
// A region of shared memory: its header, its one lock, and the carving of it into areas.
// Position independent: processes may map it anywhere (on a cache line), nothing points in.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace rt::shm {

inline constexpr std::size_t kLine = 64; // cache line: words of different writers stay apart

// The only lock of a region. It must be released when its holder dies (nginx: the slab mutex,
// which the master unlocks). Never hold it across a system call or a log line: a stopped holder
// stops every worker.
class Lock {
public:
    virtual ~Lock() = default;
    virtual void lock() noexcept = 0;
    virtual void unlock() noexcept = 0;
};

// Every word that more than one process touches goes through this.
template <class T> std::atomic_ref<T> shared(T &word) noexcept {
    static_assert(std::atomic_ref<T>::is_always_lock_free);
    return std::atomic_ref<T>(word);
}

constexpr std::size_t align_up(std::size_t size, std::size_t align) noexcept {
    return (size + align - 1) / align * align;
}

// One number for "both sides mean the same bytes": versions, sizes, capacities, in order.
constexpr std::uint64_t layout_of(std::initializer_list<std::uint64_t> parts) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const std::uint64_t part : parts) {
        hash = (hash ^ part) * 0x100000001b3;
        hash ^= hash >> 29;
    }
    return hash;
}

struct alignas(kLine) RegionHeader {
    std::uint64_t magic; // written last by create()
    std::uint64_t layout;
    std::uint64_t size;
    std::uint64_t epoch;
    std::uint32_t dirty;  // 1 inside a locked section
    std::uint32_t wounds; // locked sections whose holder died
};

// A value: copy it freely, it lives as long as the mapping.
class Region {
public:
    // Formats the memory. `epoch`: random, new with every format, so that positions and
    // references of an earlier life are told apart. The areas are the caller's to create, and
    // nobody attaches before that is done (nginx: the zone's init, in the master).
    static Result<Region> create(MutableBytes memory, std::uint64_t layout, std::uint64_t epoch) noexcept {
        RT_TRY(header, place(memory));
        *header = RegionHeader{};
        header->layout = layout;
        header->size = memory.size();
        header->epoch = epoch;
        shared(header->magic).store(kMagic, std::memory_order_release);
        return Region(header, memory);
    }

    // not_found: never formatted (create it); unsupported: made with another layout or size.
    static Result<Region> attach(MutableBytes memory, std::uint64_t layout) noexcept {
        RT_TRY(header, place(memory));
        const std::uint64_t magic = shared(header->magic).load(std::memory_order_acquire);
        if (magic == 0) {
            return Error{Code::not_found, "shared memory is not formatted"};
        }
        if (magic != kMagic || header->layout != layout) {
            return Error{Code::unsupported, "shared memory has another layout"};
        }
        if (header->size != memory.size()) {
            return Error{Code::unsupported, "shared memory has another size"};
        }
        return Region(header, memory);
    }

    [[nodiscard]] std::uint64_t epoch() const noexcept { return header_->epoch; }

    // All behind the header, on a cache line: give it to a Carver.
    [[nodiscard]] MutableBytes body() const noexcept { return memory_.subspan(sizeof(RegionHeader)); }

private:
    friend class Locked;
    static constexpr std::uint64_t kMagic = 0x31306d68732d7472; // "rt-shm01"

    Region(RegionHeader *header, MutableBytes memory) noexcept : header_(header), memory_(memory) {}

    static Result<RegionHeader *> place(MutableBytes memory) noexcept {
        auto *header = overlay<RegionHeader>(memory);
        if (header == nullptr) {
            return Error{Code::unsupported, "shared memory is too small or not aligned"};
        }
        return header;
    }

    RegionHeader *header_;
    MutableBytes memory_;
};

// The locked section. Functions that need the lock take a `Locked &` as the proof that it is
// held; one section may cover several of them.
//
// A holder that dies leaves `dirty` set; the next section counts that as a wound. What is not
// crash-consistent by itself keeps the count it was last whole at in its own memory, compares
// it with wounds() first thing in every section, and rebuilds itself where they differ: so it
// does not matter which table the next holder came for.
class Locked {
public:
    Locked(Lock &lock, const Region &region) noexcept : lock_(lock), header_(*region.header_) {
        lock_.lock();
        if (shared(header_.dirty).load(std::memory_order_relaxed) != 0) {
            damaged_ = true;
            shared(header_.wounds).store(header_.wounds + 1, std::memory_order_relaxed);
        }
        shared(header_.dirty).store(1, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst); // a kill sees program order
    }

    ~Locked() {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        shared(header_.dirty).store(0, std::memory_order_relaxed);
        lock_.unlock();
    }

    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;

    // The holder before us died inside: log it, at alert, after this section.
    [[nodiscard]] bool damaged() const noexcept { return damaged_; }

    [[nodiscard]] std::uint32_t wounds() const noexcept { return header_.wounds; }

private:
    Lock &lock_;
    RegionHeader &header_;
    bool damaged_ = false;
};

// Hands out areas of a region front to back. The same calls on memory of the same size give
// the same offsets in every process.
class Carver {
public:
    explicit Carver(MutableBytes memory) noexcept : memory_(memory) {}

    // `align`: a power of two, counted from the start of the memory.
    Result<MutableBytes> take(std::size_t size, std::size_t align = kLine) noexcept {
        const std::size_t at = align_up(used_, align);
        if (at > memory_.size() || size > memory_.size() - at) {
            return Error{Code::full, "zone is too small"};
        }
        used_ = at + size;
        return memory_.subspan(at, size);
    }

    // All that is left, on a cache line and in whole cache lines; empty when nothing is.
    MutableBytes rest() noexcept {
        const std::size_t at = align_up(used_, kLine);
        used_ = memory_.size();
        return at < used_ ? memory_.subspan(at, (used_ - at) / kLine * kLine) : MutableBytes();
    }

private:
    MutableBytes memory_;
    std::size_t used_ = 0;
};

} // namespace rt::shm
