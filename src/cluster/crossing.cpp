// SPDX-License-Identifier: BSD-2-Clause
// Crossing: at the session's old home, and at its new one.
#include "cluster/crossing.hpp"

#include "cluster/crossing_mail.hpp"
#include "cluster/far_message.hpp"
#include "hub/offset.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rt::cluster {

namespace {

void close(hub::Connection &connection, Millis now) {
    connection.session().close(engine::CloseReason::transport_close, now);
}

std::array<char, kHostLength> host_name(Text host) noexcept {
    std::array<char, kHostLength> name{};
    host.copy(name.data(), name.size());
    return name;
}

} // namespace

// --- from here ---

// From now on nothing reaches the session but what catch_up() gives it.
void Crossing::give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) {
    if (!may_take() || !abroad_.bridge.holder()) {
        ports_.relay.give_nothing(to);
        return;
    }
    auto made = std::make_unique<Voyage>(*this);
    Voyage &voyage = *made;
    voyage.ticket = new_ticket();
    voyage.sid = connection.sid();
    voyage.to = to;
    voyage.record = connection.record();
    voyage.at = ports_.bus.cursor();
    voyage.going.emplace(abroad_.unsettled);
    Writer out(voyage.image);
    ports_.hub.freeze(connection, out, now);
    voyages_.emplace(voyage.ticket, std::move(made));
    abroad_.deadlines.start(voyage, now, kPatience);
    want({voyage.ticket, voyage.to, voyage.at, voyage.sid}, now);
}

bool Crossing::has(Text sid) const {
    return std::ranges::any_of(voyages_, [&](const auto &entry) { return entry.second->sid == sid; });
}

void Crossing::on_sides(const Ticket &ticket, const hub::Sides &sides, Millis now) {
    const auto found = voyages_.find(ticket);
    if (found == voyages_.end()) {
        others_->on_sides(ticket, sides, now);
        return;
    }
    if (found->second->departed) {
        return;
    }
    if (hub::Connection *connection = catch_up(*found->second, sides, now); connection != nullptr) {
        depart(*found->second, *connection, now);
    } else {
        ports_.relay.give_nothing(found->second->to);
        voyages_.erase(found);
    }
}

// The session as it is at the barrier. Null: it has ended.
hub::Connection *Crossing::catch_up(const Voyage &voyage, const hub::Sides &sides, Millis now) {
    Reader in(voyage.image);
    const Result<hub::Connection *> thawed = ports_.hub.thaw(in, now);
    if (!thawed) {
        return nullptr;
    }
    hub::Connection &connection = **thawed;
    hub::LogPart part(sides);
    const auto see = [&](const hub::Envelope &envelope, hub::Position end) {
        if (part.takes(envelope, end)) {
            ports_.hub.replay(connection, envelope, end, now);
        }
    };
    if (!ports_.bus.replay(voyage.at, sides.others, see)) {
        close(connection, now);
    }
    return connection.session().open() ? &connection : nullptr;
}

void Crossing::depart(Voyage &voyage, hub::Connection &connection, Millis now) {
    voyage.image.clear();
    Writer out(voyage.image);
    out.put(voyage.ticket);
    out.put_text(voyage.sid);
    ports_.registrar.write(voyage.record, out);
    ports_.hub.tell_departed(connection);
    ports_.hub.freeze(connection, out, now);
    ports_.registrar.remove(voyage.record);
    voyage.departed = true;
    voyage.going.reset();
    abroad_.metrics.count(hub::Metric::crossed_out);
    abroad_.deadlines.start(voyage, now, kRepeat);
    send_image(voyage);
}

void Crossing::send_image(const Voyage &voyage) {
    const std::string head = Relay::image_head(voyage.to);
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(voyage.image)};
    static_cast<void>(ports_.relay.send(voyage.to.host_text(), Topic::relay, pieces));
}

void Crossing::on_late(Voyage &voyage, Millis now) {
    if (voyage.departed && ++voyage.repeats < kRepeats) {
        abroad_.deadlines.start(voyage, now, kRepeat);
        send_image(voyage);
        return;
    }
    const auto found = voyages_.find(voyage.ticket);
    const std::unique_ptr<Voyage> last = std::move(found->second);
    voyages_.erase(found);
    last->departed ? come_home(*last, now) : stay(*last, now);
}

// Its client waits at the other host already: it ends, and may come back.
void Crossing::stay(const Voyage &voyage, Millis now) {
    abroad_.metrics.count(hub::Metric::not_crossed);
    Reader in(voyage.image);
    if (const Result<hub::Connection *> thawed = ports_.hub.thaw(in, now); thawed) {
        close(**thawed, now);
    }
    ports_.relay.give_nothing(voyage.to);
}

// Nobody has it: its disconnect { } runs here.
void Crossing::come_home(const Voyage &voyage, Millis now) {
    Reader in(voyage.image);
    static_cast<void>(in.get<Ticket>());
    const Text sid = in.get_text();
    const Arrival arrival{abroad_.host, voyage.to, std::nullopt};
    if (const Result<hub::Connection *> back = settle(arrival, sid, in, now); back) {
        close(**back, now);
    }
    abroad_.metrics.count(hub::Metric::not_crossed);
}

void Crossing::on_confirmed(const Ticket &ticket, bool arrived, Millis now) {
    const auto found = voyages_.find(ticket);
    if (found == voyages_.end() || !found->second->departed) {
        return;
    }
    const std::unique_ptr<Voyage> last = std::move(found->second);
    voyages_.erase(found);
    if (!arrived) {
        come_home(*last, now);
    }
}

// --- to here ---

void Crossing::arrive(const Arrival &arrival, Text image, Millis now) {
    Reader in(image);
    const auto ticket = in.get<Ticket>();
    const Text sid = in.get_text();
    if (ports_.hub.find(sid) != nullptr) {
        confirm(arrival, ticket, true); // it came twice
        return;
    }
    hub::Connection *here = nullptr;
    bool taken = false;
    if (arrival.cut && in.ok()) {
        const Result<hub::Connection *> settled = settle(arrival, sid, in, now);
        taken = settled || settled.code() == Code::gone;
        here = settled ? *settled : nullptr;
    }
    ports_.relay.forget(arrival.to.slot);
    abroad_.metrics.count(taken ? hub::Metric::crossed_in : hub::Metric::not_crossed);
    confirm(arrival, ticket, taken);
    tell_settled(arrival.to);
    ports_.events.on_arrival(arrival.to.slot, here, now);
}

// gone: it was taken, and has ended. Other errors: it was not.
Result<hub::Connection *> Crossing::settle(const Arrival &arrival, Text sid, Reader &in, Millis now) {
    const hub::Cut cut = arrival.cut.value_or(hub::Cut());
    ports_.bus.catch_up(std::max(cut.heard, cut.sent), now);
    const hub::Position since = arrival.cut ? cut.heard : ports_.bus.cursor();
    RT_TRY(papers, ports_.registrar.make(sid, in, since | hub::kCameFromAbroad));
    papers.from = host_name(arrival.from);
    papers.here = host_name(abroad_.host);
    const Result<hub::Connection *> thawed = ports_.hub.thaw(in, now, &papers);
    if (!thawed && ports_.hub.find(sid) == nullptr) {
        ports_.registrar.remove(papers.connection);
        return thawed;
    }
    if (!thawed) {
        return {Code::gone, "the session could not go on here"};
    }
    hub::Connection &connection = **thawed;
    hub::LogPart part(cut);
    const auto see = [&](const hub::Envelope &envelope, hub::Position end) {
        if (part.takes(envelope, end)) {
            const bool dead = !part.may_offset(end) && envelope.op == hub::Op::emit && !envelope.asker;
            ports_.hub.replay(connection, envelope, dead ? hub::kNoOffset : end, now);
        }
    };
    const bool whole = !arrival.cut || (ports_.relay.heard_all_for(arrival.to.slot) &&
                                        ports_.bus.replay(cut.floor, ports_.bus.cursor(), see));
    if (!whole) {
        close(connection, now);
    }
    if (!connection.session().open()) {
        return {Code::gone, "the session has ended"};
    }
    return &connection;
}

void Crossing::confirm(const Arrival &arrival, const Ticket &ticket, bool arrived) {
    std::string message;
    Writer out(message);
    put_crossing_head(out, CrossingSaid::confirm);
    out.put(ticket);
    out.put(static_cast<std::uint8_t>(arrived));
    const Bytes piece = as_bytes(message);
    static_cast<void>(ports_.relay.send(arrival.from, Topic::crossing, {&piece, 1}));
}

void Crossing::on_mail(shm::SeatRef, std::uint16_t kind, Bytes body, Millis now) {
    Reader in(as_text(body));
    if (kind == kArrival) {
        Arrival arrival;
        arrival.from = in.take(kHostLength);
        arrival.to = in.get<engine::ExchangeId>();
        const bool known = in.get<bool>();
        const auto cut = in.get<hub::Cut>();
        arrival.cut = known ? std::optional(cut) : std::nullopt;
        arrive(arrival, in.rest(), now);
        return;
    }
    if (kind == kSettled) {
        on_settled(in.get<engine::ExchangeId>());
        return;
    }
    const auto ticket = in.get<Ticket>();
    if (kind == kBarrierWanted) {
        const auto to = in.get<engine::ExchangeId>();
        const auto at = in.get<hub::Position>();
        wanted_.push_back({ticket, to, at, std::string(in.rest())});
    } else if (kind == kSides) {
        on_sides(ticket, in.get<hub::Sides>(), now);
    } else if (kind == kAcked) {
        ports_.far.on_confirmed(ticket);
    } else if (kind == kConfirmed) {
        on_confirmed(ticket, in.get<bool>(), now);
    }
}

} // namespace rt::cluster
