// SPDX-License-Identifier: BSD-2-Clause
// One connection to a Redis, without the socket: greeting, pipelined commands, subscriptions, and
// the deadlines of all of them. Each command ends exactly once: with its own reply, or as unknown.
#pragma once

#include "base/deadlines.hpp"
#include "base/fifo.hpp"
#include "cluster/dialect.hpp"
#include "cluster/redis_trouble.hpp"
#include "wire/resp.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace rt::cluster {

struct RedisGreeting {
    std::string user; // empty: the password alone
    std::string password;
    std::uint32_t database = 0;
    std::string name;            // of the connection; no blanks; empty: none, and client_id() stays 0
    bool must_be_master = false; // asks its ROLE (behind Sentinel)
};

struct RedisWireSettings {
    RedisGreeting greeting;
    Millis command_timeout = 5000;
    Millis quiet = 1000; // nothing heard and nothing asked for so long: PING
    // What may wait: to be written, and for answers. Beyond it a command is refused as `full`.
    std::size_t output = 16U << 20;
    std::uint32_t commands = 65'536;
    wire::RespLimits replies;
};

// Why a connection is lost. The views live during the call.
struct RedisLoss {
    RedisTrouble trouble = RedisTrouble::none;
    Text command; // the greeting's, or empty
    Text text;    // what Redis answered, what the shell said, or words of ours
};

// The socket. Implemented by the shell.
class RedisPort {
public:
    virtual ~RedisPort() = default;
    // Something waits in output(): see to it that it is written before the loop sleeps. Told once
    // until all is written.
    virtual void arm() = 0;
};

// Nothing here may destroy the wire, feed it or start it again.
class RedisWireEvents {
public:
    virtual ~RedisWireEvents() = default;
    virtual void on_greeted(Millis now) = 0;
    // Once per start(), at the latest after the shell's lost(): close the socket. Before it, all
    // that had no answer was told as unknown.
    virtual void on_lost(const RedisLoss &loss, Millis now) = 0;
    // Errors, too. Of a subscription: its last confirmation. The reply lives during the call.
    virtual void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) = 0;
    // It may have been carried out, or not, or still will be.
    virtual void on_unknown(std::uint64_t cookie, Millis now) = 0;
    // By whatever kind of subscription. The views live during the call.
    virtual void on_message(Text channel, Bytes payload, Millis now) = 0;
    // A shard channel whose slot has left this server: subscribe at its new owner.
    virtual void on_dropped(Text channel, Millis now) = 0;
};

class RedisWire final {
public:
    RedisWire(Deadlines &deadlines, RedisPort &port, RedisWireEvents &events, RedisWireSettings settings);
    RedisWire(const RedisWire &) = delete;
    RedisWire &operator=(const RedisWire &) = delete;
    ~RedisWire() = default;

    // A new connection: says the greeting. Also after a loss. command_timeout counts from here.
    void start(Millis now);

    // A connection of a former worker, greeted and subscribed, whose next byte begins a reply. What
    // its former owner still had coming (confirmations, pongs) is passed over. on_greeted is told
    // when it has answered; messages come before.
    void adopt(std::uint64_t client_id, Millis now);

    // What was received. Returns how many of the bytes fed so far and not yet returned belong to
    // whole replies that have been dealt with: who peeks may take so many out of the socket, and
    // feeds next what lies pending() bytes behind that. Who does not peek ignores both.
    std::size_t feed(Bytes bytes, Millis now);
    [[nodiscard]] std::size_t pending() const noexcept { return reader_.pending(); }

    // What waits to be written; and that so much of it was.
    [[nodiscard]] Text output() const noexcept { return Text(out_).substr(written_); }
    void wrote(std::size_t bytes);

    // The connection is gone; the text says why.
    void lost(Text why, Millis now);

    // `words`: at least one. unavailable: not greeted, stopped or lost. full: too much waits, where a
    // single command may have any size. unsupported: the connection hears (RESP2).
    Result<void> command(std::uint64_t cookie, std::span<const Text> words, Millis now);
    Result<void> command(std::uint64_t cookie, std::initializer_list<Text> words, Millis now) {
        return command(cookie, std::span(words.begin(), words.size()), now);
    }
    // One command for at least one name; errors as above. From the first subscription on, the
    // connection hears: it takes no other commands. An error reply means none of the names.
    Result<void> subscribe(std::uint64_t cookie, Subscription::Kind kind, std::span<const Text> names,
                           Millis now);
    Result<void> unsubscribe(std::uint64_t cookie, Subscription::Kind kind, std::span<const Text> names,
                             Millis now);

    // Names asked for, and neither confirmed nor refused.
    [[nodiscard]] std::size_t unconfirmed() const noexcept { return unconfirmed_; }

    // Unsubscribes from all, says QUIT. Answers still come; on_lost comes with `stopped`, also where
    // Redis or the deadline ends it first.
    void stop(Millis now);

    [[nodiscard]] bool ready() const noexcept { return phase_ == Phase::ready; }
    // A subscription was asked for, or adopted.
    [[nodiscard]] bool hears() const noexcept { return hears_; }
    // Commands without an answer, and what waits to be written.
    [[nodiscard]] std::uint32_t unanswered() const noexcept { return asked_.size(); }
    [[nodiscard]] std::size_t waiting() const noexcept { return out_.size() - written_; }
    // Of CLIENT ID: for CLIENT KILL ID. 0 before it is known.
    [[nodiscard]] std::uint64_t client_id() const noexcept { return client_id_; }
    [[nodiscard]] const RedisWireSettings &settings() const noexcept { return settings_; }

private:
    enum class Phase : std::uint8_t { idle, greeting, adopting, ready, stopping, lost };
    enum class Ask : std::uint8_t {
        auth,
        select,
        set_name,
        get_id,
        role,
        ping,
        adopted, // the PING behind which all answers are ours
        command,
        subscribe,
        unsubscribe,
        quit,
    };

    // One command, in the order in which answers come.
    struct Asked {
        std::uint64_t cookie = 0;
        Millis since = 0;
        std::uint32_t left = 1; // replies
        Ask ask = Ask::command;
    };

    struct Timer final : Deadline {
        explicit Timer(RedisWire &owner_) : owner(owner_) {}
        void on_deadline(Millis now) override { owner.on_time(now); }
        RedisWire &owner;
    };

    [[nodiscard]] bool alive() const noexcept { return phase_ != Phase::idle && phase_ != Phase::lost; }
    void reset(Phase phase, Millis now);
    void greet(Millis now);
    void say(Ask ask, std::initializer_list<Text> words, Millis now);
    void ping(Ask ask, Millis now);
    [[nodiscard]] Result<void> room(std::size_t bytes) const noexcept;
    Result<void> change(Asked asked, Text verb, std::span<const Text> names);
    void expect(Asked asked);
    void arm();
    void watch(Millis now);
    void on_time(Millis now);

    void heard(const wire::RespValue &reply, Millis now);
    bool heard_push(const wire::RespValue &reply, Millis now);
    void answered(const wire::RespValue &reply, Millis now);
    void answered_step(const wire::RespValue &reply, Millis now);
    void answered_ping(const wire::RespValue &reply, Millis now);
    void answered_adopted(const wire::RespValue &reply, Millis now);
    void answered_change(const wire::RespValue &reply, Millis now);
    void answered_quit(const wire::RespValue &reply, Millis now);
    [[nodiscard]] bool is_pong(const wire::RespValue &reply) const;
    void greeted(Millis now);
    void finish(const wire::RespValue &reply, Millis now);
    void lose(const RedisLoss &loss, Millis now);
    void lose_protocol(Text text, Millis now) { lose({RedisTrouble::protocol, {}, text}, now); }

    Deadlines &deadlines_;
    RedisPort &port_;
    RedisWireEvents &events_;
    RedisWireSettings settings_;
    wire::RespReader reader_;
    Timer timer_;
    Fifo<Asked> asked_;
    Fifo<std::string> leaving_; // names that are being unsubscribed
    std::string out_;
    std::size_t written_ = 0;
    Millis heard_at_ = 0;
    std::uint64_t client_id_ = 0;
    std::uint64_t returned_ = 0; // bytes that feed() has returned
    std::uint64_t token_ = 0;    // of the last PING
    std::size_t unconfirmed_ = 0;
    Phase phase_ = Phase::idle;
    bool hears_ = false;   // has asked for a subscription
    bool hearing_ = false; // one was confirmed: messages come
    bool armed_ = false;
};

} // namespace rt::cluster
