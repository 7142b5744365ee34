// SPDX-License-Identifier: BSD-2-Clause
// What tests of the bridge share: the worker that holds it, and a Redis that does what it is told.
#pragma once

#include "bridge_env.hpp"
#include "cluster/bridge.hpp"

namespace rt::test {

using cluster::Bridge;
using cluster::PeerMessage;
using cluster::Says;
using shm::BridgeState;

inline constexpr Text kWords[] = {"off", "joining", "degraded", "connected"};

class World final : public cluster::BridgeEvents,
                    public cluster::QuestionEvents,
                    public cluster::HostLineEvents {
public:
    explicit World(bool rooms = false) : dialect(classic(kOurUid, rooms)), begun(host.bus.head()) {
        take_over();
    }

    // Another worker holds it.
    void take_over() {
        pipe.unanswered.clear();
        bridge.reset();
        cluster::BridgeSettings settings;
        settings.registry = {"rt:", "1.2", "host", "node", std::string(kOurUid)};
        settings.asker = std::string(kOurUid) + "1.";
        settings.namespaces = {"/"};
        settings.most_answer = most_answer;
        bridge = std::make_unique<Bridge>(Bridge::Ports{*dialect, pipe, ear, host.bus, zone.roster, questions,
                                                        deadlines, metrics, lines, *this},
                                          settings, host.zone.stream, host.zone.bridge);
        bridge->listen(cluster::Topic::relay, *this);
        bridge->listen_to_losses([this](Text lost, Millis) { gone += std::string(lost) + " "; });
    }

    // A connection takes commands before the bridge knows of it: of the former one is asked first.
    void up(bool whole = false) {
        pipe.hears = pipe.up = true;
        turn();
        bridge->on_line_up(now);
        bridge->on_hearing_up(whole, now);
        redis();
    }
    void line_lost() {
        pipe.up = false;
        for (const Pipe::Command &command : std::exchange(pipe.unanswered, {})) {
            bridge->on_reply(command.cookie.packed(), nullptr, now);
        }
        bridge->on_line_lost(now);
    }
    void hearing_lost() {
        pipe.hears = false;
        bridge->on_hearing_lost(now);
    }

    // Redis does what was sent: answers, and tells us what we hear. What others hear is kept.
    void redis() {
        while (!pipe.unanswered.empty()) {
            const Pipe::Command command = pipe.unanswered.front();
            pipe.unanswered.pop_front();
            const bool count = command.words[0] == "PUBSUB";
            if (count && !counts) {
                uncounted.push_back(command.cookie);
                continue;
            }
            const Reply reply = count ? test::servers(servers) : Reply(":1\r\n");
            bridge->on_reply(command.cookie.packed(), reply.value(), now);
            if (command.words[0] == "PUBLISH") {
                said += command.words[1] + " ";
                if (hears_itself) {
                    bridge->on_message(command.words[1], as_bytes(command.words[2]), now);
                }
            }
        }
    }
    void count() {
        counts = true;
        for (const cluster::Cookie cookie : std::exchange(uncounted, {})) {
            bridge->on_reply(cookie.packed(), test::servers(servers).value(), now);
        }
    }
    // Time goes by.
    void pass(Millis length) {
        for (const Millis end = now + length; now < end;) {
            now += 50;
            deadlines.expire(now);
            bridge->beat(now);
            turn();
            redis();
        }
    }
    void turn() {
        while (bridge->work(now)) {
        }
    }

    void hear(const PeerMessage &message, Text uid = "node") {
        cluster::Publication publication;
        classic(uid)->say(message, {}, publication);
        bridge->on_message(publication.channel, as_bytes(publication.payload), now);
    }
    void hear_event(std::uint64_t number, Text uid = kTheirUid) {
        PeerMessage message;
        message.nsp = "/";
        message.number = number;
        message.envelope.data = "[1]";
        hear(message, uid);
    }
    void hello(std::uint64_t last) {
        cluster::Hello other;
        other.host = "farr";
        other.uid = kTheirUid;
        other.last = last;
        const std::string body = std::string("\x01\x01") + "farr" + hello_json(other);
        bridge->on_message("rt:hosts", as_bytes(body), now);
    }
    void raw(const std::string &body) { bridge->on_message("rt:hosts", as_bytes(body), now); }
    PeerMessage question(Text id) {
        PeerMessage message;
        message.says = Says::list_rooms;
        message.nsp = "/";
        message.request_id = id;
        return message;
    }

    [[nodiscard]] std::string state() const { return std::string(shm::state_name(host.zone.bridge.state())); }
    [[nodiscard]] bool is_deaf() const { return host.bus.is_deaf(); }
    std::string take_log() {
        const hub::Position from = std::exchange(begun, host.bus.head());
        return log_text(host, from);
    }
    std::string take_said() { return std::exchange(said, {}); }
    std::string take_states() { return std::exchange(states, {}); }

    void on_bridge_state(BridgeState state, BridgeState before) override {
        states += std::string(kWords[static_cast<std::size_t>(before)]) + ">" +
                  std::string(kWords[static_cast<std::size_t>(state)]) + " ";
    }
    void on_loop_broken() override { ++broken; }
    void request_turn() override { ++turns; }
    void on_heard(shm::SeatRef, std::uint64_t number) override { heard += std::to_string(number) + " "; }
    [[nodiscard]] std::vector<shm::SeatRef> readers() override { return {}; }
    void on_answers(Handle, const cluster::Answers &) override {}
    void bring_in() override {}
    void on_told(Text from, Bytes body, Millis) override {
        told += std::string(from) + ":" + std::string(as_text(body)) + " ";
    }

    LogHost host;
    RosterZone zone{1u << 20};
    std::unique_ptr<cluster::Dialect> dialect;
    Pipe pipe;
    Ear ear;
    Deadlines deadlines;
    cluster::PostOffice post{{host.lock, host.zone.region}, host.zone.boxes, {0, 1}, host};
    cluster::Questions questions{{0, 1}, post, deadlines, *this};
    Tallies metrics;
    Lines lines;
    Millis now = 100'000;
    int servers = 1;
    std::size_t most_answer = 1000;
    bool hears_itself = true;
    bool counts = true; // the servers, when it is asked
    std::vector<cluster::Cookie> uncounted;
    int broken = 0;
    int turns = 0;
    std::string heard; // by the numbers of those who waited
    std::string states;
    std::string said;
    std::string told;
    std::string gone;
    std::unique_ptr<Bridge> bridge;
    hub::Position begun;
};

} // namespace rt::test
