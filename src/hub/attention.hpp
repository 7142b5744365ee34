// SPDX-License-Identifier: BSD-2-Clause
// What other servers say to rooms without a member here is not even decoded. While a socket is on its
// way here or from here its rooms stand in no roster: then all of it is heard.
#pragma once

#include "hub/directory.hpp"

#include <utility>

namespace rt::hub {

// Of one worker, on behalf of its host.
class Attention {
public:
    static constexpr Millis kLease = 60000; // of the record, should its worker die

    // Everything is heard as long as one lives. Must not outlive the directory.
    class Hold {
    public:
        Hold() = default;
        Hold(Attention &owner, std::uint64_t era) noexcept : owner_(&owner), era_(era) {}
        Hold(Hold &&other) noexcept : owner_(std::exchange(other.owner_, nullptr)), era_(other.era_) {}
        Hold &operator=(Hold &&other) noexcept {
            std::swap(owner_, other.owner_);
            std::swap(era_, other.era_);
            return *this;
        }
        ~Hold() {
            if (owner_ != nullptr) {
                owner_->let_go();
            }
        }

        // Was everything heard since it began? No, if the zone had no room for the record.
        [[nodiscard]] bool unbroken() const { return owner_ != nullptr && owner_->is_unbroken(era_); }

    private:
        Attention *owner_ = nullptr;
        std::uint64_t era_ = 0;
    };

    explicit Attention(Directory &directory) noexcept : directory_(directory) {}
    Attention(const Attention &) = delete;
    Attention &operator=(const Attention &) = delete;

    [[nodiscard]] Hold hold(Millis now);

private:
    [[nodiscard]] bool is_unbroken(std::uint64_t era) const {
        return era == era_ && directory_.attends(record_);
    }
    void begin(Millis now);
    void let_go();

    Directory &directory_;
    RecordRef record_;
    Millis until_ = 0;
    std::uint32_t holds_ = 0;
    std::uint64_t era_ = 0; // of holds between which nothing was left out
};

} // namespace rt::hub
