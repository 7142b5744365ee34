// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/roll_calls.hpp"

namespace rt::cluster {

bool RollCalls::hear(const PeerMessage &question, Millis now) {
    if (calls_.size() == kMost) {
        return false;
    }
    Call &call = calls_.emplace_back(roster_, question, most_);
    call.barriers = passages_ != nullptr ? passages_->barriers() : 0;
    call.due = now + kPatience;
    std::erase_if(left_, [&](const Left &left) { return !roster_.connection(left.record); });
    for (const Left &left : left_) {
        call.roll.leave_out(left.sid);
    }
    if (calls_.size() == 1) {
        static_cast<void>(work(now));
    }
    return true;
}

// Who asked first is answered first. What is awaited brings a turn when it comes, or the beat does.
bool RollCalls::work(Millis now) {
    if (calls_.empty() || waits_) {
        return false;
    }
    Call &front = calls_.front();
    if (passages_ != nullptr && passages_->are_coming(front.barriers, now)) {
        return false;
    }
    if (front.roll.step()) {
        return true;
    }
    const bool done = finish(front, now);
    if (done) {
        calls_.pop_front();
    }
    return done && !calls_.empty();
}

// False: not yet. Nothing else waits for servers that have to read first.
bool RollCalls::finish(const Call &call, Millis now) {
    if (call.roll.is_too_big()) {
        events_.on_unanswered("the answer to another server would be too large", now);
        return true;
    }
    const bool has_room = voice_.has_room(call.roll.size(), now);
    if (has_room && voice_.say(call.roll.answer(), call.roll.asker())) {
        return true;
    }
    if (now < call.due) {
        waits_ = has_room;
        return false;
    }
    events_.on_unanswered(has_room ? "Redis did not take the answer to another server in time"
                                   : "other servers ask for more than can be answered in time",
                          now);
    return true;
}

void RollCalls::leaves(Text sid) {
    const Result<shm::FoundConnection> found = roster_.find_connection(sid);
    if (!found) {
        return;
    }
    if (!calls_.empty()) {
        const std::vector<shm::SocketRow> rows = rows_of(found->ref);
        for (Call &call : calls_) {
            call.roll.include(rows);
        }
    }
    left_.push_back({std::string(sid), found->ref});
}

std::vector<shm::SocketRow> RollCalls::rows_of(shm::ConnectionRef record) {
    Result<std::vector<shm::SocketRow>> rows = roster_.sockets_of(record);
    const Result<shm::Handshake> handshake = roster_.handshake_of(record);
    if (!rows || !handshake) {
        return {};
    }
    for (shm::SocketRow &row : *rows) {
        row.handshake = *handshake;
    }
    return std::move(*rows);
}

void RollCalls::comes(Text sid, std::uint64_t barrier) {
    for (Call &call : calls_) {
        if (call.barriers < barrier) {
            call.roll.leave_out(sid);
        }
    }
}

} // namespace rt::cluster
