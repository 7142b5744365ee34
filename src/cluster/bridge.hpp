// SPDX-License-Identifier: BSD-2-Clause
// The host's bridge to others, at the one worker that holds it: what is said goes out, what is
// heard comes in, and everything that other servers ask is answered (docs/architecture.md). Knows
// neither sockets nor nginx.
#pragma once

#include "cluster/host_line.hpp"
#include "cluster/inbound.hpp"
#include "cluster/interest.hpp"
#include "cluster/outbound.hpp"
#include "cluster/peer_asks.hpp"
#include "cluster/peer_questions.hpp"
#include "cluster/registry.hpp"
#include "cluster/roll_calls.hpp"
#include "hub/cluster_status.hpp"

#include <array>
#include <set>
#include <string>
#include <unordered_map>

namespace rt::cluster {

class BridgeEvents : public InterestEvents {
public:
    // It has changed, and stands in the table.
    virtual void on_bridge_state(shm::BridgeState state, shm::BridgeState before) = 0;
    // What was said does not come back: both connections are to be made anew.
    virtual void on_loop_broken() = 0;
    // There is work for the next turn.
    virtual void request_turn() = 0;
};

struct BridgeSettings {
    RegistrySettings registry;
    std::string asker;                              // starts the request ids of this holder
    std::vector<std::string> namespaces;            // by their own names, without patterns
    std::uint32_t ask_timeout = 5000;               // of what other servers ask clients without one, ms
    bool disorder = false;                          // channels have no common order (inbound.hpp)
    std::size_t most_answer = RollCall::kMostBytes; // bytes; and of all that are on their way
};

class Bridge final : public HostLine,
                     private OutboundEvents,
                     private InboundEvents,
                     private RegistryEvents,
                     private RollCallEvents {
public:
    struct Ports {
        Dialect &dialect;
        RedisLine &line;
        HearingLine &hearing;
        LogBus &bus;
        shm::Roster &roster;
        Questions &questions; // of this worker
        Deadlines &deadlines;
        hub::Metrics &metrics;
        Log &log;
        BridgeEvents &events;
    };

    Bridge(const Ports &ports, BridgeSettings settings, shm::Stream stream, shm::BridgeTable table);
    Bridge(const Bridge &) = delete;
    Bridge &operator=(const Bridge &) = delete;

    // What hears messages of hosts of ours on this topic. Before anything else.
    void listen(Topic topic, HostLineEvents &listener) noexcept;
    // Of our own broadcasts that come back, for a crossing.
    void listen_to_echoes(Fn<void(std::uint64_t)> listener) { echoes_ = std::move(listener); }

    // The same of our own questions to clients, by the position where each ends in the log.
    void listen_to_asks(Fn<void(hub::Position)> listener) { asked_ = std::move(listener); }
    // Of sessions that cross hosts.
    [[nodiscard]] RollCalls &roll_calls() noexcept { return calls_; }
    // Of hosts that are gone, by their ids' beginning.
    void listen_to_losses(Fn<void(Text, Millis)> listener) { losses_ = std::move(listener); }

    // All that a holder has to hear.
    [[nodiscard]] std::vector<Subscription> wanted();

    // The connection that publishes is greeted; is lost.
    void on_line_up(Millis now);
    void on_line_lost(Millis now);
    void on_reply(std::uint64_t cookie, const wire::RespValue *reply, Millis now);

    // The one that hears has everything confirmed; is lost. `whole`: nothing was missed since an
    // earlier holder heard.
    void on_hearing_up(bool whole, Millis now);
    // What is said from now on is not heard, by nobody on this host: nobody recovers until it is known
    // what was missed. Before the connection that hears ends without a successor.
    void deafen() noexcept;
    void on_hearing_lost(Millis now);
    void on_message(Text channel, Bytes payload, Millis now);
    // Some channels were not heard for a moment, while the connections stood.
    void on_channels_lost();
    void on_channels_back();

    // Once per turn, also behind retire(). True: there is more to do.
    bool work(Millis now);
    // A few times a second.
    void beat(Millis now);

    // Mail of kind kInterestMail.
    void on_interest(shm::SeatRef from, Bytes mail);
    // Whoever waits for rooms to be heard is told, if they are; in any case.
    void settle_interest() { interest_.settle(); }
    void give_up_interest() { interest_.give_up(); }

    // Another worker will hold it: no more is taken from the log or heard, and answers that are under
    // way are finished.
    void retire(Millis now);
    // The host stops.
    void leave();
    // All that was sent has been answered.
    [[nodiscard]] bool has_published() const noexcept { return outbound_.is_idle() || !line_up_; }
    // Nothing is under way that others wait for.
    [[nodiscard]] bool is_idle() const noexcept;

    // HostLine
    Result<void> tell(Text host, Topic topic, std::span<const Bytes> pieces) override;

    // What is known of other hosts; without what concerns the connections.
    [[nodiscard]] hub::ClusterStatus status(Millis now) const;

    // Everything that began here and ends up to here has been given to the line, and nothing else.
    [[nodiscard]] hub::Position sent() const noexcept { return outbound_.cursor(); }
    // A host with ids that begin like this: true also as long as nobody can know.
    [[nodiscard]] bool may_live(Text host, Millis now) const;

private:
    void on_ask(const hub::Envelope &envelope, Millis now) override;
    void on_stale_ask(const hub::AskerId &asker) override { asks_.refuse(asker); }
    void on_refused(Text text, Millis now) override;

    void on_question(const PeerMessage &message, Millis now) override;
    void on_peer_answer(const PeerMessage &message, Millis now) override;
    void on_old_order(const PeerMessage &message, Millis now) override;
    void on_ordered(Text nsp, std::span<const Text> rooms) override { interest_.expect(nsp, rooms); }
    void on_echo(std::uint64_t number) override;
    void on_own_ask(Text request_id) override;
    void on_missed(Text uid, std::uint64_t count, Millis now) override;
    void on_malformed(Text channel, const Error &error, Millis now) override;

    [[nodiscard]] std::uint64_t last_published() override { return outbound_.last_number(); }
    [[nodiscard]] Text bridge_state() override;
    void on_host(const HostSeen &host, bool newcomer, Millis now) override;
    void on_host_gone(const HostSeen &host, Millis now) override;
    void on_loop(bool closed, Millis now) override;
    void on_key_refused(Text error) override;
    void on_unanswered(Text why, Millis now) override;

    void on_host_message(Bytes payload, Millis now);
    void connected(Millis now);
    void set_state();
    void complain(std::string line, Millis now);
    void settle_gap();
    void judge_loop(Millis now);
    void tell_gap();

    // Of one host: for the status, and for the log.
    struct Missed {
        std::uint64_t count = 0;
        std::uint64_t unsaid = 0;
        Millis said = 0;
    };

    Ports ports_;
    BridgeSettings settings_;
    shm::BridgeTable table_;
    PeerVoice voice_;
    PeerQuestions peers_;
    PeerAsks asks_;
    Registry registry_;
    Interest interest_;
    Outbound outbound_;
    Inbound inbound_;
    RollCalls calls_;
    std::array<HostLineEvents *, 4> listeners_{};
    std::unordered_map<std::string, Missed> missed_of_; // by uid
    Fn<void(std::uint64_t)> echoes_ = [](std::uint64_t) {};
    Fn<void(hub::Position)> asked_ = [](hub::Position) {};
    Fn<void(Text, Millis)> losses_ = [](Text, Millis) {};
    std::string hosts_channel_;
    std::string own_channel_;
    Millis complained_ = 0;         // when a malformed message was last logged
    std::set<std::string> awaited_; // uids of hosts that have not said how far they are
    Millis settles_ = 0;            // when it is judged whether anything was missed; 0: nothing is to be
    Millis connected_at_ = 0;
    Millis heard_ = 0; // when a message came, whichever
    bool line_up_ = false;
    bool hears_ = false;
    bool parted_ = false; // some channels are not heard
    bool broken_ = false; // what is said does not come back
    bool missed_ = false; // something was, and it is not settled yet
    bool retired_ = false;
};

} // namespace rt::cluster
