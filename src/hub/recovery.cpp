// SPDX-License-Identifier: BSD-2-Clause
// Hub: clients that come back to the sockets they had (socket.io, connection state recovery).
// Whatever does not fit makes a new socket, and the client is told so by its new pid.
#include "hub/hub.hpp"

#include <utility>

namespace rt::hub {

namespace {

constexpr Millis kPatience = 2000; // with the worker that has the session; a death is seen sooner
constexpr Millis kAgain = 50;      // until a session that is on its way is looked for again

Metric metric_of(Code code) noexcept {
    switch (code) {
    case Code::forbidden:
        return Metric::not_recovered_foreign;
    case Code::protocol:
        return Metric::not_recovered_offset;
    case Code::lapped:
        return Metric::not_recovered_overrun;
    case Code::timeout:
        return Metric::not_recovered_silent;
    case Code::unavailable:
        return Metric::not_recovered_gap;
    case Code::too_big:
        return Metric::not_recovered_too_much;
    case Code::full:
        return Metric::not_recovered_full;
    default:
        return Metric::not_recovered_unknown;
    }
}

} // namespace

// Those looked at in one turn.
struct Hub::Batch {
    std::deque<Returning> back;
    std::deque<std::unique_ptr<Comeback>> anew;
    std::unordered_map<Connection *, std::size_t> backlogs;
};

// False: it cannot be recovered, and that is known at once.
bool Hub::come_back(Connection &connection, Text nsp, RecoveryAuth auth, Millis now) {
    // It may have come here from the host that it names.
    const std::optional<SocketId> id = id_of_pid(Text(auth.pid).substr(0, names_.host.size()), auth.pid);
    if (!id) {
        metrics().count(Metric::not_recovered_unknown);
        return false;
    }
    const Handle handle = comebacks_.emplace(*this, connection.self, nsp);
    Comeback &comeback = *comebacks_.find(handle);
    comeback.self = handle;
    comeback.auth = std::move(auth.rest);
    comeback.pid = std::move(auth.pid);
    comeback.offset = std::move(auth.offset);
    comeback.has_offset = auth.has_offset;
    comeback.id = *id;
    comeback.hold = ports_.directory.attention().hold(now);
    comeback.until = now + kPatience;
    queue(handle);
    return true;
}

void Hub::queue(Handle comeback) {
    if (returning_.empty()) {
        ports_.request_reap(); // so that there is a turn
    }
    returning_.push_back(comeback);
}

void Hub::look_again(Handle handle) {
    if (Comeback *comeback = comebacks_.find(handle); comeback != nullptr) {
        comeback->stop();
        comeback->asked = false;
        queue(handle);
    }
}

void Hub::on_ended(Handle handle, bool found, Millis now) {
    Comeback *comeback = comebacks_.find(handle);
    if (found || comeback == nullptr) {
        look_again(handle);
        return;
    }
    ports_.session.deadlines.start(*comeback, now, kAgain); // it moves, or it has ended
}

void Hub::recover(Millis now) {
    if (returning_.empty()) {
        return;
    }
    read_up(now);
    Batch batch;
    for (const Handle handle : std::exchange(returning_, {})) {
        look(handle, batch, now);
    }
    replay_missed(batch);
    place(batch, now);
    for (const auto &comeback : batch.anew) {
        Connection *connection = connections_.find(comeback->connection);
        Namespace *nsp = namespace_for(comeback->nsp);
        if (connection != nullptr && connection->session().open() && nsp != nullptr) {
            connect_anew(*connection, *nsp, comeback->auth, now);
        }
    }
}

void Hub::look(Handle handle, Batch &batch, Millis now) {
    Comeback *comeback = comebacks_.find(handle);
    if (comeback != nullptr && comeback->guest != nullptr) {
        look_for_guest(*comeback, now);
        return;
    }
    Connection *connection = comeback != nullptr ? connections_.find(comeback->connection) : nullptr;
    const bool open = connection != nullptr && connection->session().open();
    Namespace *nsp = open ? namespace_for(comeback->nsp) : nullptr;
    if (nsp == nullptr) {
        empty_namespace_ = true; // perhaps
        comebacks_.erase(handle);
        return;
    }
    Scope scope = scope_in(*nsp);
    scope.transport = engine::transport_name(connection->transport());
    scope.captured = connection->captured();
    scope.auth = comeback->auth;
    std::string user = settings_.user.text(scope);
    const ClaimText wanted{{comeback->id.data(), comeback->id.size()}, comeback->pid, nsp->name(), user};
    Result<KeptSocket> kept = claim(*comeback, wanted, now);
    if (kept.code() == Code::busy) {
        return;
    }
    std::unique_ptr<Comeback> done = comebacks_.take(handle);
    const Result<Position> from = kept ? start_of(*done, kept->since) : Result<Position>(kept.error());
    if (!from) {
        metrics().count(metric_of(from.code()));
        batch.anew.push_back(std::move(done));
        return;
    }
    const engine::SessionSettings &limits = connection->session().settings();
    Returning &who = batch.back.emplace_back();
    who.comeback = std::move(done);
    who.nsp = nsp;
    who.id = who.comeback->id;
    who.user = std::move(user);
    begin_at(who, *kept, *from);
    who.most = limits.send_buffer;
    who.most_rooms = limits.limits.rooms;
    who.backlog = &batch.backlogs.try_emplace(connection, connection->session().queued()).first->second;
}

// busy: somebody is asked, or waited for.
Result<KeptSocket> Hub::claim(Comeback &comeback, const ClaimText &claim, Millis now) {
    if (comeback.returned != nullptr) {
        const Returned &there = *comeback.returned;
        return KeptSocket{there.cut.heard | kCameFromAbroad, there.rooms};
    }
    Result<KeptSocket> kept = ports_.directory.claim(claim, now);
    if (kept || kept.code() != Code::not_found) {
        return kept;
    }
    const Result<LiveSession> found = ports_.directory.find_claimed(claim);
    if (found.code() == Code::not_found) {
        return claim_abroad(comeback, claim, now);
    }
    if (!found) {
        return found.error();
    }
    const LiveSession &live = *found;
    if (Connection *here = find(live.sid); here != nullptr && here->self != comeback.connection) {
        here->session().close(engine::CloseReason::transport_close, now);
        return ports_.directory.claim(claim, now);
    }
    if (now >= comeback.until || ports_.takeovers == nullptr) {
        return {Code::timeout, "the session's worker does not let go of it"};
    }
    comeback.asked = ports_.takeovers->end_transport(live, comeback.self);
    ports_.session.deadlines.start(comeback, now, comeback.asked ? kPatience : kAgain);
    return {Code::busy, "the session's worker is asked"};
}

// Where the log is read from: an offset from before its CONNECT is of an earlier socket.
Result<Position> Hub::start_of(const Comeback &comeback, Position since) const {
    if (ports_.bus.is_deaf()) {
        return {Code::unavailable, "what other hosts say may not be heard"};
    }
    if (comeback.returned != nullptr) {
        return comeback.returned->cut.floor;
    }
    Position from = since & ~kCameFromAbroad;
    if (from != since && !comeback.has_offset) {
        return {Code::protocol, "what it got before stands in another log"};
    }
    if (comeback.has_offset) {
        const std::optional<Position> offset = offsets_.read(comeback.offset);
        if (!offset) {
            return {Code::protocol, "offset of another log"};
        }
        from = std::max(from, *offset);
    }
    if (from < ports_.bus.tail()) {
        return {Code::lapped, "offset is no longer in the log"};
    }
    if (from > ports_.bus.cursor() || !ports_.bus.holds(from)) {
        return {Code::protocol, "offset is no position of the log"};
    }
    return from;
}

// What is published while this runs comes to them live: they are placed before anything else is
// delivered.
void Hub::replay_missed(Batch &batch) {
    while (!batch.back.empty()) {
        Replay replay(batch.back, offsets_, hash_key_);
        if (replay.run(ports_.bus, ports_.bus.cursor())) {
            return;
        }
        refuse_overrun(batch);
    }
}

void Hub::refuse_overrun(Batch &batch) {
    const std::size_t before = batch.back.size();
    const auto overrun = [&](Returning &who, bool all) {
        if (!all && ports_.bus.holds(who.from)) {
            return false;
        }
        metrics().count(Metric::not_recovered_overrun);
        batch.anew.push_back(std::move(who.comeback));
        return true;
    };
    std::erase_if(batch.back, [&](Returning &who) { return overrun(who, false); });
    if (batch.back.size() == before) {
        std::erase_if(batch.back, [&](Returning &who) { return overrun(who, true); });
    }
}

// All of them first, then their chains, whose emits they may all want.
void Hub::place(Batch &batch, Millis now) {
    struct Placed {
        Handle self;
        std::uint64_t unheard = 0;
    };
    std::vector<Placed> placed;
    for (Returning &who : batch.back) {
        const std::uint64_t before = asked();
        const Result<Socket *> socket = restore(who);
        metrics().count(socket ? Metric::recovered : metric_of(socket.code()));
        if (socket) {
            placed.push_back({(*socket)->self, unheard_since(before)});
        } else {
            placed.emplace_back();
            batch.anew.push_back(std::move(who.comeback));
        }
    }
    for (std::size_t i = 0; i < placed.size(); ++i) {
        Socket *socket = sockets_.find(placed[i].self);
        if (socket == nullptr) {
            continue;
        }
        Scope scope = scope_of(*socket);
        scope.auth = batch.back[i].comeback->auth;
        scope.recovered = true;
        start({socket->nsp.settings().connect, Place::connect, socket->self, {}, placed[i].unheard}, scope,
              now);
    }
}

Result<Socket *> Hub::restore(Returning &who) {
    Connection *connection = connections_.find(who.comeback->connection);
    if (who.uncertain) {
        return {Code::unavailable, "what other hosts said was not heard"};
    }
    if (who.too_much || connection == nullptr || !connection->session().open()) {
        return {who.too_much ? Code::too_big : Code::gone, "not recovered"};
    }
    const Comeback &comeback = *who.comeback;
    const Result<RecordRef> record =
        ports_.directory.add_socket(connection->record(), {who.nsp->name(), who.id_text(), who.user,
                                                           comeback.auth, comeback.pid, who.since});
    if (!record) {
        return {Code::full, "the zone has no room"};
    }
    Socket &socket = place_socket(*connection, *who.nsp, who.id);
    socket.record = *record;
    socket.user = who.user;
    if (who.nsp->settings().keeps_auth) {
        socket.auth = std::make_unique<std::string>(comeback.auth);
    }
    socket.held = std::make_unique<Held>();
    socket.held->pid = comeback.pid;
    socket.held->recovered = true;
    socket.held->missed = std::move(who.missed);
    socket.held->put_out = who.put_out;
    if (const Result<void> joined = join_again(socket, who); !joined) {
        ports_.directory.remove_socket(socket.record);
        forget(socket);
        return joined.error();
    }
    return &socket;
}

Result<void> Hub::join_again(Socket &socket, const Returning &who) {
    const std::uint64_t most = socket.connection.session().settings().max_per_user;
    for (const std::string &room : who.rooms) {
        socket.nsp.rooms.join(socket, room);
        const Result<std::uint32_t> members = ports_.directory.join(socket.record, room);
        if (!members || (most != 0 && *members > most && room == "user:" + who.user)) {
            return {Code::full, "no room for the socket"};
        }
    }
    if (!who.comeback->hold.unbroken()) {
        return {Code::unavailable, "what other hosts said to its rooms may not have been heard"};
    }
    return {};
}

void Hub::send_missed(Handle self, Held &held, Millis now) {
    for (const Ref<wire::Frame> &frame : held.missed) {
        if (Socket *still = sockets_.find(self); still != nullptr) {
            send(*still, frame, engine::Delivery::reliable, now);
        }
    }
}

} // namespace rt::hub
