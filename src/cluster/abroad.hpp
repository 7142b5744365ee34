// SPDX-License-Identifier: BSD-2-Clause
// What a worker sees of this host's bridge when it has to do with sessions of other hosts, and
// what a session's home says to exchanges at other hosts.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/host_line.hpp"
#include "cluster/post_office.hpp"
#include "cluster/unsettled.hpp"
#include "engine/exchange.hpp"
#include "hub/bus.hpp"
#include "hub/metrics.hpp"

#include <compare>
#include <cstdint>
#include <string>

namespace rt::hub {
class Connection;
}

namespace rt::cluster {

enum class Call : std::uint16_t;

// Where a session's id, or a pid, says that it began.
inline constexpr std::size_t kHostLength = 4;

// Something of one worker that another host has to name: a session that crosses, or an answer.
struct Ticket {
    std::uint32_t seat = 0;
    std::uint32_t seat_generation = 0;
    std::uint64_t number = 0;

    auto operator<=>(const Ticket &) const noexcept = default;
};

// At every worker; tell(), is_live() and sent() mean something at the bridge's holder only.
class BridgeView : public HostLine {
public:
    // The worker that holds it. Empty: nobody, or there is no Redis in the configuration.
    [[nodiscard]] virtual shm::SeatRef holder() const noexcept = 0;

    // As far as is known here: what the holder would say now goes out, and is heard.
    [[nodiscard]] virtual bool is_up() const noexcept = 0;

    // True also while nothing can be known: Redis is away, or came back just now.
    [[nodiscard]] virtual bool is_live(Text host, Millis now) const = 0;

    // Of what began here and others have to hear, everything that ends up to this position has been
    // given to the connection, in front of what tell() says next, and nothing behind it.
    [[nodiscard]] virtual hub::Position sent() const noexcept = 0;

    // By configuration: broadcasts and what tell() says reach every host in one order (one Redis,
    // the classic dialect, `subscribe all`). Only then may a session move to another host.
    [[nodiscard]] virtual bool is_ordered() const noexcept = 0;

    // For answers about sockets (cluster/roll_calls.hpp).
    virtual void leaves(Text /*sid*/) {}
    virtual void comes(Text /*sid*/, std::uint64_t /*barrier*/) {}
};

struct AbroadPorts {
    shm::SeatRef me;
    std::string host; // with which the ids of this host begin
    PostOffice &post;
    BridgeView &bridge;
    Deadlines &deadlines;
    hub::Metrics &metrics;
    Unsettled &unsettled;
};

// A call at the worker that should have the session.
struct CallHere {
    Call call;
    Text sid;
    engine::ExchangeId by;
    bool here; // and does have it
};

// What a session's home says to exchanges at other hosts (ExchangeId::host).
class FarExchanges {
public:
    virtual ~FarExchanges() = default;

    // done: nothing is left to do, since it came for the second time. refused: the session is on its
    // way to another host.
    enum class Dealt : std::uint8_t { no, done, refused };
    [[nodiscard]] virtual Dealt deal(const CallHere &call, Millis now) = 0;
    // False: it is lost.
    virtual bool answer(const engine::ExchangeId &to, const engine::Answer &answer) = 0;
    virtual void tell_probe(const engine::ExchangeId &to, bool accepted) = 0;
    virtual void give_nothing(const engine::ExchangeId &to) = 0;
    // The session goes to the worker there, or, if it cannot, to its end.
    virtual void give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) = 0;

    // What has to be known of a session's earlier calls goes with it to another worker.
    virtual void pack(Text sid, Writer &out) = 0;
    virtual void unpack(Text sid, Reader &in, Millis now) = 0;
};

} // namespace rt::cluster
