// SPDX-License-Identifier: BSD-2-Clause
// Undoes what a locked section did before its holder died: the words that the section changes are
// kept as they were, and put back newest first. A few microseconds, however large the zone is.
#pragma once

#include "shm/arena.hpp"

#include <cstring>
#include <span>

namespace rt::shm {

// Whoever calls holds the region's lock. A value: copy it freely, it lives as long as the mapping.
class Journal {
public:
    // What a journal of that many words takes.
    static constexpr std::size_t bytes(std::size_t words) noexcept {
        return sizeof(Header) + words * sizeof(Entry);
    }

    // `covered`: the memory whose words it keeps. `own`, both on a cache line, is all its own.
    Journal(MutableBytes covered, MutableBytes own) noexcept
        : covered_(covered), header_(overlay<Header>(own)),
          entries_(overlay_array<Entry>(own.subspan(sizeof(Header)),
                                        (own.size() - sizeof(Header)) / sizeof(Entry))) {}

    // Before a store to this word, which is aligned and part of what is covered.
    void note(const void *word) noexcept {
        const std::uint32_t used = header_->used;
        if (used == kDistrusted) {
            return;
        }
        if (used >= entries_.size()) {
            distrust(); // a section of more words than there is room for
            return;
        }
        const auto *byte = static_cast<const std::uint8_t *>(word);
        const std::size_t at = static_cast<std::size_t>(byte - covered_.data()) / kWord * kWord;
        entries_[used].at = at;
        std::memcpy(&entries_[used].before, covered_.data() + at, kWord);
        set_used(used + 1);
    }

    // The section gives memory back. What it takes from then on may be that: all its words count.
    void note_freed() noexcept { header_->freed = 1; }
    [[nodiscard]] bool has_freed() const noexcept { return header_->freed != 0; }

    // The section is over: what it did stays.
    void end() noexcept {
        set_used(0);
        header_->freed = 0;
    }

    // From here on nothing can be undone until end().
    void distrust() noexcept { set_used(kDistrusted); }

    // Puts everything back; killed in the middle, the next one does it again. False: that is not
    // possible, what is derived has to be made anew.
    [[nodiscard]] bool undo() noexcept {
        if (header_->used > entries_.size()) {
            return false;
        }
        for (std::size_t i = header_->used; i-- > 0;) {
            if (entries_[i].at <= covered_.size() - kWord) {
                std::memcpy(covered_.data() + entries_[i].at, &entries_[i].before, kWord);
            }
        }
        end();
        return true;
    }

private:
    static constexpr std::size_t kWord = sizeof(std::uint64_t);
    static constexpr std::uint32_t kDistrusted = UINT32_MAX;

    struct alignas(kLine) Header {
        std::uint32_t used;  // entries, or kDistrusted
        std::uint32_t freed; // 1 after note_freed()
    };

    struct Entry {
        std::uint64_t at; // byte of the covered memory
        std::uint64_t before;
    };

    // A kill sees program order: the entry before its count, the count before the store it is for.
    void set_used(std::uint32_t used) noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        shared(header_->used).store(used, std::memory_order_relaxed);
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    MutableBytes covered_;
    Header *header_;
    std::span<Entry> entries_;
};

} // namespace rt::shm
