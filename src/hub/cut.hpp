// SPDX-License-Identifier: BSD-2-Clause
// Where a session changes hosts, in the order that Redis has. What began at a host stands in its log
// at once and in Redis later: so the cut goes through each host's log twice.
#pragma once

#include "hub/bus.hpp"

namespace rt::hub {

// In the log of the old home.
struct Sides {
    Position own = 0;    // what began here and ends up to here is before the cut
    Position others = 0; // the same of what began elsewhere; not before `own`
};

// In the log of the new home.
struct Cut {
    Position floor = 0;     // what began here and ends up to here is before the cut
    Position sent = 0;      // and behind here, behind it
    std::uint64_t last = 0; // in between: up to this number before it
    Position asked = 0;     // of questions: up to here before it
    Position heard = 0;     // what began elsewhere and ends up to here is before it
};

// Says which events of a log that is read in its order are the session's. At the new home those
// without a number between `floor` and `sent` may stand on either side: orders are followed, as they
// may be twice; the rest is left to the old home, so that nothing is doubled.
class LogPart {
public:
    LogPart() = default; // all of it
    explicit LogPart(const Sides &sides) noexcept : kind_(Kind::before), sides_(sides) {}
    // Read from the floor on.
    explicit LogPart(const Cut &cut) noexcept : kind_(Kind::behind), cut_(cut) {}

    [[nodiscard]] bool whole() const noexcept { return kind_ == Kind::whole; }

    // The log is read from the beginning once more.
    void rewind() noexcept { behind_ = false; }

    [[nodiscard]] bool takes(const Envelope &envelope, Position end) noexcept {
        switch (kind_) {
        case Kind::before:
            return end <= (envelope.remote ? sides_.others : sides_.own);
        case Kind::behind:
            return envelope.remote ? end > cut_.heard : takes_own(envelope, end);
        case Kind::whole:
            break;
        }
        return true;
    }

    // Would an offset that ends here have what the old home delivered replayed? Then it must be none.
    [[nodiscard]] bool may_offset(Position end) const noexcept {
        return kind_ != Kind::behind || end > cut_.heard;
    }

private:
    enum class Kind : std::uint8_t { whole, before, behind };

    [[nodiscard]] bool takes_own(const Envelope &envelope, Position end) noexcept {
        if (envelope.asker) {
            return behind_ || end > cut_.asked;
        }
        behind_ = behind_ || end > cut_.sent || envelope.number > cut_.last;
        const bool order =
            envelope.op == Op::join || envelope.op == Op::leave || envelope.op == Op::disconnect;
        return behind_ || (order && envelope.number == 0);
    }

    Kind kind_ = Kind::whole;
    Sides sides_;
    Cut cut_;
    bool behind_ = false; // Redis has what began here in the order of the log
};

} // namespace rt::hub
