// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/log_bus.hpp"

namespace rt::cluster {

static_assert(shm::Ring::kAlign % hub::kPositionStep == 0);

namespace {

// Also when a delivery is broken off by an exception: the next turn must not find it under way.
class Under {
public:
    explicit Under(bool &flag) noexcept : flag_(flag) { flag_ = true; }
    ~Under() { flag_ = false; }
    Under(const Under &) = delete;
    Under &operator=(const Under &) = delete;

private:
    bool &flag_;
};

} // namespace

LogBus::LogBus(const Place &place, shm::Stream stream, Wakes &wakes)
    : place_(place), stream_(stream), reader_(stream, stream.head()), wakes_(wakes) {}

Result<hub::Position> LogBus::publish(const hub::Envelope &envelope, const Heard *heard) {
    const Result<hub::Position> end = append(envelope, heard);
    if (end) {
        wakes_.wake_readers();
    }
    return end;
}

void LogBus::note(const hub::Envelope &envelope) { static_cast<void>(append(envelope, nullptr)); }

void LogBus::settle() {
    if (numbers_) {
        shm::Locked held(place_.lock, place_.region);
        numbers_->settle(held, stream_.head());
    }
}

Result<hub::Position> LogBus::append(const hub::Envelope &envelope, const Heard *heard) {
    const std::span<const Bytes> pieces = writer_.encode(envelope);
    const bool numbered =
        numbers_ && is_numbered(envelope) && shm::total_size(pieces) <= stream_.max_record();
    shm::Locked held(place_.lock, place_.region);
    if (numbered) {
        writer_.set_number(numbers_->next_number(held));
    }
    if (numbers_) {
        numbers_->settle(held, stream_.head());
    }
    if (numbers_ && heard != nullptr) {
        numbers_->promise_heard(held, heard->uid, heard->of, stream_.head());
    }
    RT_TRY(where, stream_.append(held, kEnvelopeRecord, pieces));
    if (numbers_) {
        numbers_->settle(held, where.end);
    }
    return where.end;
}

void LogBus::catch_up(hub::Position until, Millis now) {
    if (delivering_) {
        return;
    }
    const Under way(delivering_);
    while (reader_.cursor() < until && deliver_next(now)) {
    }
    hub_->on_pause(false, now);
}

bool LogBus::drain(std::size_t most, Millis now) {
    if (delivering_) {
        return true;
    }
    const Under way(delivering_);
    bool more = true;
    for (std::size_t count = 0; more && count < most; ++count) {
        more = deliver_next(now);
    }
    hub_->on_pause(!more, now);
    return more;
}

// False: nothing more to deliver.
bool LogBus::deliver_next(Millis now) {
    const shm::StreamReader::Next next = reader_.next();
    if (next.status == shm::StreamReader::Status::empty) {
        return false;
    }
    if (next.status == shm::StreamReader::Status::lapped) {
        reader_.seek(stream_.head());
        hub_->on_lapped(now);
        return true;
    }
    if (next.kind == kEnvelopeRecord && decode_envelope(next.body, envelope_)) {
        hub_->on_envelope(envelope_, next.end, now);
    }
    return true;
}

bool LogBus::replay(hub::Position from, hub::Position until,
                    Fn<void(const hub::Envelope &, hub::Position)> visit) {
    shm::StreamReader reader(stream_, from);
    hub::Envelope envelope;
    while (reader.cursor() < until) {
        const shm::StreamReader::Next next = reader.next();
        if (next.status != shm::StreamReader::Status::record) {
            return next.status == shm::StreamReader::Status::empty;
        }
        if (next.kind == kEnvelopeRecord && decode_envelope(next.body, envelope)) {
            visit(envelope, next.end);
        }
    }
    return true;
}

} // namespace rt::cluster
