// SPDX-License-Identifier: BSD-2-Clause
// Clients that come back at another host than their sockets were at (decisions.md, ruling 15). Their
// new host asks the old one, which takes the socket out of its roster and says what was missed up to
// a cut in Redis' order. Whatever gets lost on the way makes a new socket: nothing is said twice.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/crossing.hpp"

#include <map>
#include <string>
#include <vector>

namespace rt::cluster {

// Mail of the kinds from here to the end is for Returns.
inline constexpr std::uint16_t kReturnsMail = 320;
inline constexpr std::uint16_t kReturnsMailEnd = 330;

class Returns final : public hub::Takeovers, public CutEvents, public MailEvents {
public:
    static constexpr Millis kForgotten = 6000; // what an old home knows of a guest

    // `near`: sessions of this host.
    Returns(const AbroadPorts &abroad, hub::Takeovers &near) : abroad_(abroad), near_(near) {}

    // Once, before anything else.
    void attach(hub::Hub &hub, Crossing &crossing) noexcept {
        hub_ = &hub;
        crossing_ = &crossing;
        crossing.attach(*this);
    }

    // Once per turn.
    void go_on(Millis now);

    // hub::Takeovers
    [[nodiscard]] bool end_transport(const hub::LiveSession &session, Handle comeback) override {
        return near_.end_transport(session, comeback);
    }
    [[nodiscard]] bool ask_abroad(const hub::ClaimText &claim, const hub::Comeback &comeback) override;
    void on_guest(std::uint64_t number, const hub::KeptSocket *kept, hub::Position from, Millis now) override;

    // CutEvents
    void on_sides(const Ticket &ticket, const hub::Sides &sides, Millis now) override;
    void on_claim(Text from, Reader &in, Millis now) override;
    void on_returned(Text from, Reader &in, Millis now) override;

    // MailEvents
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    // Of a client that is at another host.
    struct Lodger {
        hub::Guest guest;
        engine::ExchangeId by; // its comeback there
        Ticket ticket;
        Millis until = 0;
        hub::KeptSocket kept;
        hub::Attention::Hold hold; // it stands in no roster
        hub::Position from = 0;
        hub::Sides sides; // at last
    };

    void say_claim(Text host, Bytes message, Millis now);
    void say_nothing(const engine::ExchangeId &to);
    void say_missed();
    void say_returned(const Lodger &lodger, const hub::Returned &returned);
    void hear(Bytes mail);

    AbroadPorts abroad_;
    hub::Takeovers &near_;
    hub::Hub *hub_ = nullptr;
    Crossing *crossing_ = nullptr;
    std::map<std::uint64_t, Lodger> lodgers_; // by the numbers of their tickets and guests
    std::vector<std::uint64_t> due_;          // their sides are known
};

} // namespace rt::cluster
