// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/relay.hpp"

#include "cluster/relay_mail.hpp"
#include "cluster/seat_of.hpp"
#include "wire/eio_http.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace rt::cluster {

namespace {

// What hosts say to each other. A host of another version is not understood, and says nothing.
constexpr std::uint8_t kVersion = 1;

enum class Said : std::uint8_t { call = 1, answer, probe, image };

struct Head {
    std::uint8_t version = kVersion;
    Said said{};

    [[nodiscard]] bool ok() const noexcept { return version == kVersion; }
};

Head read_head(Reader &in) {
    const auto version = in.get<std::uint8_t>();
    return {version, in.get<Said>()};
}

void put_head(Writer &out, Said said) {
    out.put(kVersion);
    out.put(said);
}

engine::ExchangeId at_home(engine::ExchangeId id) noexcept {
    id.host = {};
    return id;
}

engine::Answer unknown_session() {
    const wire::eio::ErrorAnswer &told = wire::eio::answer_to(wire::eio::RequestError::unknown_sid);
    return {told.status, engine::BodyKind::json, told.body};
}

constexpr engine::Answer kBad{400, engine::BodyKind::empty, ""};
constexpr engine::Answer kLate{503, engine::BodyKind::empty, ""};

// Is it answered, whatever becomes of it?
bool awaited(Call call) noexcept {
    return call == Call::poll || call == Call::post || call == Call::let_go || call == Call::probe ||
           call == Call::take;
}

// The rest is for sessions of one host only.
bool travels(Call call) noexcept { return call >= Call::poll && call <= Call::let_go; }

bool ends_another(Call call) noexcept {
    return call == Call::abort || call == Call::post_drop || call == Call::probe_end;
}

std::optional<Repeats::Lane> lane_of(Call call) noexcept {
    if (call == Call::poll || call == Call::let_go) {
        return Repeats::Lane::get;
    }
    if (call == Call::post || call == Call::post_begin) {
        return Repeats::Lane::post;
    }
    return std::nullopt;
}

std::string answer_head(const engine::ExchangeId &to, const engine::Answer &answer) {
    std::string head;
    Writer out(head);
    put_head(out, Said::answer);
    out.put(at_home(to));
    out.put(answer.status);
    out.put(answer.kind);
    return head;
}

std::string short_answer(Said said, const engine::ExchangeId &to, bool yes) {
    std::string message;
    Writer out(message);
    put_head(out, said);
    out.put(at_home(to));
    out.put(static_cast<std::uint8_t>(yes));
    return message;
}

} // namespace

Relay::Relay(const AbroadPorts &ports, HomeEvents &events)
    : ports_(ports), events_(events), repeats_(ports_.deadlines, [this](Text sid) {
          const hub::Connection *connection = hub_->find(sid);
          return connection != nullptr && connection->session().port() == nullptr;
      }) {}

bool Relay::reaches(Text sid) const noexcept {
    return sid.size() > kHostLength && !sid.starts_with(ports_.host) && ports_.bridge.holder();
}

// --- at the worker that holds the request ---

Result<void> Relay::ask(Text sid, const Asking &asking, Millis now) {
    if (ends_another(asking.call)) {
        forget(asking.exchange);
    }
    if (!reaches(sid)) {
        return {Code::gone, "no such session, and no bridge"};
    }
    if (bytes_ + asking.body.size() > kMostBytes) {
        return {Code::busy, "too much waits for other hosts"};
    }
    auto pending = std::make_unique<Pending>(*this);
    pending->call = asking.call;
    pending->exchange = asking.exchange;
    pending->sid = sid;
    pending->body = asking.body;
    if (asking.call == Call::take) {
        pending->coming.emplace(ports_.unsettled);
        pending->hold = hub_->ports().directory.attention().hold(now);
    }
    pending->until = now + (asking.call == Call::poll ? asking.holds + kMargin : kPatience);
    ports_.metrics.count(hub::Metric::relayed);
    Pending &call = *pending;
    if (awaited(call.call)) {
        forget(call.exchange); // what it says now is in place of what it said
        bytes_ += call.body.size();
        pending_[call.exchange.index] = std::move(pending);
        ports_.deadlines.start(call, now, call.pause);
        count_bytes();
    }
    say(call, now);
    return {};
}

void Relay::say(const Pending &pending, Millis now) {
    std::string head;
    Writer out(head);
    put_head(out, Said::call);
    out.put(pending.call);
    out.put(engine::ExchangeId{ports_.me.index, ports_.me.generation, pending.exchange});
    out.put_text(pending.sid);
    const Text host = Text(pending.sid).substr(0, kHostLength);
    const std::array<Bytes, 3> pieces{as_bytes(host), as_bytes(head), as_bytes(pending.body)};
    if (ports_.bridge.holder() == ports_.me) {
        call_out(host, std::span(pieces).subspan(1), now);
    } else {
        static_cast<void>(ports_.post.send(ports_.bridge.holder(), kCallOut, pieces)); // or the next time
    }
}

void Relay::forget(Handle exchange) {
    const auto found = pending_.find(exchange.index);
    if (found != pending_.end() && found->second->exchange == exchange) {
        bytes_ -= found->second->body.size();
        pending_.erase(found);
        count_bytes();
    }
}

bool Relay::heard_all_for(Handle exchange) const {
    const auto found = pending_.find(exchange.index);
    return found != pending_.end() && found->second->exchange == exchange && found->second->hold.unbroken();
}

void Relay::count_bytes() {
    const auto bytes = static_cast<std::int64_t>(bytes_ + repeats_.bytes());
    ports_.metrics.add(hub::Metric::relay_bytes, bytes - std::exchange(counted_, bytes));
}

void Relay::Pending::on_deadline(Millis now) { owner.say_again(*this, now); }

void Relay::say_again(Pending &pending, Millis now) {
    if (now >= pending.until) {
        give_up(pending, now);
        return;
    }
    if (pending.call == Call::poll) {
        pending.pause = std::min(2 * pending.pause, kLastRepeat);
    }
    ports_.deadlines.start(pending, now, std::min(pending.pause, pending.until - now));
    ports_.metrics.count(hub::Metric::relay_repeats);
    say(pending, now);
}

// Whether it was taken nobody knows: the session ends, at both ends.
void Relay::give_up(const Pending &pending, Millis now) {
    const Call call = pending.call;
    const Handle exchange = pending.exchange;
    const std::string sid = pending.sid;
    ports_.metrics.count(hub::Metric::relay_late);
    const bool probes = call == Call::probe || call == Call::take;
    static_cast<void>(ask(sid, {probes ? Call::probe_end : Call::abort, exchange, {}}, now));
    if (call == Call::probe) {
        events_.on_probe(exchange, false, now);
    } else if (call == Call::take) {
        events_.on_arrival(exchange, nullptr, now);
    } else {
        events_.on_answer(exchange, call == Call::post ? kLate : unknown_session());
    }
}

// --- at the worker that holds the bridge ---

bool Relay::send(Text host, Topic topic, std::span<const Bytes> pieces) {
    const shm::SeatRef holder = ports_.bridge.holder();
    if (holder == ports_.me) {
        return static_cast<bool>(ports_.bridge.tell(host, topic, pieces));
    }
    std::string head;
    Writer out(head);
    out.put_text(host);
    out.put(topic);
    std::vector<Bytes> mail{as_bytes(head)};
    mail.insert(mail.end(), pieces.begin(), pieces.end());
    return holder && ports_.post.send(holder, kOutward, mail);
}

// One to a host that is gone is refused at once; one that cannot be said now is said again.
void Relay::call_out(Text host, std::span<const Bytes> pieces, Millis now) {
    Reader in(as_text(pieces.front()));
    static_cast<void>(read_head(in));
    const auto call = in.get<Call>();
    const auto by = in.get<engine::ExchangeId>();
    if (!ports_.bridge.is_live(host, now) || !may_go(call, by, now)) {
        refuse(call, by, now);
        return;
    }
    static_cast<void>(ports_.bridge.tell(host, Topic::relay, pieces));
}

bool Relay::may_go(Call call, const engine::ExchangeId &by, Millis now) {
    if (call == Call::probe) {
        return ferry_ != nullptr && ferry_->may_take();
    }
    return call != Call::take || (ferry_ != nullptr && ferry_->on_take(by, now));
}

// As Homes::refuse, for an exchange of this host or of another.
void Relay::refuse(Call call, const engine::ExchangeId &by, Millis now) {
    std::string message;
    if (call == Call::probe) {
        message = short_answer(Said::probe, by, false);
    } else if (call == Call::take) {
        message = short_answer(Said::image, by, false);
    } else if (awaited(call) || call == Call::post_begin) {
        message = answer_head(by, unknown_session());
        message += unknown_session().body;
    } else {
        return;
    }
    const Bytes piece = as_bytes(message);
    if (by.abroad()) {
        static_cast<void>(send(by.host_text(), Topic::relay, {&piece, 1}));
    } else {
        pass_on(ports_.host, piece, now);
    }
}

void Relay::on_host_gone(Text host, std::span<const shm::SeatRef> workers, Millis now) {
    const Bytes piece = as_bytes(host);
    for (const shm::SeatRef worker : workers) {
        static_cast<void>(worker == ports_.me || ports_.post.send(worker, kHostGone, {&piece, 1}));
    }
    refuse_all(host, now);
}

void Relay::refuse_all(Text host, Millis now) {
    std::vector<std::pair<Call, engine::ExchangeId>> lost;
    for (const auto &[index, pending] : pending_) {
        if (pending->sid.starts_with(host)) {
            lost.push_back({pending->call, {ports_.me.index, ports_.me.generation, pending->exchange}});
        }
    }
    for (const auto &[call, by] : lost) {
        refuse(call, by, now);
    }
}

void Relay::on_told(Text from, Bytes body, Millis now) {
    Reader in(as_text(body));
    const Head head = read_head(in);
    if (!head.ok() || from.size() != kHostLength || from == ports_.host) {
        return;
    }
    if (head.said == Said::call) {
        serve(from, in, now);
    } else {
        pass_on(from, body, now);
    }
}

// A call of another host, as if its exchange were here.
void Relay::serve(Text from, Reader &in, Millis now) {
    const auto call = in.get<Call>();
    auto by = in.get<engine::ExchangeId>();
    const Text sid = in.get_text();
    if (!in.ok() || !travels(call) || !by) {
        return;
    }
    from.copy(by.host.data(), by.host.size());
    const std::optional<shm::SeatRef> home = finder_->home_of(sid);
    const Result<void> asked = home ? homes_->ask_for(by, {*home, sid}, {call, {}, in.rest()}, now)
                                    : Result<void>(Code::gone, "no such session");
    // One that is being taken has perhaps just gone, and its image may be on its way.
    if (asked.code() == Code::gone && call != Call::take) {
        refuse(call, by, now);
    }
}

// An answer, to the worker whose exchange waits for it.
void Relay::pass_on(Text from, Bytes message, Millis now) {
    Reader in(as_text(message));
    const Said said = read_head(in).said;
    const auto to = at_home(in.get<engine::ExchangeId>());
    if (said == Said::image && in.get<bool>() && ferry_ != nullptr) {
        ferry_->on_image(from, to, as_bytes(in.rest()), now);
    } else if (seat_of(to) == ports_.me) {
        hear(message, now);
    } else if (in.ok()) {
        static_cast<void>(ports_.post.send(seat_of(to), kInward, {&message, 1}));
    }
}

void Relay::hear(Bytes message, Millis now) {
    Reader in(as_text(message));
    const Head head = read_head(in);
    const auto to = in.get<engine::ExchangeId>();
    if (!in.ok()) {
        return;
    }
    forget(to.slot);
    if (head.said == Said::probe) {
        events_.on_probe(to.slot, in.get<bool>(), now);
    } else if (head.said == Said::image) {
        events_.on_arrival(to.slot, nullptr, now);
    } else if (head.said == Said::answer) {
        const auto status = in.get<std::uint16_t>();
        const auto kind = in.get<engine::BodyKind>();
        if (in.ok() && kind <= engine::BodyKind::empty) {
            events_.on_answer(to.slot, {status, kind, in.rest()});
        }
    }
}

void Relay::on_mail(shm::SeatRef, std::uint16_t kind, Bytes body, Millis now) {
    Reader in(as_text(body));
    if (kind == kInward) {
        hear(body, now);
    } else if (kind == kCallOut) {
        const Text host = in.take(kHostLength);
        const Bytes message = as_bytes(in.rest());
        call_out(host, {&message, 1}, now);
    } else if (kind == kOutward) {
        const Text host = in.get_text();
        const auto topic = in.get<Topic>();
        const Bytes message = as_bytes(in.rest());
        static_cast<void>(ports_.bridge.tell(host, topic, {&message, 1}));
    } else if (kind == kHostGone && body.size() == kHostLength) {
        refuse_all(as_text(body), now);
    }
}

// --- at the session's home ---

FarExchanges::Dealt Relay::deal(const CallHere &call, Millis now) {
    if (!call.here && ferry_ != nullptr && ferry_->has(call.sid)) {
        return call.call == Call::take ? Dealt::done : Dealt::refused;
    }
    const std::optional<Repeats::Lane> lane = lane_of(call.call);
    return call.here && call.by.abroad() && lane && again(*lane, call, now) ? Dealt::done : Dealt::no;
}

// True: not for the first time, so that it has no effect.
bool Relay::again(Repeats::Lane lane, const CallHere &call, Millis now) {
    const Repeats::Seen seen = repeats_.see(call.sid, lane, call.by, now);
    count_bytes();
    switch (seen) {
    case Repeats::Seen::fresh:
        return false;
    case Repeats::Seen::under_way:
        return call.call == Call::poll || call.call == Call::post_begin;
    case Repeats::Seen::answered: {
        const Repeats::Kept &kept = *repeats_.answer_of(call.sid, lane);
        static_cast<void>(say_answer(call.by, {kept.status, kept.kind, kept.body}));
        return true;
    }
    case Repeats::Seen::forgotten:
        static_cast<void>(say_answer(call.by, kBad));
        return true;
    case Repeats::Seen::stale:
        break;
    }
    return true;
}

bool Relay::say_answer(const engine::ExchangeId &to, const engine::Answer &answer) {
    const std::string head = answer_head(to, answer);
    const std::array<Bytes, 2> pieces{as_bytes(head), as_bytes(answer.body)};
    return send(to.host_text(), Topic::relay, pieces);
}

// What is kept is asked for again if it gets lost.
bool Relay::answer(const engine::ExchangeId &to, const engine::Answer &answer) {
    const bool kept = repeats_.answered(to, answer);
    count_bytes();
    const bool said = say_answer(to, answer);
    return kept || said;
}

void Relay::tell_probe(const engine::ExchangeId &to, bool accepted) {
    const std::string message = short_answer(Said::probe, to, accepted);
    const Bytes piece = as_bytes(message);
    static_cast<void>(send(to.host_text(), Topic::relay, {&piece, 1}));
}

void Relay::give_nothing(const engine::ExchangeId &to) {
    const std::string message = short_answer(Said::image, to, false);
    const Bytes piece = as_bytes(message);
    static_cast<void>(send(to.host_text(), Topic::relay, {&piece, 1}));
}

void Relay::give(hub::Connection &connection, const engine::ExchangeId &to, Millis now) {
    if (ferry_ != nullptr) {
        ferry_->give(connection, to, now);
    } else {
        give_nothing(to);
    }
}

std::string Relay::image_head(const engine::ExchangeId &to) { return short_answer(Said::image, to, true); }

void Relay::pack(Text sid, Writer &out) {
    repeats_.freeze(sid, out);
    count_bytes();
}

void Relay::unpack(Text sid, Reader &in, Millis now) {
    repeats_.thaw(sid, in, now);
    count_bytes();
}

} // namespace rt::cluster
