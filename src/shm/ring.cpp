// SPDX-License-Identifier: BSD-2-Clause
#include "shm/ring.hpp"

#include "shm/arena.hpp"

#include <algorithm>
#include <cstring>

namespace rt::shm {

namespace {

// Before the body: one word of size and kind, one word of stamp. Filler has the first word
// only, for at the ring's end there may be no room for more.
constexpr std::size_t kHead = 16;
constexpr std::size_t kMostBody = std::size_t{1} << 31; // the size is 32 bits wide

struct Mark {
    std::size_t size; // bytes of the body, or all bytes of a filler
    std::uint16_t kind;
};

constexpr std::uint64_t pack(Mark mark) noexcept {
    return (std::uint64_t{mark.kind} << 32) | static_cast<std::uint32_t>(mark.size);
}

constexpr Mark unpack(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint16_t>(word >> 32)};
}

// Atomic, so that a word is read once: what was checked is what is used.
std::uint64_t load_word(MutableBytes ring, std::size_t at) noexcept {
    return shared(*overlay<std::uint64_t>(ring.subspan(at))).load(std::memory_order_relaxed);
}

void store_word(MutableBytes ring, std::size_t at, std::uint64_t word) noexcept {
    shared(*overlay<std::uint64_t>(ring.subspan(at))).store(word, std::memory_order_relaxed);
}

} // namespace

std::size_t Ring::largest(std::size_t parts) const noexcept {
    const std::size_t record = capacity() / parts / kAlign * kAlign;
    return record > kHead ? std::min(record - kHead, kMostBody) : 0;
}

bool Ring::plausible(Position tail, Position head) const noexcept {
    const bool aligned = (tail | head) % kAlign == 0;
    const bool ordered = first() <= tail && tail <= head && head - tail <= capacity();
    return aligned && ordered && head >> 63 == 0;
}

Extent Ring::place(Position head, std::size_t body) const noexcept {
    const std::size_t need = align_up(kHead + body, kAlign);
    const std::size_t left = capacity() - offset(head);
    const Position begin = left < need ? head + left : head;
    return {begin, begin + need};
}

void Ring::write(Position head, Extent where, std::uint16_t kind, std::span<const Bytes> pieces) noexcept {
    if (where.begin != head) {
        store_word(bytes_, offset(head), pack({capacity() - offset(head), kFiller}));
    }
    std::size_t at = offset(where.begin);
    store_word(bytes_, at, pack({total_size(pieces), kind}));
    store_word(bytes_, at + sizeof(std::uint64_t), seal_ ^ where.begin);
    at += kHead;
    for (const Bytes piece : pieces) {
        if (!piece.empty()) {
            std::memcpy(&bytes_[at], piece.data(), piece.size());
        }
        at += piece.size();
    }
}

Record Ring::find(Position at, Position head) const noexcept {
    if (at >= head || at % kAlign != 0) {
        return {};
    }
    return record_at(is_filler(at) ? at + capacity() - offset(at) : at, head);
}

Position Ring::step(Position at, Position head) const noexcept {
    if (at >= head || at % kAlign != 0) {
        return 0;
    }
    const Position end = is_filler(at) ? at + capacity() - offset(at) : record_at(at, head).end;
    return end <= head ? end : 0;
}

bool Ring::is_filler(Position at) const noexcept {
    const Mark mark = unpack(load_word(bytes_, offset(at)));
    return mark.kind == kFiller && mark.size == capacity() - offset(at);
}

Record Ring::record_at(Position at, Position head) const noexcept {
    const std::size_t start = offset(at);
    const std::size_t left = capacity() - start;
    if (at >= head || left < kHead) {
        return {};
    }
    const Mark mark = unpack(load_word(bytes_, start));
    const bool sealed = load_word(bytes_, start + sizeof(std::uint64_t)) == (seal_ ^ at);
    if (!sealed || mark.kind == kFiller || mark.size > left - kHead) {
        return {};
    }
    const Position end = at + align_up(kHead + mark.size, kAlign);
    if (end > head) {
        return {};
    }
    return {true, mark.kind, at, end, bytes_.subspan(start + kHead, mark.size)};
}

std::size_t total_size(std::span<const Bytes> pieces) noexcept {
    std::size_t size = 0;
    for (const Bytes piece : pieces) {
        size += piece.size();
    }
    return size;
}

} // namespace rt::shm
