// SPDX-License-Identifier: BSD-2-Clause
// Where a session changes hosts, in the order that Redis has. What began here stands in this host's
// log at once and in Redis later: so the cut goes through the log twice.
#pragma once

#include "hub/bus.hpp"

namespace rt::cluster {

// At the new home, when it heard the barrier.
struct Cut {
    hub::Position floor = 0; // what began here and ends up to here, Redis had before the barrier
    hub::Position sent = 0;  // and behind here after it
    std::uint64_t last = 0;  // in between: those with numbers up to this one had come back before
    hub::Position asked = 0; // of questions: those up to here had come back before
    hub::Position heard = 0; // what began elsewhere and ends up to here came before the barrier
};

// Reads the log from the floor on, and says which events are the session's at its new home. Those
// without a number between `floor` and `sent` may stand on either side: orders are followed, as they
// may be twice; the rest is left to the old home, so that nothing is doubled.
class CutReader {
public:
    explicit CutReader(const Cut &cut) noexcept : cut_(cut) {}

    [[nodiscard]] bool takes(const hub::Envelope &envelope, hub::Position end) noexcept {
        if (envelope.remote) {
            return end > cut_.heard;
        }
        if (envelope.asker) {
            return behind_ || end > cut_.asked;
        }
        behind_ = behind_ || end > cut_.sent || envelope.number > cut_.last;
        const bool order = envelope.op == hub::Op::join || envelope.op == hub::Op::leave ||
                           envelope.op == hub::Op::disconnect;
        return behind_ || (order && envelope.number == 0);
    }

private:
    Cut cut_;
    bool behind_ = false; // Redis has what began here in the order of the log
};

} // namespace rt::cluster
