// SPDX-License-Identifier: BSD-2-Clause
// Whether what other servers say to a room is heard here: a room that has its first member now has to
// be subscribed to first. Null in HubPorts where all rooms are heard anyway.
#pragma once

#include "base/ports.hpp"
#include "base/slots.hpp"

#include <cstdint>

namespace rt::hub {

class Hearing {
public:
    virtual ~Hearing() = default;

    // A mark of all that this worker's sockets asked to be heard so far. It grows with what they join,
    // where that is not heard yet.
    [[nodiscard]] virtual std::uint64_t asked() const noexcept = 0;

    // Is everything heard up to that mark, or is there nobody whom it is worth waiting for?
    [[nodiscard]] virtual bool is_heard(std::uint64_t mark) const noexcept = 0;

    // Hub::resume comes in a later turn: when it is heard, or its time is over.
    virtual void await(std::uint64_t mark, Handle run, Millis now) = 0;
};

} // namespace rt::hub
