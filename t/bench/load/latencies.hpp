// SPDX-License-Identifier: BSD-2-Clause
// How long things took, in steps of 10 us up to 10 s.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

class Latencies {
public:
    void add(std::int64_t us) noexcept {
        const auto step = static_cast<std::size_t>(std::max<std::int64_t>(us, 0) / kStep);
        ++counts_[std::min(step, counts_.size() - 1)];
        ++total_;
    }

    // The time that this share of them did not exceed, in milliseconds.
    [[nodiscard]] double percentile_ms(double share) const noexcept {
        auto left = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::size_t step = 0;
        while (step + 1 < counts_.size() && left >= counts_[step]) {
            left -= counts_[step++];
        }
        return static_cast<double>(step + 1) * kStep / 1000;
    }

    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

private:
    static constexpr std::int64_t kStep = 10;

    std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(1000000);
    std::uint64_t total_ = 0;
};

} // namespace bench
