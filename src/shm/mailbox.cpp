// SPDX-License-Identifier: BSD-2-Clause
#include "shm/mailbox.hpp"

#include <algorithm>

namespace rt::shm {

struct Mailboxes::Header {
    alignas(kLine) std::uint64_t capacity;
    std::uint32_t generation;     // of the claim it is open for; changed under the lock only
    alignas(kLine) Position head; // the senders' word
    alignas(kLine) Position tail; // the owner's word
};

namespace {

constexpr std::uint64_t kSeal = 0x6c69616d2d737472; // no client ever names a position here

} // namespace

Mailboxes::Mailboxes(MutableBytes area, std::uint32_t count) noexcept
    : area_(area), count_(count), each_(area.size() / count / kLine * kLine) {}

Result<Mailboxes> Mailboxes::create(MutableBytes area, std::uint32_t count) noexcept {
    RT_TRY(mailboxes, place(area, count));
    for (std::uint32_t index = 0; index < count; ++index) {
        const Inbox box = mailboxes.inbox(index);
        *box.header = Header{box.ring.capacity(), 0, box.ring.first(), box.ring.first()};
    }
    return mailboxes;
}

Result<Mailboxes> Mailboxes::attach(MutableBytes area, std::uint32_t count) noexcept {
    RT_TRY(mailboxes, place(area, count));
    for (std::uint32_t index = 0; index < count; ++index) {
        const Inbox box = mailboxes.inbox(index);
        if (box.header->capacity != box.ring.capacity()) {
            return Error{Code::unsupported, "inboxes in shared memory have another size"};
        }
    }
    return mailboxes;
}

Result<Mailboxes> Mailboxes::place(MutableBytes area, std::uint32_t count) noexcept {
    if (count == 0 || area.size() / count < kLeast || overlay<Header>(area) == nullptr) {
        return Error{Code::full, "inboxes do not fit into shared memory"};
    }
    return Mailboxes(area, count);
}

Result<void> Mailboxes::push(Locked &, SeatRef to, std::uint16_t kind,
                             std::span<const Bytes> pieces) noexcept {
    const std::size_t size = total_size(pieces);
    if (size > max_mail()) {
        return Error{Code::too_big, "mail is over 1/4 of the inbox"};
    }
    if (kind == Ring::kFiller) {
        return Error{Code::unsupported, "mail kind 0 is reserved"};
    }
    Inbox box = inbox(to.index);
    if (!to || box.header == nullptr || box.header->generation != to.generation) {
        return Error{Code::gone, "inbox is closed"};
    }
    const Position tail = shared(box.header->tail).load(std::memory_order_acquire);
    const Position head = shared(box.header->head).load(std::memory_order_relaxed);
    if (!box.ring.plausible(tail, head)) {
        return Error{Code::unavailable, "inbox is damaged"};
    }
    const Extent where = box.ring.place(head, size);
    if (where.end - tail > box.ring.capacity()) {
        return Error{Code::full, "inbox is full"};
    }
    box.ring.write(head, where, kind, pieces);
    shared(box.header->head).store(where.end, std::memory_order_release);
    return {};
}

Result<void> Mailboxes::open(Locked &, SeatRef seat) noexcept {
    const Inbox box = inbox(seat.index);
    if (!seat || box.header == nullptr) {
        return Error{Code::not_found, "no inbox for this seat"};
    }
    Header &header = *box.header;
    const Position head = shared(header.head).load(std::memory_order_relaxed);
    const Position start = box.ring.plausible(head, head) ? head : box.ring.first();
    shared(header.generation).store(0, std::memory_order_relaxed);
    shared(header.head).store(start, std::memory_order_release);
    shared(header.tail).store(start, std::memory_order_release);
    shared(header.generation).store(seat.generation, std::memory_order_release);
    return {};
}

void Mailboxes::close(Locked &, SeatRef seat) noexcept {
    const Inbox box = inbox(seat.index);
    if (seat && box.header != nullptr && box.header->generation == seat.generation) {
        shared(box.header->generation).store(0, std::memory_order_release);
    }
}

bool Mailboxes::is_open(SeatRef seat) const noexcept {
    const Inbox box = inbox(seat.index);
    return seat && box.header != nullptr &&
           shared(box.header->generation).load(std::memory_order_acquire) == seat.generation;
}

std::size_t Mailboxes::max_mail() const noexcept { return inbox(0).ring.largest(4); }

std::size_t Mailboxes::waiting(std::uint32_t index) const noexcept {
    const Inbox box = inbox(index);
    if (box.header == nullptr) {
        return 0;
    }
    const Position tail = shared(box.header->tail).load(std::memory_order_acquire);
    const Position head = shared(box.header->head).load(std::memory_order_acquire);
    return head > tail ? std::min<Position>(head - tail, box.ring.capacity()) : 0;
}

auto Mailboxes::inbox(std::uint32_t index) const noexcept -> Inbox {
    if (index >= count_) {
        return {nullptr, Ring({}, kSeal)};
    }
    const MutableBytes area = area_.subspan(index * each_, each_);
    return {overlay<Header>(area), Ring(area.subspan(sizeof(Header)), kSeal)};
}

MailReader::MailReader(Mailboxes mailboxes, SeatRef seat) noexcept
    : inbox_(mailboxes.inbox(seat.index)),
      read_(inbox_.header != nullptr ? shared(inbox_.header->tail).load(std::memory_order_relaxed) : 0) {}

MailReader::Next MailReader::next() noexcept {
    if (inbox_.header == nullptr) {
        return {};
    }
    if (given_) {
        free_read();
    }
    const Position head = shared(inbox_.header->head).load(std::memory_order_acquire);
    const Record mail = inbox_.ring.find(read_, head);
    if (mail.valid) {
        read_ = mail.end;
        given_ = true;
        return {true, mail.kind, mail.body};
    }
    if (read_ != head) {
        read_ = head;
        free_read();
    }
    return {};
}

void MailReader::free_read() noexcept {
    shared(inbox_.header->tail).store(read_, std::memory_order_release);
    given_ = false;
}

} // namespace rt::shm
