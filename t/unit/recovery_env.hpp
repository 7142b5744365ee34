// SPDX-License-Identifier: BSD-2-Clause
// What tests of recovery share: three workers with rules, and a client that is lost and comes back.
#pragma once

#include "host_env.hpp"

namespace rt::test {

inline constexpr Millis kRecovery = 1000;

// A host of three workers with one set of rules.
struct World {
    explicit World(Millis recovery = kRecovery, std::size_t memory = 1u << 20)
        : host(made(recovery), 3, memory) {}

    Rules &made(Millis recovery) {
        rules.nsp("/", "emit hello data=$realtime_recovered", "emit bye to=bys data=$realtime_close_reason")
            .on("join", "join $realtime_arg_0;ack 1")
            .on("leave", "leave $realtime_arg_0;ack 1")
            .on("me", "emit mine data=$realtime_arg_0;ack 1")
            .on("shaky", "emit shaky volatile data=$realtime_arg_0")
            .on("out", "close")
            .nsp("/b", "", "emit bye-b to=bys")
            .on("join", "join $realtime_arg_0;ack 1")
            .nsp("/slow", "wait;emit ready", "emit bye-slow to=bys")
            .nsp("/shut", "require 0", "");
        rules.settings.recovery = recovery;
        return rules;
    }

    // From somewhere else: an event to rooms, or another operation.
    hub::Position tell(Text event, std::vector<Text> to, std::vector<Text> except = {}) {
        const std::string data = "[\"" + std::string(event) + "\"]";
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.to = std::move(to);
        envelope.except = std::move(except);
        envelope.data = data;
        return *host[2].bus.publish(envelope);
    }
    void order(hub::Op op, std::vector<Text> to, Text room, bool close = false) {
        hub::Envelope envelope;
        envelope.op = op;
        envelope.nsp = "/";
        envelope.to = std::move(to);
        envelope.rooms = {room};
        envelope.close = close;
        static_cast<void>(host[2].bus.publish(envelope));
    }

    [[nodiscard]] std::int64_t sum(hub::Metric metric) {
        return host[0].counts[metric] + host[1].counts[metric] + host[2].counts[metric];
    }

    Rules rules;
    Host host;
};

inline std::string again(const std::string &pid, const std::string &offset, const std::string &nsp = "") {
    return "40" + nsp + "{\"pid\":\"" + pid + "\"" +
           (offset.empty() ? "" : ",\"offset\":\"" + offset + "\"") + "}";
}

// A connected client at worker 0, in these rooms, with nothing left to read.
struct Guest {
    explicit Guest(World &world, std::initializer_list<const char *> rooms = {})
        : peer(world.host[0], world.host.session) {
        peer.say({"40"});
        for (const char *room : rooms) {
            peer.say({"42[\"join\",\"" + std::string(room) + "\"]"});
        }
        world.host.deliver();
        peer.heard();
    }
    Peer peer;
};

// Comes back at another worker; what it hears.
inline std::string comes_back(World &world, const Peer &from, std::size_t worker = 1, Millis now = 0) {
    Peer peer(world.host[worker], world.host.session);
    peer.say({again(from.pid, from.offset)}, now);
    world.host.mail(now);
    world.host.deliver(now);
    const std::string heard = peer.heard();
    peer.hang_up(now);
    return heard;
}

inline const std::string kBack = "40{\"sid\":\"SID\",\"pid\":\"PID\"} 42[\"hello\",1,\"@\"]";
inline const std::string kAnew = "40{\"sid\":\"SID\",\"pid\":\"PID\"} 42[\"hello\",0,\"@\"]";

} // namespace rt::test
