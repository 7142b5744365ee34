// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/post_office.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace rt::cluster {

namespace {

// Bytes that may wait for one seat: some of the largest images and answers, but a worker that is
// stopped must not cost its neighbors their memory.
constexpr std::size_t kMostWaiting = 16u << 20;

constexpr int kMailPerTurn = 1000;                   // then the log and the clients have theirs
constexpr std::uint32_t kFirstReserve = 1024 * 1024; // for a message in parts, whatever it announces

std::size_t size_of(std::span<const Bytes> pieces) {
    std::size_t size = 0;
    for (const Bytes piece : pieces) {
        size += piece.size();
    }
    return size;
}

std::string joined(std::span<const Bytes> pieces) {
    std::string whole;
    whole.reserve(size_of(pieces));
    for (const Bytes piece : pieces) {
        whole += as_text(piece);
    }
    return whole;
}

} // namespace

PostOffice::PostOffice(const Place &place, shm::Mailboxes boxes, shm::SeatRef me, Wakes &wakes)
    : place_(place), boxes_(boxes), reader_(boxes, me), me_(me), wakes_(wakes) {}

Result<void> PostOffice::send(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces) {
    const std::size_t size = size_of(pieces);
    if (const Outbox *box = outbox(to); box != nullptr && box->bytes + size > kMostWaiting) {
        return {Code::busy, "too much mail waits for a worker"};
    }
    if (size + sizeof(Part) > boxes_.max_mail()) {
        const std::string whole = joined(pieces);
        return send_parts(to, kind, as_bytes(whole));
    }
    std::string head;
    Writer(head).put(Part{me_, static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(size)});
    std::vector<Bytes> framed{as_bytes(head)};
    framed.insert(framed.end(), pieces.begin(), pieces.end());
    return post(to, kind, framed);
}

Result<void> PostOffice::send_parts(shm::SeatRef to, std::uint16_t kind, Bytes message) {
    const std::size_t room = boxes_.max_mail() - sizeof(Part);
    const auto total = static_cast<std::uint32_t>(message.size());
    while (!message.empty()) {
        const Bytes body = message.first(std::min(room, message.size()));
        std::string head;
        Writer(head).put(Part{me_, total, static_cast<std::uint32_t>(message.size())});
        const std::array<Bytes, 2> pieces{as_bytes(head), body};
        if (Result<void> sent = post(to, kind, pieces); !sent) {
            return sent;
        }
        message = message.subspan(body.size());
    }
    return {};
}

// Order is kept: while something waits for a seat, everything for it waits behind.
Result<void> PostOffice::post(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces) {
    if (outbox(to) != nullptr) {
        return wait(to, kind, pieces);
    }
    const Result<void> pushed = [&] {
        shm::Locked held(place_.lock, place_.region);
        return boxes_.push(held, to, kind, pieces);
    }();
    if (pushed.code() == Code::full) {
        wakes_.wake_seat(to);
        return wait(to, kind, pieces);
    }
    if (pushed) {
        wakes_.wake_seat(to);
    }
    return pushed;
}

Result<void> PostOffice::wait(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces) {
    Outbox &box = outboxes_[to.index];
    if (box.to != to) {
        box = {to, {}, 0}; // another worker sits there now
    }
    box.parts.push_back({kind, joined(pieces)});
    box.bytes += box.parts.back().part.size();
    wakes_.retry_mail();
    return {};
}

PostOffice::Outbox *PostOffice::outbox(shm::SeatRef to) {
    const auto found = outboxes_.find(to.index);
    return found == outboxes_.end() || found->second.to != to ? nullptr : &found->second;
}

// Sends what fits: ok if that was all.
Code PostOffice::empty(Outbox &box) {
    while (!box.parts.empty()) {
        const Bytes part = as_bytes(box.parts.front().part);
        shm::Locked held(place_.lock, place_.region);
        const Result<void> pushed = boxes_.push(held, box.to, box.parts.front().kind, {&part, 1});
        if (!pushed) {
            return pushed.code();
        }
        box.bytes -= part.size();
        box.parts.pop_front();
    }
    return Code::ok;
}

void PostOffice::retry() {
    for (auto entry = outboxes_.begin(); entry != outboxes_.end();) {
        const Code code = empty(entry->second);
        wakes_.wake_seat(entry->second.to);
        const bool done = code == Code::ok || code == Code::gone;
        entry = done ? outboxes_.erase(entry) : std::next(entry);
    }
    if (!outboxes_.empty()) {
        wakes_.retry_mail();
    }
}

void PostOffice::receive(MailEvents &events, Millis now) {
    for (int count = 0; count < kMailPerTurn; ++count) {
        const shm::MailReader::Next mail = reader_.next();
        if (!mail.found) {
            return;
        }
        Reader in(as_text(mail.body));
        const auto part = in.get<Part>();
        if (!in.ok()) {
            continue;
        }
        const Bytes body = as_bytes(in.rest());
        if (part.left == part.total && body.size() == part.total) {
            events.on_mail(part.from, mail.kind, body, now);
            continue;
        }
        const std::string whole = collect(part, body);
        if (!whole.empty()) {
            events.on_mail(part.from, mail.kind, as_bytes(whole), now);
        }
    }
}

// The message, if this was its last part; else nothing.
std::string PostOffice::collect(const Part &part, Bytes body) {
    Inbound &inbound = inbound_[part.from.index];
    if (part.left == part.total) {
        inbound = {part.from, {}};
        inbound.message.reserve(std::min(part.total, kFirstReserve));
    }
    if (inbound.from != part.from || inbound.message.size() + part.left != part.total) {
        inbound_.erase(part.from.index); // its beginning went to an earlier owner of this seat
        return {};
    }
    inbound.message += as_text(body);
    if (inbound.message.size() < part.total) {
        return {};
    }
    std::string whole = std::move(inbound.message);
    inbound_.erase(part.from.index);
    return whole;
}

void PostOffice::forget(shm::SeatRef seat) {
    if (outbox(seat) != nullptr) {
        outboxes_.erase(seat.index);
    }
    if (const auto found = inbound_.find(seat.index); found != inbound_.end() && found->second.from == seat) {
        inbound_.erase(found);
    }
}

} // namespace rt::cluster
