// SPDX-License-Identifier: BSD-2-Clause
// What the host tells other servers: a reader of the log with a cursor of its own, which moves
// when Redis has answered. An outage is a cursor that waits; what waits too long is overrun by
// the log, and counted.
#pragma once

#include "base/fifo.hpp"
#include "cluster/dialect.hpp"
#include "cluster/redis_line.hpp"
#include "hub/metrics.hpp"
#include "shm/bridge_table.hpp"
#include "shm/stream.hpp"

#include <algorithm>
#include <set>

namespace rt::cluster {

class OutboundEvents {
public:
    virtual ~OutboundEvents() = default;
    // Somebody here wants the acks of an emit: it goes out as a question. Once.
    virtual void on_ask(const hub::Envelope &envelope, Millis now) = 0;
    // One that does not go out: another holder may have sent it.
    virtual void on_stale_ask(const hub::AskerId &asker) = 0;
    // Redis has refused a message: too few rights, most likely. `text` is what it said.
    virtual void on_refused(Text text, Millis now) = 0;
};

class Outbound final : public RedisLineEvents {
public:
    // Redis has not answered: the rest of what a line takes is for others (cluster/redis_wire.hpp).
    static constexpr std::size_t kMostBytes = 12U << 20;
    static constexpr std::size_t kMostMessages = 60'000;

    struct Ports {
        Dialect &dialect;
        RedisLine &line;
        hub::Metrics &metrics;
        OutboundEvents &events;
    };

    Outbound(const Ports &ports, shm::Stream stream, shm::BridgeTable table, Text uid);

    // The line is new: goes on behind what Redis has answered, whatever was sent before.
    void start();
    // The line is lost: nothing is sent until start(), whatever the next one would take.
    void lost();
    // Others can be heard: volatile messages that waited, and questions are left out.
    void freshen() noexcept { fresh_ = stream_.head(); }
    // The line has answered somebody, and may take more.
    void unblock() noexcept { blocked_ = false; }

    // Sends what there is, `most` records at most. True: there is more, and the line takes it.
    bool work(std::size_t most, Millis now);

    void on_reply(std::uint64_t position, const wire::RespValue *reply, Millis now) override;

    // All that began here before is answered.
    [[nodiscard]] bool is_idle() const noexcept { return unanswered_.empty(); }

    // Everything that ends up to here has been handed to the line, or is not for others.
    [[nodiscard]] std::uint64_t cursor() const noexcept { return reader_.cursor(); }

    // Of what Redis has, or has been sent on this line: what is told of it next comes behind. 0:
    // nothing with a number yet.
    [[nodiscard]] std::uint64_t last_number() const noexcept {
        return std::max(said_, table_.published_number());
    }

private:
    enum class Step : std::uint8_t { done, refused, nothing };
    struct Sent {
        hub::Position end = 0;
        std::uint64_t number = 0; // 0: none
        std::size_t size = 0;
    };
    void rewind();
    Step publish(const shm::StreamReader::Next &next, Millis now);
    void say(const hub::Envelope &envelope);
    void account(std::uint64_t number);
    [[nodiscard]] bool has_room(std::size_t size) const noexcept;
    void overrun();
    void settle();
    void pop();

    Ports ports_;
    shm::Stream stream_;
    shm::BridgeTable table_;
    std::string uid_;
    shm::StreamReader reader_;
    hub::Envelope envelope_;
    PeerMessage message_;
    Publication publication_;
    Fifo<Sent> unanswered_;
    std::size_t bytes_ = 0;         // of those
    std::set<hub::Position> early_; // ends of what was answered before its turn: a Cluster's masters do
    hub::Position fresh_ = 0;       // what is volatile and ends before that is stale
    std::uint64_t last_number_;     // behind which the next one comes, if nothing is overrun
    std::uint64_t said_ = 0;        // on this line
    bool started_ = false;
    bool blocked_ = false; // the line takes no more until it has answered something
    bool overran_ = false;
};

} // namespace rt::cluster
