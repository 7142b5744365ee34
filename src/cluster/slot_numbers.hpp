// SPDX-License-Identifier: BSD-2-Clause
// The last number heard of each host in each slot: masters of a Redis Cluster have no common order,
// but what is published in one slot comes in the order of its numbers.
#pragma once

#include "cluster/redis_nodes.hpp"

#include <string>
#include <unordered_map>
#include <vector>

namespace rt::cluster {

class SlotNumbers {
public:
    static constexpr std::size_t kHosts = 256; // at 128 KiB each; then all are forgotten

    // False: it is a repeat.
    [[nodiscard]] bool is_new(Text uid, Text channel, std::uint64_t number) {
        if (hosts_.size() >= kHosts && !hosts_.contains(std::string(uid))) {
            hosts_.clear();
        }
        std::vector<std::uint64_t> &slots = hosts_[std::string(uid)];
        slots.resize(kSlots);
        std::uint64_t &last = slots[key_slot(channel)];
        const bool is_new = number > last;
        last = is_new ? number : last;
        return is_new;
    }

    void forget(Text uid) { hosts_.erase(std::string(uid)); }

private:
    std::unordered_map<std::string, std::vector<std::uint64_t>> hosts_; // by uid
};

} // namespace rt::cluster
