// SPDX-License-Identifier: BSD-2-Clause
// RedisWire: what is heard. Answers come in the order of the commands; messages come in between.
#include "cluster/redis_wire.hpp"

#include "base/text.hpp"

#include <utility>

namespace rt::cluster {

using wire::RespKind;
using wire::RespValue;

namespace {

bool is_subscribed(Text verb) noexcept {
    return verb == "subscribe" || verb == "psubscribe" || verb == "ssubscribe";
}

bool is_unsubscribed(Text verb) noexcept {
    return verb == "unsubscribe" || verb == "punsubscribe" || verb == "sunsubscribe";
}

} // namespace

void RedisWire::heard(const RespValue &reply, Millis now) {
    if (hearing_ && heard_push(reply, now)) {
        return;
    }
    if (!asked_.empty()) {
        answered(reply, now);
    } else if (reply.is(RespKind::error)) {
        lose({trouble_of(reply.text()), {}, reply.text()}, now); // why Redis is about to close
    } else {
        lose_protocol("an answer to nothing", now);
    }
}

// False: it is no message but an answer.
bool RedisWire::heard_push(const RespValue &reply, Millis now) {
    const std::size_t size = reply.size();
    if (size != 3 && size != 4) {
        return false;
    }
    auto each = reply.begin();
    const Text verb = (*each).text();
    const bool by_pattern = size == 4 && verb == "pmessage";
    if (by_pattern) {
        ++each; // what stands there is the pattern
    }
    ++each;
    const Text channel = (*each).text();
    if (by_pattern || (size == 3 && (verb == "message" || verb == "smessage"))) {
        ++each;
        events_.on_message(channel, as_bytes((*each).text()), now);
        return true;
    }
    const bool expected = !leaving_.empty() && leaving_.front() == channel;
    if (size == 3 && verb == "sunsubscribe" && !expected) {
        if (phase_ != Phase::stopping) {
            events_.on_dropped(channel, now);
        }
        return true;
    }
    return false;
}

void RedisWire::answered(const RespValue &reply, Millis now) {
    switch (asked_.front().ask) {
    case Ask::command:
        finish(reply, now);
        break;
    case Ask::subscribe:
    case Ask::unsubscribe:
        answered_change(reply, now);
        break;
    case Ask::ping:
        answered_ping(reply, now);
        break;
    case Ask::adopted:
        answered_adopted(reply, now);
        break;
    case Ask::quit:
        answered_quit(reply, now);
        break;
    default:
        answered_step(reply, now);
        break;
    }
}

// Of the greeting.
void RedisWire::answered_step(const RespValue &reply, Millis now) {
    static constexpr Text names[] = {"AUTH", "SELECT", "CLIENT SETNAME", "CLIENT ID", "ROLE"};
    const Ask ask = asked_.front().ask;
    const Text command = names[static_cast<std::size_t>(ask)];
    if (reply.is(RespKind::error)) {
        lose({trouble_of(reply.text()), command, reply.text()}, now);
        return;
    }
    if (ask == Ask::role && reply[0].text() != "master") {
        lose({RedisTrouble::not_master, command, reply[0].text()}, now);
        return;
    }
    if (ask == Ask::get_id) {
        client_id_ = static_cast<std::uint64_t>(reply.integer());
    }
    const RespKind wanted = ask == Ask::role     ? RespKind::array
                            : ask == Ask::get_id ? RespKind::integer
                                                 : RespKind::status;
    if (!reply.is(wanted)) {
        lose_protocol("a strange answer to the greeting", now);
        return;
    }
    asked_.pop();
}

// The token; where something is subscribed to, in an array.
bool RedisWire::is_pong(const RespValue &reply) const {
    const bool array = reply.size() == 2 && reply[0].text() == "pong";
    const auto number = parse_number(array ? reply[1].text() : reply.text());
    return number && *number == token_;
}

void RedisWire::answered_ping(const RespValue &reply, Millis now) {
    const RedisTrouble trouble = reply.is(RespKind::error) ? trouble_of(reply.text()) : RedisTrouble::none;
    // Later an error is a sign of life, too: a script may run.
    if (trouble != RedisTrouble::none &&
        (phase_ == Phase::greeting || trouble == RedisTrouble::unauthorized)) {
        lose({trouble, "PING", reply.text()}, now);
        return;
    }
    if (trouble == RedisTrouble::none && !is_pong(reply)) {
        lose_protocol("a strange answer to PING", now);
        return;
    }
    asked_.pop();
    if (phase_ == Phase::greeting) {
        greeted(now);
    }
}

// All before our own pong was asked by the former owner.
void RedisWire::answered_adopted(const RespValue &reply, Millis now) {
    if (!is_pong(reply)) {
        return;
    }
    asked_.pop();
    if (phase_ == Phase::adopting) {
        greeted(now);
    }
}

void RedisWire::greeted(Millis now) {
    phase_ = Phase::ready;
    events_.on_greeted(now);
    if (alive()) {
        watch(now);
    }
}

// One confirmation for each name, or one error for all of them.
void RedisWire::answered_change(const RespValue &reply, Millis now) {
    Asked &head = asked_.front();
    const bool subscribes = head.ask == Ask::subscribe;
    const bool refused = reply.is(RespKind::error);
    const Text verb = reply[0].text();
    if (!refused && (reply.size() != 3 || !(subscribes ? is_subscribed(verb) : is_unsubscribed(verb)))) {
        lose_protocol("a strange answer to a subscription", now);
        return;
    }
    const std::uint32_t count = refused ? head.left : 1;
    head.left -= count;
    hearing_ = hearing_ || (subscribes && !refused);
    unconfirmed_ -= subscribes ? count : 0;
    for (std::uint32_t i = 0; !subscribes && i < count; ++i) {
        leaving_.pop();
    }
    if (head.left == 0) {
        finish(reply, now);
    }
}

// Before it come as many confirmations as there were subscriptions, or an error for a command
// that this Redis does not know.
void RedisWire::answered_quit(const RespValue &reply, Millis now) {
    if (reply.is(RespKind::status)) {
        lose({RedisTrouble::stopped, {}, words_for(RedisTrouble::stopped)}, now);
    }
}

void RedisWire::finish(const RespValue &reply, Millis now) {
    const std::uint64_t cookie = asked_.front().cookie;
    asked_.pop();
    events_.on_reply(cookie, reply, now);
}

} // namespace rt::cluster
