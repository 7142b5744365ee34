// SPDX-License-Identifier: BSD-2-Clause
// What dead workers left in the roster: each of their sockets has its disconnect { } run, once,
// and its records go. Any worker may reap, also several at once: who takes a record out of the
// roster is the one who mourns it. A session that was being handed over is nobody's: if it does not
// arrive, a worker died with it in its hands.
#pragma once

#include "cluster/roster_directory.hpp"
#include "hub/hub.hpp"

#include <vector>

namespace rt::cluster {

class Reaper {
public:
    static constexpr Millis kGrace = 5000; // nothing is under way, and still it has not arrived

    Reaper(const shm::Seats &seats, RosterDirectory &directory, hub::Hub &hub)
        : seats_(seats), directory_(directory), hub_(hub) {}

    // A worker died, and its seat is being released. What another began to reap and did not end,
    // because it died, is found as well.
    void begin() noexcept { again_ = true; }

    // Reaps a page of those whose home is no live seat. True: there is more to do.
    bool step(Millis now);

    // Some were being handed over when a worker died: call look() with each beat.
    [[nodiscard]] bool suspects() const noexcept { return !suspects_.empty(); }
    // `arrived`: whatever was handed over has been received.
    void look(bool arrived, Millis now);

private:
    struct Suspect {
        shm::ConnectionRef ref;
        Millis until = 0; // 0: something is under way
    };

    void suspect(shm::ConnectionRef ref);
    [[nodiscard]] bool is_over(const Suspect &suspect, Millis now);
    [[nodiscard]] bool is_orphan(const shm::ConnectionRow &row) const noexcept;
    void reap(const shm::ConnectionRow &row, Millis now);

    const shm::Seats &seats_;
    RosterDirectory &directory_;
    hub::Hub &hub_;
    shm::CellIndex cursor_ = 0;
    bool again_ = false; // from the top, once this round is over
    std::vector<Suspect> suspects_;
};

} // namespace rt::cluster
