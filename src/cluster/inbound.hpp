// SPDX-License-Identifier: BSD-2-Clause
// What the host hears of other servers: broadcasts and orders go into the log, each once;
// questions and answers to those who deal with them.
#pragma once

#include "cluster/dialect.hpp"
#include "cluster/log_bus.hpp"
#include "cluster/ordered_rooms.hpp"
#include "cluster/slot_numbers.hpp"
#include "hub/metrics.hpp"
#include "shm/bridge_table.hpp"
#include "shm/roster.hpp"

#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace rt::cluster {

class InboundEvents {
public:
    virtual ~InboundEvents() = default;
    // A question to this host, and an answer to one of its own.
    virtual void on_question(const PeerMessage &message, Millis now) = 0;
    virtual void on_peer_answer(const PeerMessage &message, Millis now) = 0;
    // An order in the old form was for a socket of ours.
    virtual void on_old_order(const PeerMessage &message, Millis now) = 0;
    // Sockets of this host will be in these rooms: whoever follows them has to hear them.
    virtual void on_ordered(Text nsp, std::span<const Text> rooms) = 0;
    // This host's own broadcast, come back: how others have its order.
    virtual void on_echo(std::uint64_t number) = 0;
    // The same of its own question to clients.
    virtual void on_own_ask(Text request_id) = 0;
    // That host has said so many things that never came here.
    virtual void on_missed(Text uid, std::uint64_t count, Millis now) = 0;
    // It made no sense, or found no room. A few words for the log.
    virtual void on_malformed(Text channel, const Error &error, Millis now) = 0;
};

class Inbound {
public:
    struct Ports {
        Dialect &dialect;
        LogBus &bus;
        shm::Roster &roster;
        hub::Metrics &metrics;
        InboundEvents &events;
    };

    Inbound(const Ports &ports, shm::BridgeTable table, Text uid);

    // What comes on different channels comes in no order (a Redis Cluster's shard channels).
    void expect_disorder() noexcept { disorder_ = true; }

    void on_message(Text channel, Bytes payload, Millis now);

    // That host says that this is its last number: is there anything before it that never came?
    // Nobody knows where not everything is heard.
    void expect(Text uid, std::uint64_t last, Millis now);
    // Rooms that sockets are being ordered into.
    [[nodiscard]] const OrderedRooms &ordered(Millis now);

    // It is gone.
    void forget(Text uid) { doubted_.erase(std::string(uid)); }

    // No host says more in a millisecond. Whoever names a higher number than it can have reached is
    // not believed: all that it really says would be taken for repeats.
    static constexpr std::uint64_t kMostPerMilli = 1000;
    static constexpr Millis kDoubt = 2000; // says a host less than was heard of it for so long, that
                                           // was not its own

private:
    enum class Novelty : std::uint8_t { fresh, repeated, own };
    [[nodiscard]] Novelty novelty(Text uid, std::uint64_t number, Millis now);
    [[nodiscard]] bool is_credible(const shm::HeardOf &known, std::uint64_t number,
                                   Millis now) const noexcept;
    void miss(Text uid, std::uint64_t count, Millis now);
    void disbelieve(Text uid, Millis now);
    void doubt(Text uid, std::uint64_t last, Millis now);
    [[nodiscard]] Novelty novelty_in_slot(Text uid, std::uint64_t number, Millis now);
    [[nodiscard]] bool concerns(Text nsp, Text room);
    [[nodiscard]] bool is_for_nobody(const ChannelPlace &place);
    void expect_members(const hub::Envelope &order, Millis now);
    void let_in(Text channel, Bytes payload, const ChannelPlace &place, Millis now);
    void skip(Bytes payload, Millis now);
    void hear(const PeerMessage &message, Millis now);
    void order(const PeerMessage &message, Millis now);
    void append(const PeerMessage &message, Millis now);

    Ports ports_;
    shm::BridgeTable table_;
    std::string uid_;
    std::unordered_map<std::string, Millis> doubted_; // since when
    SlotNumbers slots_;
    OrderedRooms ordered_;
    bool takes_over_ = false; // from somebody who may have heard orders
    Text channel_;            // of the message that is dealt with
    bool disorder_ = false;
    std::optional<LogBus::Heard> heard_; // with the message that is dealt with, if it is let in
};

} // namespace rt::cluster
