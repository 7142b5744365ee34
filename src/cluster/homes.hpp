// SPDX-License-Identifier: BSD-2-Clause
// Requests of sessions that live at another worker of this host (decisions.md, idea 3): what
// arrives here is asked of the session's home, by mail or, at home, directly; the answer comes
// back to the exchange. An upgrade ends with the session moving here. Other hosts: cluster/relay.
#pragma once

#include "cluster/abroad.hpp"
#include "cluster/parking.hpp"
#include "cluster/post_office.hpp"
#include "engine/exchange.hpp"
#include "hub/hub.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rt::cluster {

// Which session, and where it lives: the roster's answer to its sid.
struct Home {
    shm::SeatRef seat; // none: at another host, and Relay is asked
    Text sid;
};

enum class Call : std::uint16_t {
    poll = 1,
    post_begin, // a POST whose body is still to come
    post,       // with its body
    post_drop,  // it cannot be had whole, and that is the client's only fault
    abort,      // the client broke the exchange off
    probe,      // a WebSocket wants to take over
    probe_seen, // it said `2probe`
    probe_end,  // it gave up
    take,       // it said `5`: the session moves here
    let_go,     // this worker leaves and wants its GET to be answered
    end,        // its client came back elsewhere: its transport ends
    confirm,    // the home that was asked is gone: is this POST under way at its successor?
};

// What the roster knows of homes.
class HomeFinder {
public:
    virtual ~HomeFinder() = default;
    [[nodiscard]] virtual std::optional<shm::SeatRef> home_of(Text sid) = 0;
    // The session never came: its record, if this worker is its home still, is removed.
    virtual void disown(Text sid) = 0;
};

struct Asking {
    Call call;
    Handle exchange;  // of the worker that asks
    Text body;        // of a POST
    Millis holds = 0; // so long the home may hold a GET
};

// What comes back to the worker that asked. Handles are those of its own exchanges.
class HomeEvents {
public:
    virtual ~HomeEvents() = default;
    virtual void on_answer(Handle exchange, const engine::Answer &answer) = 0;
    virtual void on_probe(Handle exchange, bool accepted, Millis now) = 0;
    // The session lives here now, without transport; null: it could not be had.
    virtual void on_arrival(Handle exchange, hub::Connection *connection, Millis now) = 0;
    // Much depends on that worker now: is it alive?
    virtual void on_wanted(shm::SeatRef seat) = 0;
};

class Homes final : public engine::Exchanges,
                    public hub::Takeovers,
                    public MailEvents,
                    private ParkingEvents {
public:
    Homes(shm::SeatRef me, PostOffice &post, LogBus &bus, HomeEvents &events);

    // Once, before anything else: the hub needs these exchanges, and these need the hub.
    // Without `abroad` nobody asks from other hosts.
    void attach(hub::Hub &hub, HomeFinder &finder, FarExchanges *abroad = nullptr) noexcept {
        hub_ = &hub;
        finder_ = &finder;
        abroad_ = abroad;
    }

    // Asks the home, or where the session has gone since. gone: there is no such session; busy:
    // its worker takes no more mail. At home the answer may come before this returns.
    Result<void> ask(const Home &home, const Asking &asking, Millis now);
    // The same for an exchange that is not this worker's.
    Result<void> ask_for(const engine::ExchangeId &by, const Home &home, const Asking &asking, Millis now);

    // engine::Exchanges: from a session that lives here, to wherever the exchange is.
    [[nodiscard]] bool answer(const engine::ExchangeId &id, const engine::Answer &answer) override;

    // hub::Takeovers: at a session's home, wherever that is.
    [[nodiscard]] bool end_transport(const hub::LiveSession &session, Handle comeback) override;

    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

    // Once per turn: sessions that were to move as soon as their chains have ended.
    void go_on(Millis now);

    // A session on polling that may move, and is quiet, goes to another worker. False: it takes
    // no mail, and the session is still here, as another Connection.
    bool send_away(hub::Connection &connection, shm::SeatRef to, Millis now);

    // The session with its position in the log; from here on it is in the bytes only. The caller
    // has told the roster who gets it.
    void pack(hub::Connection &connection, Writer &out, Millis now);

    // The opposite, at any worker: the log is brought up to the image's position, and what this
    // worker has read beyond it is read once more, for the session alone. `port`: its WebSocket,
    // which comes with it. Null: it could not be had; its records are gone.
    hub::Connection *settle(Reader &in, engine::WsPort *port, Millis now);

    // Calls wait here for sessions to come.
    [[nodiscard]] bool has_parked() const noexcept { return !parking_.empty(); }

private:
    struct Asked {
        Text sid;
        engine::ExchangeId by;
    };

    Result<void> mail(shm::SeatRef home, Call call, const Asked &asked, Text body);
    void serve(Call call, const Asked &asked, Text body, Millis now);
    void serve_elsewhere(Call call, const Asked &asked, Text body, Millis now);
    void on_late(const std::string &sid, const std::vector<ParkedCall> &calls, Millis now) override;
    void welcome(hub::Connection *arrived, Millis now);
    void refuse(Call call, const engine::ExchangeId &by, Millis now);
    void tell_probe(const engine::ExchangeId &to, bool accepted, Millis now);
    void tell(std::uint16_t kind, const engine::ExchangeId &to, bool answer);
    void give(hub::Connection &connection, const engine::ExchangeId &to, Millis now);
    void move(hub::Connection &connection, const engine::ExchangeId &to, Millis now);
    hub::Connection *take_back(Text image, Millis now);
    void give_nothing(const engine::ExchangeId &to, Millis now);
    void arrive(Reader &in, Millis now);
    void hear_answer(Reader &in);

    shm::SeatRef me_;
    PostOffice &post_;
    LogBus &bus_;
    HomeEvents &events_;
    hub::Hub *hub_ = nullptr;
    HomeFinder *finder_ = nullptr;
    FarExchanges *abroad_ = nullptr;
    Parking parking_;

    struct Taker {
        std::string sid;
        engine::ExchangeId by;
    };
    std::vector<Taker> takers_; // of sessions that cannot move yet
};

} // namespace rt::cluster
