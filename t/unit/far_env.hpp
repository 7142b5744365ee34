// SPDX-License-Identifier: BSD-2-Clause
// What tests of src/cluster across hosts share: hosts of some workers each, joined by a Redis that
// does nothing by itself.
#pragma once

#include "cluster/crossing.hpp"
#include "cluster/far_replies.hpp"
#include "cluster/ordered_rooms.hpp"
#include "cluster/relay.hpp"
#include "cluster/returns.hpp"
#include "host_env.hpp"

#include <deque>
#include <map>

namespace rt::test {

// One order of all that is said. Each host has a connection that publishes and one that hears.
class FakeRedis {
public:
    struct Said {
        std::string from;
        std::string to;                      // empty: everybody
        std::optional<cluster::Topic> topic; // none: a broadcast
        std::string body;
        std::uint64_t number = 0; // of a broadcast
        hub::Position asks = 0;   // of a question: where it ends in its host's log
    };

    struct Ends {
        std::deque<Said> out;
        std::deque<Said> in;
    };

    // The next that a host published takes its place in the order.
    bool take(const std::string &host) {
        if (hosts[host].out.empty()) {
            return false;
        }
        const Said said = std::move(hosts[host].out.front());
        hosts[host].out.pop_front();
        for (auto &[name, ends] : hosts) {
            if (said.to.empty() || said.to == name) {
                ends.in.push_back(said);
            }
        }
        return true;
    }

    std::map<std::string, Ends> hosts;
    std::set<std::string> gone; // known to be
    bool up = true;
    bool ordered = true; // for sessions to cross
};

class FarHost;

// The bridge as one worker of a host sees it.
class View final : public cluster::BridgeView {
public:
    View(FarHost &host, std::uint32_t seat) : host_(host), seat_(seat) {}

    Result<void> tell(Text to, cluster::Topic topic, std::span<const Bytes> pieces) override;
    [[nodiscard]] shm::SeatRef holder() const noexcept override;
    [[nodiscard]] bool is_up() const noexcept override;
    [[nodiscard]] bool is_live(Text host, Millis now) const override;
    [[nodiscard]] hub::Position sent() const noexcept override;
    [[nodiscard]] bool is_ordered() const noexcept override;

private:
    FarHost &host_;
    std::uint32_t seat_;
};

// Papers of the host's roster.
class FakeRegistrar final : public cluster::Registrar {
public:
    FakeRegistrar(Roster &roster, hub::Directory &directory) : roster_(roster), directory_(directory) {}

    void write(hub::RecordRef connection, Writer &out) override {
        std::vector<const Roster::Socket *> sockets;
        for (const auto &[serial, socket] : roster_.sockets) {
            if (socket.connection == connection.serial) {
                sockets.push_back(&socket);
            }
        }
        out.put(static_cast<std::uint32_t>(sockets.size()));
        for (const Roster::Socket *socket : sockets) {
            for (const std::string *text : {&socket->id, &socket->nsp, &socket->user, &socket->pid}) {
                out.put_text(*text);
            }
        }
    }

    Result<hub::Papers> make(Text sid, Reader &in, hub::Position since) override {
        hub::Papers papers;
        RT_TRY(connection, directory_.add_connection(sid, {}, engine::TransportKind::polling));
        papers.connection = connection;
        for (std::uint32_t count = in.get_count(1); count > 0; --count) {
            hub::SocketText socket;
            socket.id = in.get_text();
            socket.nsp = in.get_text();
            socket.user = in.get_text();
            socket.pid = in.get_text();
            socket.since = since;
            RT_TRY(record, directory_.add_socket(connection, socket));
            papers.sockets.push_back({std::string(socket.id), record});
        }
        return papers;
    }

    void remove(hub::RecordRef connection) override { directory_.remove_connection(connection); }

private:
    Roster &roster_;
    hub::Directory &directory_;
};

// Workers of one host; one of them holds its bridge.
class FarHost {
public:
    struct Far final : cluster::MailEvents {
        Far(FarHost &host, std::uint32_t seat)
            : worker(host.host[seat]),
              view(host, seat), ports{{seat, 1},        host.name,     worker.post, view,
                                      worker.deadlines, worker.counts, unsettled},
              registrar(host.host.roster, worker.directory), relay(ports, worker),
              far_replies(ports, worker.replies, relay),
              crossing(ports,
                       {worker.bus, worker.hub, worker.replies, far_replies, relay, registrar, worker}),
              returns(ports, worker.homes) {
            worker.hub.ports().takeovers = &returns;
            worker.passing.to = &far_replies;
            returns.attach(worker.hub, crossing);
            worker.letters = this;
            worker.bus.number_by(host.host.memory().zone().bridge);
            worker.homes.attach(worker.hub, worker.finder, &relay);
            relay.attach(worker.hub, worker.homes, worker.finder, &crossing);
        }

        void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override {
            if (kind >= cluster::kRelayMail && kind < cluster::kRelayMailEnd) {
                relay.on_mail(from, kind, body, now);
            } else if (kind >= cluster::kCrossingMail && kind < cluster::kCrossingMailEnd) {
                crossing.on_mail(from, kind, body, now);
            } else if (kind >= cluster::kReturnsMail && kind < cluster::kReturnsMailEnd) {
                returns.on_mail(from, kind, body, now);
            } else {
                worker.homes.on_mail(from, kind, body, now);
            }
        }

        Worker &worker;
        View view;
        cluster::Unsettled unsettled;
        cluster::AbroadPorts ports;
        FakeRegistrar registrar;
        cluster::Relay relay;
        cluster::FarReplies far_replies;
        cluster::Crossing crossing;
        cluster::Returns returns;
    };

    struct Setup {
        FakeRedis &redis;
        Rules &rules;
        std::string name;
        std::uint32_t workers = 2;
        std::size_t memory = 1u << 20;
    };

    explicit FarHost(const Setup &setup)
        : redis(setup.redis), name(setup.name), host(setup.rules, setup.workers, setup.memory, setup.name) {
        redis.hosts[name];
        sent = host[0].bus.head();
        for (std::uint32_t seat = 0; seat < setup.workers; ++seat) {
            fars_.push_back(std::make_unique<Far>(*this, seat));
        }
    }

    Far &operator[](std::size_t seat) { return *fars_[seat]; }
    [[nodiscard]] std::size_t size() const { return fars_.size(); }

    // The bridge hears the next thing.
    bool hear(Millis now = 0) {
        std::deque<FakeRedis::Said> &in = redis.hosts[name].in;
        if (in.empty()) {
            return false;
        }
        const FakeRedis::Said said = std::move(in.front());
        in.pop_front();
        if (said.topic == cluster::Topic::relay) {
            fars_[bridge]->relay.on_told(said.from, as_bytes(said.body), now);
        } else if (said.topic == cluster::Topic::crossing) {
            fars_[bridge]->crossing.on_told(said.from, as_bytes(said.body), now);
        } else if (said.from != name) {
            hear_broadcast(said, now);
        } else if (said.number != 0) {
            fars_[bridge]->crossing.on_echo(said.number);
        } else if (said.asks != 0) {
            fars_[bridge]->crossing.on_own_ask(said.asks);
        }
        host[bridge].end_turn(now);
        return true;
    }

    // The bridge publishes the next of what began here, at the end of a turn.
    bool publish(Millis now = 0) {
        bool more = false;
        const hub::Position from = sent;
        host[bridge].bus.replay(
            from, host[bridge].bus.head(), [&](const hub::Envelope &each, hub::Position end) {
                if (std::exchange(more, true)) {
                    return;
                }
                sent = end;
                if (!each.remote && !hub::is_note(each.op)) {
                    redis.hosts[name].out.push_back(
                        {name, "", std::nullopt, encoded(each), each.number, each.asker ? end : 0});
                }
            });
        fars_[bridge]->crossing.go_on(now);
        fars_[bridge]->returns.go_on(now);
        return more;
    }

    void pass(Millis now) {
        for (const auto &far : fars_) {
            far->worker.deadlines.expire(now);
            far->crossing.go_on(now);
            far->returns.go_on(now);
            far->far_replies.go_on(now);
            far->worker.end_turn(now);
        }
    }

    [[nodiscard]] std::int64_t sum(hub::Metric metric) {
        std::int64_t all = 0;
        for (const auto &far : fars_) {
            all += far->worker.counts[metric];
        }
        return all;
    }

    FakeRedis &redis;
    std::string name;
    Host host;
    std::uint32_t bridge = 0;
    bool has_bridge = true;
    hub::Position sent = 0;

private:
    static std::string encoded(const hub::Envelope &envelope) {
        cluster::EnvelopeWriter writer;
        std::string record;
        for (const Bytes piece : writer.encode(envelope)) {
            record += as_text(piece);
        }
        return record;
    }

    // As Inbound has it.
    bool is_for_nobody(const hub::Envelope &envelope, Millis now) {
        ordered_.forget(now);
        const auto here = [&](Text room) {
            return ordered_.has(envelope.nsp, room) || host.roster.concerns(envelope.nsp, room);
        };
        const bool to_some = envelope.to.empty() || std::ranges::any_of(envelope.to, here);
        if (envelope.op == hub::Op::join && to_some) {
            ordered_.add(envelope, now);
        }
        return envelope.op == hub::Op::emit && envelope.to.size() == 1 && !to_some;
    }

    void hear_broadcast(const FakeRedis::Said &said, Millis now) {
        hub::Envelope envelope;
        const bool decoded = cluster::decode_envelope(as_bytes(said.body), envelope);
        if (decoded && !is_for_nobody(envelope, now)) {
            envelope.remote = true;
            envelope.number = 0;
            static_cast<void>(host[bridge].bus.publish(envelope));
        }
    }

    std::vector<std::unique_ptr<Far>> fars_;
    cluster::OrderedRooms ordered_;
};

inline Result<void> View::tell(Text to, cluster::Topic topic, std::span<const Bytes> pieces) {
    if (!host_.redis.up || holder() != shm::SeatRef{seat_, 1}) {
        return {Code::unavailable, "no bridge"};
    }
    std::string body;
    for (const Bytes piece : pieces) {
        body += as_text(piece);
    }
    host_.redis.hosts[host_.name].out.push_back({host_.name, std::string(to), topic, std::move(body)});
    return {};
}

inline shm::SeatRef View::holder() const noexcept {
    return host_.has_bridge ? shm::SeatRef{host_.bridge, 1} : shm::SeatRef{};
}

inline bool View::is_up() const noexcept { return host_.redis.up; }

inline bool View::is_live(Text host, Millis) const {
    const std::string name(host);
    return host_.redis.gone.count(name) == 0 && host_.redis.hosts.count(name) == 1;
}

inline hub::Position View::sent() const noexcept { return host_.sent; }

inline bool View::is_ordered() const noexcept { return host_.redis.ordered; }

// Some hosts.
struct Far {
    explicit Far(Rules &rules, std::uint32_t count = 2, std::uint32_t workers = 2) {
        for (std::uint32_t i = 0; i < count; ++i) {
            hosts.emplace_back(
                FarHost::Setup{redis, rules, std::string(4, static_cast<char>('a' + i)), workers});
        }
    }

    // Until nothing happens any more.
    void settle(Millis now = 0) {
        for (bool more = true; more;) {
            more = false;
            for (FarHost &host : hosts) {
                host.host.mail(now);
                host.host.deliver(now);
                more = host.publish(now) || more;
                more = (redis.up && redis.take(host.name)) || more;
                more = host.hear(now) || more;
            }
        }
    }

    // Time goes by in steps, and everything happens.
    void pass(Millis &now, Millis length) {
        for (const Millis end = now + length; now < end;) {
            now = std::min(now + 100, end);
            for (FarHost &host : hosts) {
                host.pass(now);
            }
            settle(now);
        }
    }

    FakeRedis redis;
    std::deque<FarHost> hosts;
};

} // namespace rt::test
