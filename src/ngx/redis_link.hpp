// SPDX-License-Identifier: BSD-2-Clause
// One connection to Redis that is there whenever Redis is: found (Sentinel, Cluster, names), made,
// greeted, lost, made again by the schedule, and told of in the log, once per event.
#pragma once

#include "cluster/redis_nodes.hpp"
#include "cluster/redis_schedule.hpp"
#include "cluster/redis_wire.hpp"
#include "ngx/redis_socket.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace rt::ngx {

class Worker;

// As of the wire: on_greeted when it can be used, on_lost for each attempt that failed and each
// connection that ended, behind which it tries again by itself. None of them may destroy the link,
// or open, adopt or close it.
class RedisLinkEvents : public cluster::RedisWireEvents {
public:
    // It does not try any more: `tries=` are used up.
    virtual void on_gave_up(Millis now) { static_cast<void>(now); }
    // Asked before anything is read, taken out of the socket or written. False: another worker has
    // taken the role over while this one was stopped; the link then waits to be closed.
    [[nodiscard]] virtual bool is_ours() const noexcept { return true; }
    // true: the first part of a reply has been taken out of the socket, and the rest not. In peek mode;
    // as of Role::marks.
    virtual void on_torn(bool torn) { static_cast<void>(torn); }
};

// What the status shows of a connection.
struct RedisLinkStatus {
    Millis since = 0;             // in this state
    std::uint64_t reconnects = 0; // greeted again after a loss
    std::string address;          // with which it talks, or talked last
    std::string error;            // the last one
};

// Of a connection in CLIENT LIST, without blanks, which Redis does not take. `app`: or empty.
[[nodiscard]] std::string connection_name(Text node, Text app, Text role);

class RedisLink final : private RedisSocketEvents,
                        private cluster::RedisPort,
                        private cluster::RedisWireEvents,
                        private Deadline {
public:
    // `name`: "pub", "sub" or "cmd". The connection's name in CLIENT LIST is rt:<node>:<role>, or
    // rt:<node>:<app>:<role> with an `app`. `peek`: its socket can be taken over by another process
    // (not with TLS). `node`: it talks to this node of a Cluster and to no other.
    struct Role {
        Text name;
        bool peek = false;
        Text app = {};
        const cluster::RedisAddress *node = nullptr;
        // It is torn also while what came is dealt with: whoever meets it again could not tell.
        bool marks = false;
    };

    // The block lives as long as the cycle.
    RedisLink(Worker &worker, const RedisBlock &block, Role role, RedisLinkEvents &events);
    RedisLink(const RedisLink &) = delete;
    RedisLink &operator=(const RedisLink &) = delete;
    ~RedisLink();

    // Connects, and goes on trying. Nothing is told before this returns.
    void open(Millis now);

    // Goes on with a connection of another worker: greeted, subscribed, plain, at a reply's
    // beginning. The descriptor is ours from here on. False: it is of no use, and open() is called
    // for.
    [[nodiscard]] bool adopt(int descriptor, std::uint64_t client_id, Millis now);

    // Unsubscribes, says QUIT and does not come back; on_lost with `stopped` when that is done. The
    // worker's end needs not wait for it.
    void quit(Millis now);

    // At once, without a word to Redis or to the events; what waits to be written is tried once.
    // Whoever has a duplicate of the descriptor goes on.
    void close() noexcept;

    // As if the connection had been lost: it is made anew after the first delay.
    void reset(Text why, Millis now);

    // Its commands and subscriptions.
    [[nodiscard]] cluster::RedisWire &wire() noexcept { return wire_; }
    [[nodiscard]] bool up() const noexcept { return wire_.ready(); }

    // To be duplicated; -1 while not connected, and with TLS.
    [[nodiscard]] int descriptor() const noexcept;

    [[nodiscard]] const RedisLinkStatus &status() const noexcept { return status_; }
    // Cluster: which node has which slot. Sentinel: who is asked.
    [[nodiscard]] cluster::RedisNodes &nodes() noexcept { return nodes_; }

private:
    class Sentinel; // the short connection that asks one

    // RedisSocketEvents
    void on_open(Millis now) override;
    std::size_t on_bytes(Bytes bytes, Millis now) override;
    Text output() override;
    void wrote(std::size_t bytes) override;
    void on_torn(bool torn) override;
    [[nodiscard]] bool is_ours() const noexcept override;
    void on_closed(const std::string &why, Millis now) override;

    // RedisPort
    void arm() override { socket_.arm(); }

    // RedisWireEvents
    void on_greeted(Millis now) override;
    void on_lost(const cluster::RedisLoss &loss, Millis now) override;
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override;
    void on_unknown(std::uint64_t cookie, Millis now) override;
    void on_message(Text channel, Bytes payload, Millis now) override;
    void on_dropped(Text channel, Millis now) override;

    void on_deadline(Millis now) override;

    void step(Millis now);
    void step_later(Millis delay, Millis now);
    void begin(const cluster::RedisNodes::Step &step, Millis now);
    void retry(Millis now);
    void lost(const cluster::RedisLoss &loss, Millis now);
    void asked(bool answered, Millis now);
    [[nodiscard]] cluster::RedisWire &talking() noexcept;
    [[nodiscard]] std::string cause_of(const cluster::RedisLoss &loss, bool was_up) const;
    void log_connected();
    void log_error(const cluster::RedisLoss &loss, Millis now);

    Worker &worker_;
    const RedisBlock &block_;
    std::string role_;
    RedisLinkEvents &events_;
    RedisLinkStatus status_;
    cluster::RedisNodes nodes_;
    cluster::RedisSchedule schedule_;
    RedisSocket socket_;
    cluster::RedisWire wire_;
    std::unique_ptr<Sentinel> sentinel_;             // null unless one is being asked
    std::unordered_map<std::string, Millis> logged_; // errors of this outage, and when
    bool peek_;
    bool marks_;
    bool torn_ = false; // as it was told
    bool gave_up_ = false;
    bool stopping_ = false;
    bool muted_ = false;   // closed: nobody wants to hear of it
    bool started_ = false; // the wire, on this connection
    bool was_up_ = false;  // ever
    bool lost_ = true;     // since then
};

} // namespace rt::ngx
