// SPDX-License-Identifier: BSD-2-Clause
// A session goes on at another host, where its WebSocket is. Redis has one order of what is said:
// the old home publishes a barrier; what stands before it in that order the session gets from the
// old home, what stands behind it from the new one (docs/architecture.md, Many hosts).
#pragma once

#include "base/deadlines.hpp"
#include "cluster/abroad.hpp"
#include "cluster/far_replies.hpp"
#include "cluster/papers.hpp"
#include "cluster/relay.hpp"
#include "cluster/roll_calls.hpp"
#include "hub/cut.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::cluster {

// Mail of the kinds from here to the end is for Crossing.
inline constexpr std::uint16_t kCrossingMail = 310;
inline constexpr std::uint16_t kCrossingMailEnd = 320;

// What is wanted of the bridge: a cut, for whoever waits for it at another host.
struct Barrier {
    Ticket ticket;
    engine::ExchangeId to;
    hub::Position at = 0; // not before this has been published
    std::string sid;      // of a session that crosses; else empty
};

// Who wants cuts that are not for sessions.
class CutEvents {
public:
    virtual ~CutEvents() = default;
    virtual void on_sides(const Ticket &ticket, const hub::Sides &sides, Millis now) = 0;
    // CrossingSaid::claim and returned, at the holder of the bridge.
    virtual void on_claim(Text from, Reader &in, Millis now) = 0;
    virtual void on_returned(Text from, Reader &in, Millis now) = 0;
};

class Crossing final : public Ferry, public HostLineEvents, public MailEvents, public Passages {
public:
    static constexpr Millis kPatience = 3000;   // with the barrier
    static constexpr Millis kRepeat = 1000;     // of an image whose arrival nobody confirms
    static constexpr int kRepeats = 5;          // then the session ends
    static constexpr Millis kForgotten = 10000; // what a bridge knows of a crossing
    static constexpr Millis kComing = 1000;     // behind its barrier nobody waits longer

    struct Ports {
        LogBus &bus;
        hub::Hub &hub;
        hub::Replies &replies; // of this worker's clients, to whoever asks on this host
        FarReplies &far;       // and of theirs
        Relay &relay;
        Registrar &registrar;
        HomeEvents &events;
    };

    Crossing(const AbroadPorts &abroad, const Ports &ports) : abroad_(abroad), ports_(ports) {}

    // Kept sockets cross, too. Once, before anything else.
    void attach(CutEvents &others) noexcept { others_ = &others; }

    [[nodiscard]] Ticket new_ticket() noexcept {
        return {abroad_.me.index, abroad_.me.generation, ++tickets_};
    }
    // CutEvents::on_sides follows, or nothing.
    void want(const Barrier &barrier, Millis now);
    // At the holder of the bridge, before what asks for it is said: whoever this is waits for a cut.
    void await_cut(const engine::ExchangeId &by, Millis now);
    // The cut for this one, if its barrier was heard. Once.
    [[nodiscard]] std::optional<hub::Cut> take_cut(const engine::ExchangeId &by, const Ticket &ticket);

    // At the holder of the bridge: this broadcast of ours came back.
    void on_echo(std::uint64_t number) noexcept { echoed_ = number; }
    // The same for a question to clients, by where it ends in the log.
    void on_own_ask(hub::Position end) noexcept { asked_ = end; }

    // Once per turn of every worker, behind what it has published.
    void go_on(Millis now);

    // Sessions that are on their way from here.
    [[nodiscard]] std::size_t size() const noexcept { return voyages_.size(); }

    // Ferry
    [[nodiscard]] bool may_take() const override { return abroad_.bridge.is_ordered(); }
    bool on_take(const engine::ExchangeId &by, Millis now) override;
    void on_image(Text from, const engine::ExchangeId &to, Bytes image, Millis now) override;
    void give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) override;
    [[nodiscard]] bool has(Text sid) const override;

    // Passages, at the holder
    [[nodiscard]] std::uint64_t barriers() const noexcept override { return barriers_; }
    [[nodiscard]] bool are_coming(std::uint64_t barrier, Millis now) const noexcept override;

    // HostLineEvents, of Topic::crossing: in the order of the connection with everything else that
    // is heard; what was heard before is in the log by then.
    void on_told(Text from, Bytes body, Millis now) override;

    // MailEvents
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    // --- at the old home (crossing.cpp) ---

    struct Voyage final : Deadline {
        explicit Voyage(Crossing &owner_) : owner(owner_) {}
        void on_deadline(Millis now) override { owner.on_late(*this, now); }

        Crossing &owner;
        Ticket ticket;
        std::string sid;
        engine::ExchangeId to;
        hub::RecordRef record;
        hub::Position at = 0; // of the image in the log
        std::string image;
        std::optional<Unsettled::Part> going; // while it may be either host's
        bool departed = false;                // the image is whole, and the session not of this host any more
        int repeats = 0;
    };

    void on_sides(const Ticket &ticket, const hub::Sides &sides, Millis now);
    [[nodiscard]] hub::Connection *catch_up(const Voyage &voyage, const hub::Sides &sides, Millis now);
    void depart(Voyage &voyage, hub::Connection &connection, Millis now);
    void send_image(const Voyage &voyage);
    void on_late(Voyage &voyage, Millis now);
    void stay(const Voyage &voyage, Millis now);
    void come_home(const Voyage &voyage, Millis now);
    void on_confirmed(const Ticket &ticket, bool arrived, Millis now);

    // --- at the new home ---

    struct Arrival {
        std::string from;
        engine::ExchangeId to;
        std::optional<hub::Cut> cut;
    };

    void arrive(const Arrival &arrival, Text image, Millis now);
    [[nodiscard]] Result<hub::Connection *> settle(const Arrival &arrival, Text sid, Reader &in, Millis now);
    void confirm(const Arrival &arrival, const Ticket &ticket, bool arrived);

    // --- at the holders of the bridges (barriers.cpp) ---

    struct Waited {
        engine::ExchangeId by;
        Ticket ticket;
        hub::Cut cut;
        bool heard = false;
        Millis until = 0;
    };

    // A session that comes here, until its records are made.
    struct Coming {
        engine::ExchangeId by;
        std::uint64_t barrier = 0; // its number; 0: not heard yet
        Millis until = 0;
    };

    struct Published {
        Ticket ticket;
        std::string sid;
        hub::Position own = 0;
        Millis until = 0;
    };

    void publish(const Barrier &barrier, Millis now);
    void hear_barrier(Text from, Reader &in, Millis now);
    void hear_own(const Ticket &ticket, Millis now);
    void hear_theirs(const Ticket &ticket, const engine::ExchangeId &by, Millis now);
    template <class... Values>
    void forward(std::uint16_t kind, const Ticket &ticket, const Values &...values);
    void tell_sides(const Ticket &ticket, const hub::Sides &sides, Millis now);
    void hear_confirm(Reader &in, Millis now);
    void hear_ack(Text from, Reader &in);
    void hear_acked(Reader &in);
    void tell_settled(const engine::ExchangeId &by);
    void on_settled(const engine::ExchangeId &by);
    [[nodiscard]] Coming *coming(const engine::ExchangeId &by);

    AbroadPorts abroad_;
    Ports ports_;
    std::map<Ticket, std::unique_ptr<Voyage>> voyages_;
    std::uint64_t tickets_ = 0;
    CutEvents *others_ = nullptr;

    std::vector<Barrier> wanted_;      // not published yet
    std::vector<Published> published_; // not come back yet
    std::vector<Waited> waited_;       // for sessions that come here
    std::vector<Coming> coming_;
    std::uint64_t barriers_ = 0;
    std::uint64_t echoed_ = 0;
    hub::Position asked_ = 0;
};

} // namespace rt::cluster
