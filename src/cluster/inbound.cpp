// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/inbound.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

Inbound::Inbound(const Ports &ports, shm::BridgeTable table, Text uid)
    : ports_(ports), table_(table), uid_(uid), takes_over_(table.has_joined()) {
    ports_.bus.settle();
}

const OrderedRooms &Inbound::ordered(Millis now) {
    if (std::exchange(takes_over_, false)) {
        ordered_.add_all(now);
    }
    ordered_.forget(now);
    return ordered_;
}

// What the log does not get is heard all the same.
void Inbound::on_message(Text channel, Bytes payload, Millis now) {
    const ChannelPlace place = ports_.dialect.place_of(channel);
    if (place.kind == ChannelPlace::Kind::foreign) {
        return;
    }
    channel_ = channel;
    static_cast<void>(ordered(now));
    let_in(channel, payload, place, now);
    if (heard_) {
        table_.set_heard(heard_->uid, heard_->of);
        heard_.reset();
    }
}

// A broadcast that concerns nobody here is not decoded: its number is all that counts.
void Inbound::let_in(Text channel, Bytes payload, const ChannelPlace &place, Millis now) {
    if (is_for_nobody(place)) {
        skip(payload, now);
        return;
    }
    const Result<const PeerMessage *> heard = ports_.dialect.hear(channel, payload);
    if (heard) {
        hear(**heard, now);
    } else if (heard.code() != Code::not_found) {
        ports_.metrics.count(hub::Metric::bus_malformed);
        ports_.events.on_malformed(channel, heard.error(), now);
    }
}

bool Inbound::is_for_nobody(const ChannelPlace &place) {
    return place.kind == ChannelPlace::Kind::broadcast && !place.room.empty() &&
           !concerns(place.nsp, place.room);
}

bool Inbound::concerns(Text nsp, Text room) {
    return ports_.roster.concerns(nsp, room) || ordered_.has(nsp, room);
}

void Inbound::skip(Bytes payload, Millis now) {
    const PeerUid sender = ports_.dialect.sender_of(payload);
    if (novelty(sender.uid, sender.number, now) != Novelty::own) {
        ports_.metrics.count(hub::Metric::bus_unconcerned);
    }
}

Inbound::Novelty Inbound::novelty(Text uid, std::uint64_t number, Millis now) {
    if (uid == uid_) {
        if (number != 0) {
            ports_.events.on_echo(number);
        }
        return Novelty::own;
    }
    if (number == 0) {
        return Novelty::fresh;
    }
    const shm::HeardOf known = table_.heard_of(uid);
    if (disorder_) {
        return novelty_in_slot(uid, number, now);
    }
    const bool next = number == known.number + 1;
    if (number <= known.number || (number == known.told && !next)) {
        ports_.metrics.count(hub::Metric::bus_repeated);
        return Novelty::repeated;
    }
    if (!is_credible(known, number, now)) {
        disbelieve(uid, now);
        return Novelty::fresh;
    }
    // What leaps is believed with the one that follows it: a forged number silences nobody.
    if (next || number == known.told + 1 || !ports_.dialect.hears_all()) {
        heard_ = {uid, {number, number, now}};
        return Novelty::fresh;
    }
    const std::uint64_t last = number > known.told ? std::max(known.number, known.told) : known.number;
    if (last != 0) {
        miss(uid, number - last - 1, now);
    }
    heard_ = {uid, {known.number, number, now}};
    return Novelty::fresh;
}

Inbound::Novelty Inbound::novelty_in_slot(Text uid, std::uint64_t number, Millis now) {
    const shm::HeardOf known = table_.heard_of(uid);
    if (!is_credible(known, number, now)) {
        disbelieve(uid, now);
        return Novelty::fresh;
    }
    if (!slots_.is_new(uid, channel_, number)) {
        ports_.metrics.count(hub::Metric::bus_repeated);
        return Novelty::repeated;
    }
    const std::uint64_t highest = std::max(known.number, number);
    heard_ = {uid, {highest, highest, now}};
    return Novelty::fresh;
}

bool Inbound::is_credible(const shm::HeardOf &known, std::uint64_t number, Millis now) const noexcept {
    const std::uint64_t last = std::max(known.number, known.told);
    const auto elapsed = static_cast<std::uint64_t>(std::max<Millis>(now - known.at, 0) + 1000);
    return last == 0 || number <= last || number - last <= elapsed * kMostPerMilli;
}

void Inbound::miss(Text uid, std::uint64_t count, Millis now) {
    ports_.metrics.add(hub::Metric::bus_missed, static_cast<std::int64_t>(count));
    ports_.events.on_missed(uid, count, now);
}

void Inbound::disbelieve(Text uid, Millis now) {
    ports_.metrics.count(hub::Metric::bus_malformed);
    ports_.events.on_malformed(uid, {Code::protocol, "a number that it cannot have reached"}, now);
}

void Inbound::expect(Text uid, std::uint64_t last, Millis now) {
    const shm::HeardOf known = table_.heard_of(uid);
    if (!is_credible(known, last, now)) {
        disbelieve(uid, now);
        return;
    }
    // A hello may be slower than what is said behind it where they go by different ways.
    const std::uint64_t ahead = disorder_ ? kMostPerMilli * 1000 : 0;
    if (last + ahead < known.number) {
        doubt(uid, last, now);
        return;
    }
    doubted_.erase(std::string(uid));
    const std::uint64_t before = std::max(known.number, known.told);
    if (!ports_.dialect.hears_all() || last <= before) {
        return;
    }
    if (before != 0) {
        miss(uid, last - before, now);
    }
    table_.set_heard(uid, {known.number, last, now});
}

// For a moment that is as it should be: who has just taken the bridge there does not know how much
// of what it says again has been heard.
void Inbound::doubt(Text uid, std::uint64_t last, Millis now) {
    const auto [entry, fresh] = doubted_.try_emplace(std::string(uid), now);
    if (!fresh && now - entry->second >= kDoubt) {
        doubted_.erase(entry);
        slots_.forget(uid);
        table_.set_heard(uid, {last, last, now});
        miss(uid, 1, now); // at least: what it said was taken for repeats
    }
}

void Inbound::hear(const PeerMessage &message, Millis now) {
    const Novelty seen = novelty(message.uid, message.number, now);
    if (seen == Novelty::own && message.says == Says::ask) {
        ports_.events.on_own_ask(message.request_id);
    }
    if (seen != Novelty::fresh) {
        return;
    }
    ports_.metrics.count(hub::Metric::bus_in);
    switch (message.says) {
    case Says::broadcast:
        append(message, now);
        return;
    case Says::join:
    case Says::leave:
    case Says::disconnect:
        order(message, now);
        return;
    default:
        break;
    }
    if (is_answer(message.says)) {
        ports_.events.on_peer_answer(message, now);
    } else {
        ports_.events.on_question(message, now);
    }
}

// In the old form it is answered by the one server that has the socket, and ignored by others.
void Inbound::order(const PeerMessage &message, Millis now) {
    if (message.old_form) {
        const std::vector<Text> &to = message.envelope.to;
        if (to.size() != 1 || !ports_.roster.find_socket(to.front())) {
            return;
        }
        ports_.events.on_old_order(message, now);
    }
    if (message.says == Says::join) {
        expect_members(message.envelope, now);
    }
    append(message, now);
}

// The workers obey when they come to it in the log; what is said next to the rooms stands behind it.
void Inbound::expect_members(const hub::Envelope &order, Millis now) {
    const auto here = [&](Text room) { return concerns(order.nsp, room); };
    if (order.to.empty() || std::ranges::any_of(order.to, here)) {
        ordered_.add(order, now);
        ports_.events.on_ordered(order.nsp, order.rooms);
    }
}

void Inbound::append(const PeerMessage &message, Millis now) {
    const Result<hub::Position> end = ports_.bus.publish(message.envelope, heard_ ? &*heard_ : nullptr);
    if (end) {
        heard_.reset();
    } else {
        ports_.metrics.count(hub::Metric::bus_malformed);
        ports_.events.on_malformed(message.nsp, end.error(), now);
    }
}

} // namespace rt::cluster
