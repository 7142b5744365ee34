// SPDX-License-Identifier: BSD-2-Clause
// Hub: clients that come back at another host than their sockets were at. The old home says what was
// missed up to a cut (hub/cut.hpp), the new one what its log has behind it.
#include "hub/hub.hpp"

#include <algorithm>
#include <utility>

namespace rt::hub {

namespace {

constexpr Millis kPatience = 2000; // of the old home, with the worker that has the session
constexpr Millis kAbroad = 4000;   // of the new one, with the old

} // namespace

// --- at the new home ---

// busy: its host is asked.
Result<KeptSocket> Hub::claim_abroad(Comeback &comeback, const ClaimText &claim, Millis now) {
    const bool foreign = comeback.last_host() != names_.host && comeback.guest == nullptr;
    if (!foreign || comeback.abroad == Comeback::Abroad::refused || ports_.takeovers == nullptr) {
        return {Code::not_found, "not kept"};
    }
    if (comeback.abroad == Comeback::Abroad::asked) {
        return {Code::timeout, "its host does not answer"};
    }
    if (!ports_.takeovers->ask_abroad(claim, comeback)) {
        return {Code::not_found, "its host cannot be asked"};
    }
    comeback.abroad = Comeback::Abroad::asked;
    ports_.session.deadlines.start(comeback, now, kAbroad);
    return {Code::busy, "its host is asked"};
}

void Hub::on_returned(Handle handle, std::unique_ptr<Returned> returned) {
    Comeback *comeback = comebacks_.find(handle);
    if (comeback == nullptr || comeback->abroad != Comeback::Abroad::asked) {
        return;
    }
    comeback->abroad = Comeback::Abroad::refused; // unless this says something else
    comeback->returned = std::move(returned);
    look_again(handle);
}

void Hub::begin_at(Returning &who, const KeptSocket &kept, Position from) const {
    who.kept_rooms = kept.rooms;
    who.since = kept.since;
    who.from = from;
    if (who.comeback != nullptr && who.comeback->returned != nullptr) {
        who.abroad = who.comeback->returned.get();
        who.part = LogPart(who.abroad->cut);
    }
}

// --- at the old home ---

void Hub::welcome(Guest guest, Millis now) {
    const std::optional<SocketId> id = id_of_pid(Text(guest.pid).substr(0, names_.host.size()), guest.pid);
    if (!recovers() || !id) {
        ports_.takeovers->on_guest(guest.number, nullptr, 0, now);
        return;
    }
    const Handle handle = comebacks_.emplace(*this, Handle{}, guest.nsp);
    Comeback &comeback = *comebacks_.find(handle);
    comeback.self = handle;
    comeback.pid = guest.pid;
    comeback.offset = guest.offset;
    comeback.has_offset = guest.has_offset;
    comeback.id = *id;
    comeback.hold = ports_.directory.attention().hold(now);
    comeback.until = now + kPatience;
    comeback.guest = std::make_unique<Guest>(std::move(guest));
    queue(handle);
}

void Hub::look_for_guest(Comeback &comeback, Millis now) {
    const Guest &guest = *comeback.guest;
    const ClaimText wanted{{comeback.id.data(), comeback.id.size()}, guest.pid, guest.nsp, guest.user};
    const Result<KeptSocket> kept = claim(comeback, wanted, now);
    if (kept.code() == Code::busy) {
        return;
    }
    const std::unique_ptr<Comeback> done = comebacks_.take(comeback.self);
    const Result<Position> from = kept ? start_of(*done, kept->since) : Result<Position>(kept.error());
    const bool whole = from && done->hold.unbroken();
    ports_.takeovers->on_guest(done->guest->number, whole ? &*kept : nullptr, whole ? *from : 0, now);
}

std::vector<std::optional<Returned>> Hub::missed_by(std::span<const Departing> all) {
    std::vector<std::optional<Returned>> told(all.size());
    std::vector<std::size_t> backlogs(all.size());
    std::vector<std::size_t> whose; // in the order of `back`
    std::deque<Returning> back;
    Position until = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (begin_away(back, all[i])) {
            back.back().backlog = &backlogs[i];
            until = std::max(until, all[i].sides.others);
            whose.push_back(i);
        }
    }
    Replay replay(back, offsets_, hash_key_);
    if (!replay.run(ports_.bus, until)) {
        return told;
    }
    for (std::size_t i = 0; i < whose.size(); ++i) {
        Returning &who = back[i];
        if (!who.too_much && !who.uncertain) {
            told[whose[i]] =
                Returned{{}, {who.rooms.begin(), who.rooms.end()}, std::move(who.missed), who.put_out};
        }
    }
    return told;
}

// False: there is nothing to be had.
bool Hub::begin_away(std::deque<Returning> &back, const Departing &departing) {
    const Guest &guest = departing.guest;
    Namespace *nsp = namespace_for(guest.nsp);
    const std::optional<SocketId> id = id_of_pid(Text(guest.pid).substr(0, names_.host.size()), guest.pid);
    empty_namespace_ = true; // perhaps
    if (nsp == nullptr || !id || !ports_.bus.holds(departing.from)) {
        return false;
    }
    Returning &who = back.emplace_back();
    who.nsp = nsp;
    who.id = *id;
    who.user = guest.user;
    begin_at(who, departing.kept, departing.from);
    who.most = guest.most;
    who.most_rooms = guest.most_rooms;
    who.part = LogPart(departing.sides);
    return true;
}

} // namespace rt::hub
