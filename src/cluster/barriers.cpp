// SPDX-License-Identifier: BSD-2-Clause
// Crossing: what the holders of the bridges do. One turns log positions into a place in Redis' order,
// the other the place into positions of its own log.
#include "cluster/crossing.hpp"
#include "cluster/crossing_mail.hpp"
#include "cluster/far_message.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rt::cluster {

namespace {

engine::ExchangeId of_this_host(engine::ExchangeId id) noexcept {
    id.host = {};
    return id;
}

} // namespace

// --- of the old home ---

void Crossing::want(const Barrier &barrier, Millis now) {
    const shm::SeatRef holder = abroad_.bridge.holder();
    if (holder == abroad_.me) {
        wanted_.push_back(barrier);
        go_on(now);
        return;
    }
    std::string mail;
    Writer out(mail);
    out.put(barrier.ticket);
    out.put(barrier.to);
    out.put(barrier.at);
    mail += barrier.sid;
    const Bytes piece = as_bytes(mail);
    static_cast<void>(abroad_.post.send(holder, kBarrierWanted, {&piece, 1})); // else it is late
}

void Crossing::go_on(Millis now) {
    if (wanted_.empty() && published_.empty() && waited_.empty() && coming_.empty()) {
        return;
    }
    if (abroad_.bridge.holder() != abroad_.me) {
        wanted_.clear();
        published_.clear();
        waited_.clear();
        coming_.clear();
        return;
    }
    const hub::Position sent = abroad_.bridge.sent();
    for (const Barrier &barrier : std::exchange(wanted_, {})) {
        if (barrier.at <= sent) {
            publish(barrier, now);
        } else {
            wanted_.push_back(barrier);
        }
    }
    std::erase_if(published_, [&](const Published &each) { return each.until <= now; });
    std::erase_if(waited_, [&](const Waited &each) { return each.until <= now; });
    std::erase_if(coming_, [&](const Coming &each) { return each.until <= now; });
}

// Behind everything that the session got at its old home and that others hear from there.
void Crossing::publish(const Barrier &barrier, Millis now) {
    std::string message;
    Writer out(message);
    put_crossing_head(out, CrossingSaid::barrier);
    out.put(barrier.ticket);
    out.put(barrier.to);
    const Bytes piece = as_bytes(message);
    if (abroad_.bridge.tell({}, Topic::crossing, {&piece, 1})) {
        published_.push_back({barrier.ticket, barrier.sid, abroad_.bridge.sent(), now + kForgotten});
    }
}

// To the worker whose ticket it is.
template <class... Values>
void Crossing::forward(std::uint16_t kind, const Ticket &ticket, const Values &...values) {
    std::string mail;
    Writer out(mail);
    out.put(ticket);
    (out.put(values), ...);
    const Bytes piece = as_bytes(mail);
    static_cast<void>(abroad_.post.send(seat_of(ticket), kind, {&piece, 1}));
}

void Crossing::tell_sides(const Ticket &ticket, const hub::Sides &sides, Millis now) {
    if (seat_of(ticket) == abroad_.me) {
        on_sides(ticket, sides, now);
    } else {
        forward(kSides, ticket, sides);
    }
}

// --- of the new home ---

bool Crossing::on_take(const engine::ExchangeId &by, Millis now) {
    if (!may_take()) {
        return false;
    }
    await_cut(by, now);
    if (coming(by) == nullptr) {
        coming_.push_back({by, 0, now + kForgotten});
    }
    return true;
}

// What asks for it goes out behind the floor, and the barrier behind that.
void Crossing::await_cut(const engine::ExchangeId &by, Millis now) {
    if (std::ranges::find(waited_, by, &Waited::by) != waited_.end()) {
        return;
    }
    Waited waited;
    waited.by = by;
    waited.cut.floor = abroad_.bridge.sent();
    waited.until = now + kForgotten;
    waited_.push_back(waited);
}

Crossing::Coming *Crossing::coming(const engine::ExchangeId &by) {
    const auto found = std::ranges::find(coming_, by, &Coming::by);
    return found == coming_.end() ? nullptr : &*found;
}

bool Crossing::are_coming(std::uint64_t barrier, Millis now) const noexcept {
    return std::ranges::any_of(coming_, [&](const Coming &each) {
        return each.barrier != 0 && each.barrier <= barrier && now < each.until;
    });
}

void Crossing::tell_settled(const engine::ExchangeId &by) {
    const shm::SeatRef holder = abroad_.bridge.holder();
    if (holder == abroad_.me) {
        on_settled(by);
        return;
    }
    std::string mail;
    Writer(mail).put(by);
    const Bytes piece = as_bytes(mail);
    static_cast<void>(abroad_.post.send(holder, kSettled, {&piece, 1})); // else until kComing
}

void Crossing::on_settled(const engine::ExchangeId &by) {
    std::erase_if(coming_, [&](const Coming &each) { return each.by == by; });
}

// --- of both ---

void Crossing::hear_barrier(Text from, Reader &in, Millis now) {
    const auto ticket = in.get<Ticket>();
    const auto to = in.get<engine::ExchangeId>();
    if (!in.ok()) {
        return;
    }
    if (from == abroad_.host) {
        hear_own(ticket, now);
    } else if (to.host_text() == abroad_.host) {
        hear_theirs(ticket, of_this_host(to), now);
    }
}

void Crossing::hear_own(const Ticket &ticket, Millis now) {
    const auto mine = std::ranges::find(published_, ticket, &Published::ticket);
    if (mine == published_.end()) {
        return;
    }
    const hub::Sides sides{mine->own, ports_.bus.head()};
    if (!mine->sid.empty()) {
        abroad_.bridge.leaves(mine->sid);
    }
    published_.erase(mine);
    tell_sides(ticket, sides, now);
}

void Crossing::hear_theirs(const Ticket &ticket, const engine::ExchangeId &by, Millis now) {
    const auto known = std::ranges::find(waited_, by, &Waited::by);
    if (known == waited_.end() || known->heard) {
        return;
    }
    known->heard = true;
    known->ticket = ticket;
    known->cut.sent = abroad_.bridge.sent();
    known->cut.last = echoed_;
    known->cut.asked = asked_;
    known->cut.heard = ports_.bus.head();
    if (Coming *session = coming(by); session != nullptr) {
        session->barrier = ++barriers_;
        session->until = now + kComing;
    }
}

std::optional<hub::Cut> Crossing::take_cut(const engine::ExchangeId &by, const Ticket &ticket) {
    const auto known = std::ranges::find(waited_, by, &Waited::by);
    if (known == waited_.end()) {
        return std::nullopt;
    }
    const bool fits = known->heard && known->ticket == ticket;
    const hub::Cut cut = known->cut;
    waited_.erase(known);
    return fits ? std::optional(cut) : std::nullopt;
}

void Crossing::on_image(Text from, const engine::ExchangeId &to, Bytes image, Millis now) {
    Reader in(as_text(image));
    const auto ticket = in.get<Ticket>();
    const Arrival arrival{std::string(from), to, take_cut(to, ticket)};
    if (const Coming *session = coming(to); session != nullptr && session->barrier != 0) {
        abroad_.bridge.comes(in.get_text(), session->barrier);
    }
    const shm::SeatRef seat{to.seat, to.seat_generation};
    if (seat == abroad_.me) {
        arrive(arrival, as_text(image), now);
        return;
    }
    std::string head(from);
    Writer out(head);
    out.put(to);
    out.put(static_cast<std::uint8_t>(arrival.cut.has_value()));
    out.put(arrival.cut.value_or(hub::Cut()));
    const std::array<Bytes, 2> pieces{as_bytes(head), image};
    if (!abroad_.post.send(seat, kArrival, pieces)) {
        confirm(arrival, ticket, false);
        on_settled(to);
    }
}

void Crossing::on_told(Text from, Bytes body, Millis now) {
    Reader in(as_text(body));
    const auto version = in.get<std::uint8_t>();
    const auto said = in.get<CrossingSaid>();
    if (!in.ok() || version != kCrossingVersion || from.size() != kHostLength) {
        return;
    }
    switch (said) {
    case CrossingSaid::barrier:
        hear_barrier(from, in, now);
        return;
    case CrossingSaid::confirm:
        hear_confirm(in, now);
        return;
    case CrossingSaid::ack:
        hear_ack(from, in);
        return;
    case CrossingSaid::acked:
        hear_acked(in);
        return;
    case CrossingSaid::claim:
        others_->on_claim(from, in, now);
        return;
    case CrossingSaid::returned:
        others_->on_returned(from, in, now);
        return;
    }
}

void Crossing::hear_ack(Text from, Reader &in) {
    const std::optional<Ticket> ticket = FarReplies::hear(in, ports_.replies);
    if (!ticket) {
        return;
    }
    std::string message;
    Writer out(message);
    put_crossing_head(out, CrossingSaid::acked);
    out.put(*ticket);
    const Bytes piece = as_bytes(message);
    static_cast<void>(ports_.relay.send(from, Topic::crossing, {&piece, 1})); // else it comes again
}

void Crossing::hear_acked(Reader &in) {
    const auto ticket = in.get<Ticket>();
    if (!in.ok()) {
        return;
    }
    if (seat_of(ticket) == abroad_.me) {
        ports_.far.on_confirmed(ticket);
    } else {
        forward(kAcked, ticket); // or it is confirmed when it has been said again
    }
}

void Crossing::hear_confirm(Reader &in, Millis now) {
    const auto ticket = in.get<Ticket>();
    const bool arrived = in.get<bool>();
    if (!in.ok()) {
        return;
    }
    if (seat_of(ticket) == abroad_.me) {
        on_confirmed(ticket, arrived, now);
    } else {
        forward(kConfirmed, ticket, arrived);
    }
}

} // namespace rt::cluster
