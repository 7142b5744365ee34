// SPDX-License-Identifier: BSD-2-Clause
// Sessions of which this worker cannot say yet whether they are its own: they cross hosts. Whoever
// wants to know all of them waits until those have settled that were under way when he asked.
#pragma once

#include <cstdint>
#include <set>
#include <utility>

namespace rt::cluster {

class Unsettled {
public:
    // One of them, for as long as it lives.
    class Part {
    public:
        Part() = default;
        explicit Part(Unsettled &all) : all_(&all), number_(++all.last_) { all.open_.insert(number_); }
        Part(const Part &) = delete;
        Part &operator=(const Part &) = delete;
        ~Part() { settle(); }

        void settle() noexcept {
            if (Unsettled *all = std::exchange(all_, nullptr); all != nullptr) {
                all->open_.erase(number_);
            }
        }

    private:
        Unsettled *all_ = nullptr;
        std::uint64_t number_ = 0;
    };

    Unsettled() = default;
    Unsettled(const Unsettled &) = delete;
    Unsettled &operator=(const Unsettled &) = delete;

    // All that have begun by now.
    [[nodiscard]] std::uint64_t mark() const noexcept { return last_; }
    // Have they settled?
    [[nodiscard]] bool is_past(std::uint64_t mark) const noexcept {
        return open_.empty() || *open_.begin() > mark;
    }

private:
    std::set<std::uint64_t> open_;
    std::uint64_t last_ = 0;
};

} // namespace rt::cluster
