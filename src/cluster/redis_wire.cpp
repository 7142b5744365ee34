// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/redis_wire.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace rt::cluster {

using wire::RespCommand;
using wire::RespKind;
using wire::RespValue;

namespace {

constexpr std::size_t kWordOverhead = 16;       // at most, of a bulk string's frame
constexpr std::size_t kKeptOutput = 256U << 10; // of the memory for a long output
constexpr std::size_t kWorthMoving = 64U << 10; // of output that is written
constexpr Millis kGrain = 50;                   // of a deadline that is set again

// By Subscription::Kind.
constexpr std::array<Text, 3> kSubscribe{"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"};
constexpr std::array<Text, 3> kUnsubscribe{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"};

std::size_t size_of(std::span<const Text> words) noexcept {
    std::size_t size = kWordOverhead;
    for (const Text word : words) {
        size += word.size() + kWordOverhead;
    }
    return size;
}

// A number in decimal, without an allocation.
struct Digits {
    explicit Digits(std::uint64_t number) noexcept {
        end = std::to_chars(raw.data(), raw.data() + raw.size(), number).ptr;
    }
    [[nodiscard]] Text text() const noexcept {
        return {raw.data(), static_cast<std::size_t>(end - raw.data())};
    }
    std::array<char, 20> raw{};
    char *end;
};

} // namespace

RedisWire::RedisWire(Deadlines &deadlines, RedisPort &port, RedisWireEvents &events,
                     RedisWireSettings settings)
    : deadlines_(deadlines), port_(port), events_(events), settings_(std::move(settings)),
      reader_(settings_.replies), timer_(*this) {}

void RedisWire::reset(Phase phase, Millis now) {
    lose({RedisTrouble::stopped, {}, "started again"}, now);
    reader_.reset();
    armed_ = hears_ = hearing_ = false;
    client_id_ = returned_ = 0;
    heard_at_ = now;
    phase_ = phase;
}

void RedisWire::start(Millis now) {
    reset(Phase::greeting, now);
    greet(now);
    watch(now);
}

void RedisWire::adopt(std::uint64_t client_id, Millis now) {
    reset(Phase::adopting, now);
    client_id_ = client_id;
    hears_ = hearing_ = true;
    ping(Ask::adopted, now);
    watch(now);
}

// In one piece. The first that is refused decides; PING comes last and tells of a server that takes
// connections and cannot serve yet.
void RedisWire::greet(Millis now) {
    const RedisGreeting &greeting = settings_.greeting;
    if (!greeting.user.empty()) {
        say(Ask::auth, {"AUTH", greeting.user, greeting.password}, now);
    } else if (!greeting.password.empty()) {
        say(Ask::auth, {"AUTH", greeting.password}, now);
    }
    if (greeting.database != 0) {
        say(Ask::select, {"SELECT", Digits(greeting.database).text()}, now);
    }
    if (!greeting.name.empty()) {
        say(Ask::set_name, {"CLIENT", "SETNAME", greeting.name}, now);
        say(Ask::get_id, {"CLIENT", "ID"}, now);
    }
    if (greeting.must_be_master) {
        say(Ask::role, {"ROLE"}, now);
    }
    ping(Ask::ping, now);
}

void RedisWire::say(Ask ask, std::initializer_list<Text> words, Millis now) {
    RespCommand::append(out_, words);
    Asked asked;
    asked.ask = ask;
    asked.since = now;
    expect(asked);
}

// The token grows with the host's clock: no former owner of an adopted connection has used it.
void RedisWire::ping(Ask ask, Millis now) {
    token_ = std::max(token_ + 1, static_cast<std::uint64_t>(now));
    say(ask, {"PING", Digits(token_).text()}, now);
}

Result<void> RedisWire::room(std::size_t bytes) const noexcept {
    if (phase_ != Phase::ready) {
        return {Code::unavailable, "Redis is not connected"};
    }
    if (asked_.size() >= settings_.commands) {
        return {Code::full, "too many commands wait for Redis"};
    }
    if (waiting() != 0 && waiting() + bytes > settings_.output) {
        return {Code::full, "too much waits to be sent to Redis"};
    }
    return {};
}

Result<void> RedisWire::command(std::uint64_t cookie, std::span<const Text> words, Millis now) {
    if (const auto fits = room(size_of(words)); !fits) {
        return fits;
    }
    if (hears_) {
        return {Code::unsupported, "a connection that hears takes no commands"};
    }
    RespCommand::append(out_, words);
    Asked asked;
    asked.cookie = cookie;
    asked.since = now;
    expect(asked);
    watch(now);
    return {};
}

Result<void> RedisWire::subscribe(std::uint64_t cookie, Subscription::Kind kind, std::span<const Text> names,
                                  Millis now) {
    Asked asked;
    asked.cookie = cookie;
    asked.since = now;
    asked.ask = Ask::subscribe;
    return change(asked, kSubscribe[static_cast<std::size_t>(kind)], names);
}

Result<void> RedisWire::unsubscribe(std::uint64_t cookie, Subscription::Kind kind,
                                    std::span<const Text> names, Millis now) {
    Asked asked;
    asked.cookie = cookie;
    asked.since = now;
    asked.ask = Ask::unsubscribe;
    return change(asked, kUnsubscribe[static_cast<std::size_t>(kind)], names);
}

Result<void> RedisWire::change(Asked asked, Text verb, std::span<const Text> names) {
    if (names.empty()) {
        return {Code::not_found, "no name to subscribe to"};
    }
    if (const auto fits = room(size_of(names)); !fits) {
        return fits;
    }
    RespCommand out(out_, names.size() + 1);
    out.add(verb);
    for (const Text name : names) {
        out.add(name);
        if (asked.ask == Ask::unsubscribe) {
            leaving_.push(std::string(name));
        }
    }
    asked.left = static_cast<std::uint32_t>(names.size());
    if (asked.ask == Ask::subscribe) {
        hears_ = true;
        unconfirmed_ += names.size();
    }
    expect(asked);
    watch(asked.since);
    return {};
}

void RedisWire::stop(Millis now) {
    if (!alive() || phase_ == Phase::stopping) {
        return;
    }
    phase_ = Phase::stopping;
    if (hears_) {
        for (const Text verb : kUnsubscribe) {
            RespCommand::append(out_, {verb});
        }
    }
    say(Ask::quit, {"QUIT"}, now);
    watch(now);
}

void RedisWire::expect(Asked asked) {
    asked_.push(asked);
    arm();
}

void RedisWire::arm() {
    if (!armed_) {
        armed_ = true;
        port_.arm();
    }
}

void RedisWire::wrote(std::size_t bytes) {
    written_ = std::min(written_ + bytes, out_.size());
    if (written_ < out_.size()) {
        if (written_ >= kWorthMoving && written_ >= out_.size() / 2) {
            out_.erase(0, written_);
            written_ = 0;
        }
        return;
    }
    if (out_.capacity() > kKeptOutput) {
        out_ = {};
    }
    out_.clear();
    written_ = 0;
    armed_ = false;
}

// One timer for the oldest command, or else for the silence. It is not touched while things go
// well: it finds out when it fires that there is more time.
void RedisWire::watch(Millis now) {
    const Millis due =
        asked_.empty() ? heard_at_ + settings_.quiet
                       : std::min(asked_.front().since + settings_.command_timeout, now + settings_.quiet);
    if (timer_.due() <= due) {
        return;
    }
    Millis length = std::max<Millis>(due - now, 0);
    if (length != settings_.quiet && length != settings_.command_timeout) {
        length += (kGrain - length % kGrain) % kGrain;
    }
    deadlines_.start(timer_, now, length);
}

void RedisWire::on_time(Millis now) {
    if (asked_.empty() && now - heard_at_ >= settings_.quiet) {
        ping(Ask::ping, now);
    } else if (!asked_.empty() && now - asked_.front().since >= settings_.command_timeout) {
        lose({RedisTrouble::timeout, {}, words_for(RedisTrouble::timeout)}, now);
        return;
    }
    watch(now);
}

std::size_t RedisWire::feed(Bytes bytes, Millis now) {
    if (!alive()) {
        return 0;
    }
    heard_at_ = now;
    reader_.feed(bytes);
    while (alive()) {
        const RespValue reply = reader_.next();
        if (!reply) {
            break;
        }
        heard(reply, now);
    }
    if (alive() && reader_.error().code != Code::ok) {
        lose_protocol(reader_.error().where, now);
    }
    const std::uint64_t before = std::exchange(returned_, reader_.consumed());
    return static_cast<std::size_t>(returned_ - before);
}

void RedisWire::lost(Text why, Millis now) { lose({RedisTrouble::closed, {}, why}, now); }

// `reply` and the texts of a loss may lie in the reader: it stays as it is until the next start.
void RedisWire::lose(const RedisLoss &loss, Millis now) {
    if (!alive()) {
        return;
    }
    const bool stopped = phase_ == Phase::stopping;
    phase_ = Phase::lost;
    timer_.stop();
    leaving_.clear();
    out_ = {};
    written_ = unconfirmed_ = 0;
    for (Fifo<Asked> left = std::move(asked_); !left.empty(); left.pop()) {
        const Asked &asked = left.front();
        if (asked.ask >= Ask::command && asked.ask != Ask::quit) {
            events_.on_unknown(asked.cookie, now);
        }
    }
    events_.on_lost(stopped ? RedisLoss{RedisTrouble::stopped, loss.command, loss.text} : loss, now);
}

} // namespace rt::cluster
