// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/returns.hpp"

#include "cluster/far_message.hpp"
#include "engine/frame_image.hpp"

#include <array>
#include <utility>

namespace rt::cluster {

namespace {

constexpr std::uint16_t kClaimOut = kReturnsMail;     // a host and a claim for it
constexpr std::uint16_t kReturned = kReturnsMail + 1; // whose comeback, the cut or none, what was missed

// Comebacks and exchanges share a worker's numbers at the bridge: these have the highest bit.
constexpr std::uint32_t kComebacks = 1u << 31;

constexpr std::size_t kLeastText = 4;

engine::ExchangeId name_of(shm::SeatRef seat, Handle comeback) noexcept {
    return {seat.index, seat.generation, {comeback.index, comeback.generation | kComebacks}};
}

Handle comeback_of(const engine::ExchangeId &name) noexcept {
    return {name.slot.index, name.slot.generation & ~kComebacks};
}

hub::Guest read_guest(Reader &in) {
    hub::Guest guest;
    guest.nsp = in.get_text();
    guest.user = in.get_text();
    guest.pid = in.get_text();
    guest.offset = in.get_text();
    guest.has_offset = in.get<bool>();
    guest.most = in.get<std::uint64_t>();
    guest.most_rooms = in.get<std::uint64_t>();
    return guest;
}

void write_returned(const hub::Returned &returned, Writer &out) {
    out.put(static_cast<std::uint32_t>(returned.rooms.size()));
    for (const std::string &room : returned.rooms) {
        out.put_text(room);
    }
    out.put(returned.put_out);
    out.put(static_cast<std::uint32_t>(returned.missed.size()));
    for (const Ref<wire::Frame> &frame : returned.missed) {
        engine::freeze_frame(out, *frame);
    }
}

std::unique_ptr<hub::Returned> read_returned(Reader &in) {
    auto returned = std::make_unique<hub::Returned>();
    for (std::uint32_t count = in.get_count(kLeastText); count > 0; --count) {
        returned->rooms.emplace_back(in.get_text());
    }
    returned->put_out = in.get<hub::PutOut>();
    for (std::uint32_t count = in.get_count(kLeastText); count > 0 && in.ok(); --count) {
        returned->missed.push_back(engine::thaw_frame(in));
    }
    return in.ok() && returned->put_out <= hub::PutOut::connection ? std::move(returned) : nullptr;
}

} // namespace

// --- at the new home ---

bool Returns::ask_abroad(const hub::ClaimText &claim, const hub::Comeback &comeback) {
    const shm::SeatRef holder = abroad_.bridge.holder();
    const hub::Connection *connection = hub_->find(comeback.connection);
    const bool known = comeback.last_host().size() == kHostLength;
    if (!known || !abroad_.bridge.is_ordered() || !holder || connection == nullptr) {
        return false;
    }
    const engine::SessionSettings &session = connection->session().settings();
    std::string mail(comeback.last_host());
    Writer out(mail);
    put_crossing_head(out, CrossingSaid::claim);
    out.put(name_of(abroad_.me, comeback.self));
    out.put_text(claim.nsp);
    out.put_text(claim.user);
    out.put_text(claim.pid);
    out.put_text(comeback.offset);
    out.put(comeback.has_offset);
    out.put(session.send_buffer);
    out.put(std::uint64_t{session.limits.rooms});
    const Bytes piece = as_bytes(mail);
    // Also to oneself: the answer never comes before this returns.
    return static_cast<bool>(abroad_.post.send(holder, kClaimOut, {&piece, 1}));
}

void Returns::say_claim(Text host, Bytes message, Millis now) {
    Reader in(as_text(message));
    static_cast<void>(in.take(2)); // the head
    const auto by = in.get<engine::ExchangeId>();
    if (abroad_.bridge.is_live(host, now)) {
        crossing_->await_cut(by, now);
        if (abroad_.bridge.tell(host, Topic::crossing, {&message, 1})) {
            return;
        }
    }
    say_nothing(by);
}

void Returns::on_returned(Text, Reader &in, Millis) {
    const auto to = in.get<engine::ExchangeId>();
    const auto ticket = in.get<Ticket>();
    const std::optional<hub::Cut> cut = crossing_->take_cut(to, ticket);
    std::string head;
    Writer out(head);
    out.put(to);
    out.put(cut.has_value());
    out.put(cut.value_or(hub::Cut()));
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(in.rest())};
    static_cast<void>(abroad_.post.send({to.seat, to.seat_generation}, kReturned, pieces));
}

void Returns::hear(Bytes mail) {
    Reader in(as_text(mail));
    const auto to = in.get<engine::ExchangeId>();
    const bool cut_known = in.get<bool>();
    const auto cut = in.get<hub::Cut>();
    std::unique_ptr<hub::Returned> returned = cut_known ? read_returned(in) : nullptr;
    if (returned != nullptr) {
        returned->cut = cut;
        abroad_.metrics.count(hub::Metric::crossed_in);
    }
    hub_->on_returned(comeback_of(to), std::move(returned));
}

// --- at the old home, where the bridge is ---

void Returns::on_claim(Text from, Reader &in, Millis now) {
    auto by = in.get<engine::ExchangeId>();
    from.copy(by.host.data(), by.host.size());
    hub::Guest guest = read_guest(in);
    if (!in.ok() || !by || from == abroad_.host) {
        return;
    }
    const Ticket ticket = crossing_->new_ticket();
    guest.number = ticket.number;
    lodgers_[guest.number] = {guest, by, ticket, now + kForgotten, {}, {}, 0, {}};
    hub_->welcome(std::move(guest), now);
}

void Returns::on_guest(std::uint64_t number, const hub::KeptSocket *kept, hub::Position from, Millis now) {
    const auto found = lodgers_.find(number);
    if (found == lodgers_.end()) {
        return;
    }
    Lodger &lodger = found->second;
    if (kept == nullptr) {
        say_nothing(lodger.by);
        lodgers_.erase(found);
        return;
    }
    lodger.kept = *kept;
    lodger.hold = hub_->ports().directory.attention().hold(now);
    lodger.from = from;
    // Its rooms are as its home left them, which may have read the log to the end.
    crossing_->want({lodger.ticket, lodger.by, hub_->ports().bus.head(), {}}, now);
}

void Returns::on_sides(const Ticket &ticket, const hub::Sides &sides, Millis) {
    if (const auto found = lodgers_.find(ticket.number); found != lodgers_.end()) {
        found->second.sides = sides;
        due_.push_back(ticket.number);
        hub_->ports().request_reap(); // so that there is a turn
    }
}

// All of one turn at once.
void Returns::say_missed() {
    std::vector<Lodger> leaving;
    for (const std::uint64_t number : std::exchange(due_, {})) {
        auto lodger = lodgers_.extract(number);
        if (!lodger.empty() && lodger.mapped().hold.unbroken()) {
            leaving.push_back(std::move(lodger.mapped()));
        } else if (!lodger.empty()) {
            say_nothing(lodger.mapped().by);
        }
    }
    std::vector<hub::Departing> all;
    all.reserve(leaving.size());
    for (const Lodger &lodger : leaving) {
        all.push_back({lodger.guest, lodger.kept, lodger.from, lodger.sides});
    }
    const std::vector<std::optional<hub::Returned>> told = hub_->missed_by(all);
    for (std::size_t i = 0; i < leaving.size(); ++i) {
        told[i] ? say_returned(leaving[i], *told[i]) : say_nothing(leaving[i].by);
    }
}

void Returns::say_returned(const Lodger &lodger, const hub::Returned &returned) {
    std::string message;
    Writer out(message);
    put_crossing_head(out, CrossingSaid::returned);
    engine::ExchangeId to = lodger.by;
    to.host = {};
    out.put(to);
    out.put(lodger.ticket);
    write_returned(returned, out);
    const Bytes piece = as_bytes(message);
    if (abroad_.bridge.tell(lodger.by.host_text(), Topic::crossing, {&piece, 1})) {
        abroad_.metrics.count(hub::Metric::crossed_out);
    }
}

// To a comeback of this host or of another.
void Returns::say_nothing(const engine::ExchangeId &to) {
    engine::ExchangeId name = to;
    name.host = {};
    std::string message;
    Writer out(message);
    if (!to.abroad()) {
        out.put(name);
        out.put(false);
        out.put(hub::Cut());
        const Bytes piece = as_bytes(message);
        static_cast<void>(abroad_.post.send({to.seat, to.seat_generation}, kReturned, {&piece, 1}));
        return;
    }
    put_crossing_head(out, CrossingSaid::returned);
    out.put(name);
    out.put(Ticket());
    const Bytes piece = as_bytes(message);
    static_cast<void>(abroad_.bridge.tell(to.host_text(), Topic::crossing, {&piece, 1}));
}

void Returns::go_on(Millis now) {
    if (!due_.empty()) {
        say_missed();
    }
    std::erase_if(lodgers_, [&](const auto &entry) { return entry.second.until <= now; });
}

void Returns::on_mail(shm::SeatRef, std::uint16_t kind, Bytes body, Millis now) {
    if (kind == kClaimOut && body.size() > kHostLength) {
        say_claim(as_text(body).substr(0, kHostLength), body.subspan(kHostLength), now);
    } else if (kind == kReturned) {
        hear(body);
    }
}

} // namespace rt::cluster
