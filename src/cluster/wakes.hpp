// SPDX-License-Identifier: BSD-2-Clause
// How a worker is asked to do something later in this turn. The shell collects these and does
// each once per turn: a wake costs as much as twenty appends.
#pragma once

#include "shm/seats.hpp"

namespace rt::cluster {

class Wakes {
public:
    virtual ~Wakes() = default;
    virtual void wake_readers() = 0;             // the log has grown: wake who sleeps, read it here too
    virtual void wake_seat(shm::SeatRef to) = 0; // it has mail
    virtual void retry_mail() = 0;               // some mailbox was full: call PostOffice::retry() soon
};

} // namespace rt::cluster
