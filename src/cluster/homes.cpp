// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/homes.hpp"

#include "cluster/seat_of.hpp"
#include "wire/eio_http.hpp"

#include <array>
#include <utility>

namespace rt::cluster {

namespace {

// Mail kinds: the calls, then what comes back.
constexpr std::uint16_t kAnswer = 100;
constexpr std::uint16_t kProbeAnswer = 101;
constexpr std::uint16_t kImage = 102;
constexpr std::uint16_t kSession = 103; // comes unasked
constexpr std::uint16_t kEnded = 104;

} // namespace

Homes::Homes(shm::SeatRef me, PostOffice &post, LogBus &bus, HomeEvents &events)
    : me_(me), post_(post), bus_(bus), events_(events), parking_(*this) {}

Result<void> Homes::ask(const Home &home, const Asking &asking, Millis now) {
    return ask_for({me_.index, me_.generation, asking.exchange}, home, asking, now);
}

Result<void> Homes::ask_for(const engine::ExchangeId &by, const Home &home, const Asking &asking,
                            Millis now) {
    const Asked asked{home.sid, by};
    const bool here = hub_->find(home.sid) != nullptr;
    if (!here && home.seat != me_) {
        const Result<void> sent = mail(home.seat, asking.call, asked, asking.body);
        if (sent.code() != Code::gone) {
            return sent;
        }
    }
    // It has moved since the caller looked, is still to come, or has ended.
    const std::optional<shm::SeatRef> home_now = here ? me_ : finder_->home_of(home.sid);
    if (!home_now) {
        return {Code::gone, "no such session"};
    }
    if (*home_now != me_) {
        return mail(*home_now, asking.call, asked, asking.body);
    }
    serve(asking.call, asked, asking.body, now);
    return {};
}

Result<void> Homes::mail(shm::SeatRef home, Call call, const Asked &asked, Text body) {
    std::string head;
    Writer out(head);
    out.put_text(asked.sid);
    out.put(asked.by);
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(body)};
    return post_.send(home, static_cast<std::uint16_t>(call), pieces);
}

// Whoever calls may have looked at the roster before a session moved, or before its image came.
void Homes::serve_elsewhere(Call call, const Asked &asked, Text body, Millis now) {
    const std::optional<shm::SeatRef> home = finder_->home_of(asked.sid);
    const auto kind = static_cast<std::uint16_t>(call);
    const bool waits = home == me_ && parking_.park(hub_->ports().session.deadlines, asked.sid,
                                                    {kind, asked.by, std::string(body)}, now);
    if (waits || (home && home != me_ && mail(*home, call, asked, body))) {
        return;
    }
    refuse(call, asked.by, now);
}

void Homes::on_late(const std::string &sid, const std::vector<ParkedCall> &calls, Millis now) {
    finder_->disown(sid);
    for (const ParkedCall &parked : calls) {
        refuse(static_cast<Call>(parked.call), parked.by, now);
    }
}

void Homes::serve(Call call, const Asked &asked, Text body, Millis now) {
    hub::Connection *connection = hub_->find(asked.sid);
    const bool here = connection != nullptr;
    const CallHere arrived{call, asked.sid, asked.by, here};
    const FarExchanges::Dealt dealt =
        abroad_ != nullptr ? abroad_->deal(arrived, now) : FarExchanges::Dealt::no;
    if (dealt == FarExchanges::Dealt::refused) {
        refuse(call, asked.by, now);
    }
    if (dealt != FarExchanges::Dealt::no) {
        return;
    }
    if (!here) {
        serve_elsewhere(call, asked, body, now);
        return;
    }
    engine::Session &session = connection->session();
    switch (call) {
    case Call::poll:
        session.on_poll(asked.by, now);
        return;
    case Call::post_begin:
        session.on_post_begin(asked.by, now);
        return;
    case Call::post:
        session.on_post(asked.by, body, now);
        return;
    case Call::post_drop:
        session.on_post_drop(asked.by);
        return;
    case Call::abort:
        session.on_abort(asked.by, now);
        return;
    case Call::probe:
        tell_probe(asked.by, session.probe_begin(now), now);
        return;
    case Call::probe_seen:
        session.probe_seen(now);
        return;
    case Call::probe_end:
        session.probe_end(now);
        return;
    case Call::take:
        give(*connection, asked.by, now);
        return;
    case Call::let_go:
        session.let_go(asked.by);
        return;
    case Call::confirm:
        session.confirm_post(asked.by);
        return;
    case Call::end:
        session.close(engine::CloseReason::transport_close, now);
        tell(kEnded, asked.by, true);
        return;
    }
}

// The session ended while the call was on its way.
void Homes::refuse(Call call, const engine::ExchangeId &by, Millis now) {
    if (call == Call::probe) {
        tell_probe(by, false, now);
    } else if (call == Call::take) {
        give_nothing(by, now);
    } else if (call == Call::end) {
        tell(kEnded, by, false);
    } else if (call != Call::post_drop && call != Call::abort && call != Call::probe_seen &&
               call != Call::probe_end) {
        const wire::eio::ErrorAnswer &unknown = wire::eio::answer_to(wire::eio::RequestError::unknown_sid);
        static_cast<void>(answer(by, {unknown.status, engine::BodyKind::json, unknown.body}));
    }
}

bool Homes::answer(const engine::ExchangeId &id, const engine::Answer &answer) {
    if (id.abroad()) {
        return abroad_ != nullptr && abroad_->answer(id, answer);
    }
    if (seat_of(id) == me_) {
        events_.on_answer(id.slot, answer);
        return true;
    }
    std::string head;
    Writer out(head);
    out.put(id.slot);
    out.put(answer.status);
    out.put(answer.kind);
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(answer.body)};
    return static_cast<bool>(post_.send(seat_of(id), kAnswer, pieces));
}

void Homes::hear_answer(Reader &in) {
    const auto slot = in.get<Handle>();
    const auto status = in.get<std::uint16_t>();
    const auto kind = in.get<engine::BodyKind>();
    if (in.ok()) {
        events_.on_answer(slot, {status, kind, in.rest()});
    }
}

bool Homes::end_transport(const hub::LiveSession &session, Handle comeback) {
    const shm::SeatRef home{session.seat, session.seat_generation};
    if (home == me_) {
        return false; // it is on its way here
    }
    std::string asked;
    Writer out(asked);
    out.put_text(session.sid);
    out.put(engine::ExchangeId{me_.index, me_.generation, comeback});
    const Bytes piece = as_bytes(asked);
    events_.on_wanted(home);
    return static_cast<bool>(post_.send(home, static_cast<std::uint16_t>(Call::end), {&piece, 1}));
}

// Yes or no, to who asked.
void Homes::tell(std::uint16_t kind, const engine::ExchangeId &to, bool answer) {
    std::string told;
    Writer out(told);
    out.put(to.slot);
    out.put(answer);
    const Bytes piece = as_bytes(told);
    static_cast<void>(post_.send(seat_of(to), kind, {&piece, 1}));
}

void Homes::tell_probe(const engine::ExchangeId &to, bool accepted, Millis now) {
    if (to.abroad()) {
        abroad_->tell_probe(to, accepted);
    } else if (seat_of(to) == me_) {
        events_.on_probe(to.slot, accepted, now);
    } else {
        tell(kProbeAnswer, to, accepted);
    }
}

// The session goes to the worker that holds its WebSocket, but not while a chain of it is under
// way: what that still has to say would not find the client. Nor is it taken from a WebSocket: a
// prober that was stopped may say `5` after another has.
void Homes::give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) {
    if (!connection.session().may_upgrade()) {
        give_nothing(to, now);
    } else if (seat_of(to) == me_ && !to.abroad()) {
        events_.on_arrival(to.slot, &connection, now);
    } else if (hub_->is_quiet(connection)) {
        to.abroad() ? abroad_->give(connection, to, now) : move(connection, to, now);
    } else {
        takers_.push_back({std::string(connection.sid()), to});
    }
}

void Homes::go_on(Millis now) {
    for (const Taker &taker : std::exchange(takers_, {})) {
        serve(Call::take, {taker.sid, taker.by}, {}, now);
    }
}

void Homes::pack(hub::Connection &connection, Writer &out, Millis now) {
    out.put(bus_.cursor());
    hub_->freeze(connection, out, now);
    out.put(static_cast<std::uint8_t>(abroad_ != nullptr));
    if (abroad_ != nullptr) {
        abroad_->pack(connection.sid(), out);
    }
}

// From here on the roster names the new worker, so that its death is the session's.
void Homes::move(hub::Connection &connection, const engine::ExchangeId &to, Millis now) {
    std::string head;
    Writer told(head);
    told.put(to.slot);
    told.put(true);
    std::string image;
    Writer out(image);
    hub_->ports().directory.hand_over(connection.record(), to.seat, to.seat_generation);
    pack(connection, out, now);
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(image)};
    if (post_.send(seat_of(to), kImage, pieces)) {
        return;
    }
    // Nobody takes it: it ends here, as it would have there, disconnect { } and all.
    if (hub::Connection *back = take_back(image, now); back != nullptr) {
        back->session().close(engine::CloseReason::transport_close, now);
    }
}

bool Homes::send_away(hub::Connection &connection, shm::SeatRef to, Millis now) {
    std::string image;
    Writer out(image);
    hub_->ports().directory.hand_over(connection.record(), to.index, to.generation);
    pack(connection, out, now);
    const Bytes piece = as_bytes(image);
    if (post_.send(to, kSession, {&piece, 1})) {
        return true;
    }
    take_back(image, now);
    return false;
}

hub::Connection *Homes::take_back(Text image, Millis now) {
    Reader in(image);
    return settle(in, nullptr, now);
}

void Homes::give_nothing(const engine::ExchangeId &to, Millis now) {
    if (to.abroad()) {
        abroad_->give_nothing(to);
    } else if (seat_of(to) == me_) {
        events_.on_arrival(to.slot, nullptr, now);
    } else {
        tell(kImage, to, false);
    }
}

void Homes::arrive(Reader &in, Millis now) {
    const auto slot = in.get<Handle>();
    const bool given = in.get<bool>();
    if (!in.ok()) {
        return;
    }
    hub::Connection *arrived = given ? settle(in, nullptr, now) : nullptr;
    events_.on_arrival(slot, arrived, now);
    welcome(arrived, now);
}

// What was asked of the session before it was here.
void Homes::welcome(hub::Connection *arrived, Millis now) {
    if (arrived == nullptr || parking_.empty()) {
        return;
    }
    const std::string sid(arrived->sid());
    for (const ParkedCall &parked : parking_.take(sid)) {
        serve(static_cast<Call>(parked.call), {sid, parked.by}, parked.body, now);
    }
}

hub::Connection *Homes::settle(Reader &in, engine::WsPort *port, Millis now) {
    const auto position = in.get<hub::Position>();
    bus_.catch_up(position, now);
    const Result<hub::Connection *> arrived = hub_->thaw(in, now);
    if (!arrived) {
        hub_->ports().log.write(Level::error, arrived.error().where);
        return nullptr;
    }
    hub::Connection *connection = *arrived;
    if (in.get<bool>() && abroad_ != nullptr) {
        abroad_->unpack(connection->sid(), in, now);
    }
    if (port != nullptr) {
        connection->session().attach(*port);
    }
    const bool whole =
        bus_.replay(position, bus_.cursor(), [&](const hub::Envelope &envelope, hub::Position end) {
            hub_->replay(*connection, envelope, end, now);
        });
    if (!whole) {
        connection->session().close(engine::CloseReason::transport_close, now);
        return nullptr;
    }
    return connection;
}

void Homes::on_mail(shm::SeatRef, std::uint16_t kind, Bytes body, Millis now) {
    Reader in(as_text(body));
    if (kind == kAnswer) {
        hear_answer(in);
    } else if (kind == kImage) {
        arrive(in, now);
    } else if (kind == kSession) {
        welcome(settle(in, nullptr, now), now);
    } else if (kind == kEnded) {
        const auto comeback = in.get<Handle>();
        hub_->on_ended(comeback, in.get<bool>(), now);
    } else if (kind == kProbeAnswer) {
        const auto slot = in.get<Handle>();
        events_.on_probe(slot, in.get<bool>(), now);
    } else {
        const Text sid = in.get_text();
        const Asked asked{sid, in.get<engine::ExchangeId>()};
        if (in.ok()) {
            serve(static_cast<Call>(kind), asked, in.rest(), now);
        }
    }
}

} // namespace rt::cluster
