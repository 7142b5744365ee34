// SPDX-License-Identifier: BSD-2-Clause
// The clients of a worker for whom something waits, and since when. A client costs nothing here
// before its transport is not ready; who is served again is forgotten at the next look.
#pragma once

#include "base/ports.hpp"
#include "base/slots.hpp"
#include "hub/directory.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rt::hub {

struct SlowClient {
    RecordRef record;
    std::uint64_t queued = 0; // bytes; 0: no client
    Millis since = 0;
};

inline constexpr std::size_t kSlowest = 10;

using Slowest = std::array<SlowClient, kSlowest>; // most bytes first

class Laggards {
public:
    // Between two looks only so many are taken; the others tell again when they are still slow.
    static constexpr std::size_t kMost = 4096;

    // False: too many.
    [[nodiscard]] bool add(Handle connection, Millis now) {
        if (list_.size() < kMost) {
            list_.push_back({connection, now});
            return true;
        }
        return false;
    }

    // Calls see(handle), which returns the client as it is now, its `since` aside; queued 0 is
    // forgotten. The worst of the others.
    template <class See> Slowest look(See see) {
        Slowest worst{};
        std::erase_if(list_, [&](const Entry &entry) {
            SlowClient client = see(entry.connection);
            client.since = entry.since;
            insert(worst, client);
            return client.queued == 0;
        });
        return worst;
    }

    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

private:
    struct Entry {
        Handle connection;
        Millis since;
    };

    static void insert(Slowest &worst, const SlowClient &client) {
        if (client.queued <= worst.back().queued) {
            return;
        }
        const auto more = [](const SlowClient &a, const SlowClient &b) { return a.queued > b.queued; };
        worst.back() = client;
        std::rotate(std::upper_bound(worst.begin(), worst.end() - 1, client, more), worst.end() - 1,
                    worst.end());
    }

    std::vector<Entry> list_;
};

} // namespace rt::hub
