// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/inbound.hpp"

namespace rt::cluster {

// A broadcast that concerns nobody here is not decoded: its number is all that counts.
void Inbound::on_message(Text channel, Bytes payload, Millis now) {
    const ChannelPlace place = ports_.dialect.place_of(channel);
    if (place.kind == ChannelPlace::Kind::foreign) {
        return;
    }
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
           !ports_.roster.concerns(place.nsp, place.room);
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
    const std::uint64_t last = table_.heard_of(uid);
    if (number <= last) {
        ports_.metrics.count(hub::Metric::bus_repeated);
        return Novelty::repeated;
    }
    if (last != 0 && number > last + 1 && ports_.dialect.hears_all()) {
        ports_.metrics.add(hub::Metric::bus_missed, static_cast<std::int64_t>(number - last - 1));
        ports_.events.on_missed(uid, number - last - 1, now);
    }
    table_.set_heard(uid, number, now);
    return Novelty::fresh;
}

void Inbound::expect(Text uid, std::uint64_t number, Millis now) {
    if (ports_.dialect.hears_all() && table_.heard_of(uid) < number) {
        static_cast<void>(novelty(uid, number + 1, now));
        table_.set_heard(uid, number, now);
    }
}

void Inbound::hear(const PeerMessage &message, Millis now) {
    if (novelty(message.uid, message.number, now) != Novelty::fresh) {
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
    append(message, now);
}

void Inbound::append(const PeerMessage &message, Millis now) {
    if (const Result<hub::Position> end = ports_.bus.publish(message.envelope); !end) {
        ports_.metrics.count(hub::Metric::bus_malformed);
        ports_.events.on_malformed(message.nsp, end.error(), now);
    }
}

} // namespace rt::cluster
