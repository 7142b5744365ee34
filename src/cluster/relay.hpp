// SPDX-License-Identifier: BSD-2-Clause
// Requests for sessions that live at another host (decisions.md, ruling 1). The worker that holds
// the request asks through its bridge, and again until it is answered or its time is over; the
// session's home knows what it has answered. So each call counts once, and bridges keep nothing.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/abroad.hpp"
#include "cluster/homes.hpp"
#include "cluster/repeats.hpp"
#include "hub/attention.hpp"

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace rt::cluster {

// Mail of the kinds from here to the end is for Relay.
inline constexpr std::uint16_t kRelayMail = 300;
inline constexpr std::uint16_t kRelayMailEnd = 310;

// Sessions that go to another host (cluster/crossing.hpp).
class Ferry {
public:
    virtual ~Ferry() = default;
    // By configuration: could one go from there to here?
    [[nodiscard]] virtual bool may_take() const = 0;
    // At the holder of the bridge: a worker here is about to ask for a session there. False: it
    // cannot be taken.
    virtual bool on_take(const engine::ExchangeId &by, Millis now) = 0;
    // At the holder: it came.
    virtual void on_image(Text from, const engine::ExchangeId &to, Bytes image, Millis now) = 0;
    // At a session's home.
    virtual void give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) = 0;
    // There, too: it is under way to another host.
    [[nodiscard]] virtual bool has(Text sid) const = 0;
};

class Relay final : public FarExchanges, public HostLineEvents, public MailEvents {
public:
    static constexpr Millis kPatience = 5000;                   // with a call that is answered at once
    static constexpr Millis kMargin = 5000;                     // beyond what the home may hold a GET
    static constexpr Millis kFirstRepeat = 1000;                // and so on; of a GET, which may
    static constexpr Millis kLastRepeat = 8000;                 // well be held, with longer pauses
    static constexpr std::size_t kMostBytes = 16 * 1024 * 1024; // of bodies that wait for an answer

    Relay(const AbroadPorts &ports, HomeEvents &events);

    // Once, before anything else. Without `ferry` no session moves to another host.
    void attach(hub::Hub &hub, Homes &homes, HomeFinder &finder, Ferry *ferry = nullptr) noexcept {
        hub_ = &hub;
        homes_ = &homes;
        finder_ = &finder;
        ferry_ = ferry;
    }

    // Does this sid name another host, and is there a bridge to it?
    [[nodiscard]] bool reaches(Text sid) const noexcept;

    // As Homes::ask. What is to be answered is answered within kPatience, a GET within
    // Asking::holds and kMargin, by an error if need be. gone, busy: at once. abort, post_drop and
    // probe_end end what was asked before for this exchange.
    Result<void> ask(Text sid, const Asking &asking, Millis now);

    // What was asked for this exchange is answered, or nobody wants it any more.
    void forget(Handle exchange);

    // Of one that asked for a session (Call::take): everything was heard since then.
    [[nodiscard]] bool heard_all_for(Handle exchange) const;

    // What stands in front of an image that goes to this exchange (Ferry::on_image).
    [[nodiscard]] static std::string image_head(const engine::ExchangeId &to);

    // At the holder of the bridge: this host is gone. What these workers have asked of it is refused at
    // once rather than when they ask again.
    void on_host_gone(Text host, std::span<const shm::SeatRef> workers, Millis now);

    // Calls that wait for their answers.
    [[nodiscard]] std::size_t size() const noexcept { return pending_.size(); }

    // To another host, through the bridge, whichever worker holds it. False: not now.
    bool send(Text host, Topic topic, std::span<const Bytes> pieces);

    // FarExchanges
    [[nodiscard]] Dealt deal(const CallHere &call, Millis now) override;
    bool answer(const engine::ExchangeId &to, const engine::Answer &answer) override;
    void tell_probe(const engine::ExchangeId &to, bool accepted) override;
    void give_nothing(const engine::ExchangeId &to) override;
    void give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) override;
    void pack(Text sid, Writer &out) override;
    void unpack(Text sid, Reader &in, Millis now) override;

    // HostLineEvents, of Topic::relay
    void on_told(Text from, Bytes body, Millis now) override;

    // MailEvents
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    // A call of an exchange here, until it is answered.
    struct Pending final : Deadline {
        explicit Pending(Relay &owner_) : owner(owner_) {}
        void on_deadline(Millis now) override;

        Relay &owner;
        Call call{};
        Handle exchange;
        std::string sid;
        std::string body;
        hub::Attention::Hold hold; // of a session on its way here, whose rooms are not known
        Millis until = 0;
        Millis pause = kFirstRepeat;
        std::optional<Unsettled::Part> coming; // of take: the session
    };

    void say(const Pending &pending, Millis now);
    void say_again(Pending &pending, Millis now);
    void give_up(const Pending &pending, Millis now);
    void count_bytes();

    void call_out(Text host, std::span<const Bytes> pieces, Millis now);
    [[nodiscard]] bool may_go(Call call, const engine::ExchangeId &by, Millis now);
    void serve(Text from, Reader &in, Millis now);
    void refuse(Call call, const engine::ExchangeId &by, Millis now);
    void refuse_all(Text host, Millis now);
    void pass_on(Text from, Bytes message, Millis now);
    void hear(Bytes message, Millis now);
    [[nodiscard]] bool again(Repeats::Lane lane, const CallHere &call, Millis now);
    bool say_answer(const engine::ExchangeId &to, const engine::Answer &answer);

    AbroadPorts ports_;
    HomeEvents &events_;
    hub::Hub *hub_ = nullptr;
    Homes *homes_ = nullptr;
    HomeFinder *finder_ = nullptr;
    Ferry *ferry_ = nullptr;
    Repeats repeats_;
    std::unordered_map<std::uint32_t, std::unique_ptr<Pending>> pending_; // by the exchange's index
    std::size_t bytes_ = 0;                                               // of their bodies
    std::int64_t counted_ = 0;                                            // in the metric
};

} // namespace rt::cluster
