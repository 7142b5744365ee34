// SPDX-License-Identifier: BSD-2-Clause
#include "shm/stream.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace rt::shm {

struct Stream::Header {
    alignas(kLine) std::uint64_t seal;
    std::uint64_t capacity;
    alignas(kLine) Position head; // published end
    alignas(kLine) Position tail; // oldest valid byte
};

Result<Stream> Stream::create(MutableBytes area, std::uint64_t seal) noexcept {
    RT_TRY(header, place(area));
    const Ring ring(area.subspan(sizeof(Header)), seal);
    *header = Header{seal, ring.capacity(), ring.first(), ring.first()};
    return Stream(header, ring);
}

Result<Stream> Stream::attach(MutableBytes area) noexcept {
    RT_TRY(header, place(area));
    const Ring ring(area.subspan(sizeof(Header)), header->seal);
    if (header->capacity != ring.capacity()) {
        return Error{Code::unsupported, "log in shared memory has another size"};
    }
    return Stream(header, ring);
}

Result<Extent> Stream::append(Locked &, std::uint16_t kind, std::span<const Bytes> pieces) noexcept {
    const std::size_t size = total_size(pieces);
    if (size > max_record()) {
        return Error{Code::too_big, "record is over 1/16 of the log"};
    }
    if (kind == Ring::kFiller) {
        return Error{Code::unsupported, "record kind 0 is reserved"};
    }
    const Extent now = settled();
    const Extent where = ring_.place(now.end, size);
    // Readers look at the tail after they copied: it must have moved before a byte of theirs is
    // overwritten. A kill from here on leaves the head, and so the record is not there.
    shared(header_->tail).store(room_for(now, where.end), std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    ring_.write(now.end, where, kind, pieces);
    shared(header_->head).store(where.end, std::memory_order_release);
    return where;
}

Position Stream::head() const noexcept { return shared(header_->head).load(std::memory_order_acquire); }

Position Stream::tail() const noexcept { return shared(header_->tail).load(std::memory_order_acquire); }

bool Stream::holds(Position position) const noexcept {
    const Position now = head();
    return position >= tail() && (position == now || ring_.find(position, now).valid);
}

auto Stream::place(MutableBytes area) noexcept -> Result<Header *> {
    auto *header = area.size() >= kLeast ? overlay<Header>(area) : nullptr;
    if (header == nullptr) {
        return Error{Code::full, "log in shared memory is too small or not aligned"};
    }
    return header;
}

// {tail, head} as the holder of the lock may trust them. Damaged words start the ring anew; any
// older cursor then meets no sealed record and reads as lapped.
Extent Stream::settled() const noexcept {
    const Extent now{tail(), head()};
    return ring_.plausible(now.begin, now.end) ? now : Extent{ring_.first(), ring_.first()};
}

// The tail that lets the ring end at `end`. A record that cannot be read takes all of the
// history with it, for where the next one begins is unknown.
Position Stream::room_for(Extent now, Position end) const noexcept {
    Position tail = now.begin;
    while (end - tail > capacity()) {
        const Position next = ring_.step(tail, now.end);
        if (next == 0) {
            return now.end;
        }
        tail = next;
    }
    return tail;
}

StreamReader::Next StreamReader::next() {
    Next lapped;
    lapped.status = Status::lapped;
    const Position head = stream_.head();
    if (cursor_ < stream_.tail()) {
        return lapped;
    }
    if (cursor_ == head) {
        return {};
    }
    const Record record = stream_.ring_.find(cursor_, head);
    if (!record.valid) {
        return lapped;
    }
    const Bytes body = keep(record.body);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (record.begin < shared(stream_.header_->tail).load(std::memory_order_relaxed)) {
        return lapped; // overwritten while we copied
    }
    cursor_ = record.end;
    return {Status::record, record.kind, body, record.begin, record.end};
}

Bytes StreamReader::keep(Bytes body) {
    if (body.size() > room_) {
        const std::size_t room = std::bit_ceil(std::max<std::size_t>(body.size(), 1024));
        scratch_ = std::make_unique_for_overwrite<std::uint8_t[]>(room);
        room_ = room;
    }
    if (!body.empty()) {
        std::memcpy(scratch_.get(), body.data(), body.size());
    }
    return {scratch_.get(), body.size()};
}

} // namespace rt::shm
