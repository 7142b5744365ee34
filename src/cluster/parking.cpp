// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/parking.hpp"

#include <utility>

namespace rt::cluster {

bool Parking::park(Deadlines &deadlines, Text sid, ParkedCall call, Millis now) {
    if (bytes_ + call.body.size() > kMostBytes) {
        return false;
    }
    std::unique_ptr<Lot> &lot = lots_[std::string(sid)];
    if (lot == nullptr) {
        lot = std::make_unique<Lot>(*this, sid);
        deadlines.start(*lot, now, kPatience);
    }
    bytes_ += call.body.size();
    lot->calls.push_back(std::move(call));
    return true;
}

std::vector<ParkedCall> Parking::take(Text sid) {
    const auto found = lots_.find(std::string(sid));
    if (found == lots_.end()) {
        return {};
    }
    std::vector<ParkedCall> calls = std::move(found->second->calls);
    lots_.erase(found);
    for (const ParkedCall &call : calls) {
        bytes_ -= call.body.size();
    }
    return calls;
}

void Parking::Lot::on_deadline(Millis now) {
    Parking &parking = owner; // this lot goes first
    const std::string session = sid;
    const std::vector<ParkedCall> late = parking.take(session);
    parking.events_.on_late(session, late, now);
}

} // namespace rt::cluster
