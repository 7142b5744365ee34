// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/bridge.hpp"

#include "wire/resp.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace rt::cluster {

namespace {

constexpr std::size_t kRecordsPerTurn = 2000; // of the log, then others have their turn
constexpr std::size_t kRoomsPerBeat = 1000;   // looked at, whether somebody is in them
constexpr Millis kQuiet = 1000;               // without a byte and without the probe it is broken
constexpr Millis kComplainEvery = 60'000;     // about malformed messages, or missing ones
constexpr Millis kLeastSettle = 300;          // for Redis to count the servers,
constexpr Millis kSettle = 1200;              // for the hosts to say how far they are
// Of messages between hosts: what is inside is in the order of the machine (base/bytes.hpp).
constexpr char kVersion = std::endian::native == std::endian::little ? 1 : 0x41;

// What stands in front of a message between hosts.
struct HostMessage {
    Text from;
    std::uint8_t topic = 0;
    Text body;
};

constexpr std::size_t kHead = 6; // version, topic, whose ids begin how

std::optional<HostMessage> read_host_message(Text payload) {
    if (payload.size() < kHead || payload[0] != kVersion) {
        return std::nullopt;
    }
    return HostMessage{payload.substr(2, 4), static_cast<std::uint8_t>(payload[1]), payload.substr(kHead)};
}

// Somebody wants to be told how it went, and nobody is.
constexpr Cookie kNobody{};

} // namespace

Bridge::Bridge(const Ports &ports, BridgeSettings settings, shm::Stream stream, shm::BridgeTable table)
    : ports_(ports), settings_(std::move(settings)), table_(table),
      voice_(ports.dialect, ports.line, AnswerPace(settings_.most_answer)),
      peers_(voice_, ports.deadlines, settings_.asker),
      asks_({voice_, peers_, ports.questions, ports.bus, ports.deadlines}, settings_.ask_timeout),
      registry_({*this, ports.line, voice_, ports.deadlines, *this}, settings_.registry),
      interest_({ports.dialect, ports.roster, ports.hearing, ports.events}, settings_.registry.host),
      outbound_({ports.dialect, ports.line, ports.metrics, *this}, stream, table, settings_.registry.uid),
      inbound_({ports.dialect, ports.bus, ports.roster, ports.metrics, *this}, table, settings_.registry.uid),
      calls_(ports.roster, voice_, *this, settings_.most_answer),
      hosts_channel_(settings_.registry.key_prefix + "hosts"),
      own_channel_(settings_.registry.key_prefix + "relay:" + settings_.registry.host) {
    listen(Topic::hello, registry_);
    if (settings_.disorder) {
        inbound_.expect_disorder();
    }
}

void Bridge::listen(Topic topic, HostLineEvents &listener) noexcept {
    listeners_[static_cast<std::size_t>(topic)] = &listener;
}

std::vector<Subscription> Bridge::wanted() {
    std::vector<Subscription> all = interest_.all(settings_.namespaces);
    all.push_back({Subscription::Kind::channel, hosts_channel_});
    all.push_back({Subscription::Kind::channel, own_channel_});
    return all;
}

void Bridge::on_interest(shm::SeatRef from, Bytes mail) {
    if (const std::optional<InterestNews> news = read_interest(mail); news && !retired_) {
        interest_.look(*news, from);
    }
}

// --- the connections ---

void Bridge::on_line_up(Millis now) {
    line_up_ = true;
    outbound_.start();
    connected(now);
}

void Bridge::on_hearing_up(bool whole, Millis now) {
    hears_ = true;
    if (!whole && table_.has_joined()) {
        table_.set_deaf(true);
    }
    table_.set_joined();
    connected(now);
}

// Only with both: what is published before the answers can be heard would be said for nothing.
void Bridge::connected(Millis now) {
    if (!line_up_ || !hears_ || retired_) {
        return;
    }
    outbound_.freshen();
    connected_at_ = now;
    settles_ = table_.is_deaf() ? now + kSettle : 0;
    broken_ = false;
    heard_ = now;
    awaited_.clear();
    for (const HostSeen *seen : registry_.others()) {
        awaited_.insert(seen->hello.uid);
    }
    registry_.on_up(now);
    set_state();
    ports_.events.request_turn();
}

void Bridge::on_line_lost(Millis) {
    line_up_ = false;
    outbound_.lost();
    static_cast<void>(calls_.unblock());
    settles_ = 0;
    registry_.on_down();
    peers_.end_all();
    set_state();
}

void Bridge::deafen() noexcept {
    if (table_.has_joined()) {
        table_.set_deaf(true);
    }
}

void Bridge::on_hearing_lost(Millis) {
    deafen();
    hears_ = false;
    settles_ = 0;
    registry_.on_down();
    peers_.end_all();
    set_state();
}

void Bridge::on_channels_lost() {
    parted_ = true;
    missed_ = missed_ || settles_ != 0;
    table_.set_deaf(true);
}

// Where more was missed than that it is settled with the rest.
void Bridge::on_channels_back() {
    if (std::exchange(parted_, false) && hears_ && settles_ == 0) {
        tell_gap();
        table_.set_deaf(false);
    }
}

void Bridge::set_state() {
    const shm::BridgeState before = table_.state();
    const bool works = line_up_ && hears_ && settles_ == 0 && !broken_;
    const bool joins = before == shm::BridgeState::joining;
    const auto lost = joins ? shm::BridgeState::joining : shm::BridgeState::degraded;
    const shm::BridgeState state = works ? shm::BridgeState::connected : lost;
    // Off: the newest configuration has no Redis.
    if (retired_ || state == before || before == shm::BridgeState::off) {
        return;
    }
    table_.set_state(state);
    ports_.events.on_bridge_state(state, before);
}

void Bridge::on_reply(std::uint64_t packed, const wire::RespValue *reply, Millis now) {
    const Cookie cookie = Cookie::of(packed);
    outbound_.unblock();
    if (calls_.unblock()) {
        ports_.events.request_turn();
    }
    switch (cookie.user) {
    case LineUser::outbound:
        outbound_.on_reply(cookie.value, reply, now);
        ports_.events.request_turn(); // it may take more now
        return;
    case LineUser::registry:
        registry_.on_reply(cookie.value, reply, now);
        return;
    case LineUser::asks:
        peers_.on_reply(cookie.value, reply, now);
        return;
    case LineUser::voice:
        voice_.on_reply(cookie.value, now);
        break;
    default:
        break;
    }
    if (reply != nullptr && reply->kind() == wire::RespKind::error) {
        on_refused(reply->text(), now);
    }
}

// Those that live have said hello by kSettle.
bool Bridge::may_live(Text host, Millis now) const {
    if (!line_up_ || !hears_ || now - connected_at_ < kSettle) {
        return true;
    }
    const std::vector<const HostSeen *> others = registry_.others();
    return std::ranges::any_of(others, [&](const HostSeen *other) { return other->hello.host == host; });
}

// --- per turn ---

bool Bridge::work(Millis now) {
    const bool calls = calls_.work(now);
    const bool more = !retired_ && !calls_.waits() && outbound_.work(kRecordsPerTurn, now);
    return more || calls;
}

void Bridge::beat(Millis now) {
    if (calls_.unblock()) {
        ports_.events.request_turn(); // its time may be over
    }
    const Millis early = awaited_.empty() && registry_.counted() ? kSettle - kLeastSettle : 0;
    if (settles_ != 0 && now >= settles_ - early) {
        settle_gap();
    }
    if (hears_ && !retired_) {
        interest_.sweep(kRoomsPerBeat, inbound_.ordered(now));
        judge_loop(now);
    }
}

// Answers go on being made in the turns of this worker.
void Bridge::retire(Millis now) {
    calls_.detach();
    static_cast<void>(outbound_.work(SIZE_MAX, now));
    retired_ = true;
    registry_.on_down();
    peers_.end_all();
}

void Bridge::leave() {
    registry_.leave();
    table_.set_state(shm::BridgeState::joining);
}

bool Bridge::is_idle() const noexcept {
    const bool said = calls_.empty() && asks_.size() == 0;
    return said && has_published() && (voice_.is_idle() || !line_up_);
}

// --- what was missed ---

// Hosts of ours have said how far they are, and what is missing is counted, if everything is
// heard; what others said meanwhile nobody knows, nor whether there are any that were not counted.
void Bridge::settle_gap() {
    settles_ = 0;
    const bool counted = ports_.dialect.hears_all() || registry_.live() == 1;
    const bool missed = std::exchange(missed_, false);
    if (missed || !counted || !awaited_.empty() || !registry_.counted() || registry_.other_servers() > 0) {
        tell_gap();
    }
    table_.set_deaf(false);
    set_state();
}

void Bridge::tell_gap() {
    hub::Envelope gap;
    gap.op = hub::Op::gap;
    ports_.bus.note(gap);
    ports_.metrics.count(hub::Metric::bus_gaps);
}

// A line a minute for each host. Of more than there may be nothing is kept apart.
void Bridge::on_missed(Text uid, std::uint64_t count, Millis now) {
    const std::string name(uid);
    const bool room = missed_of_.size() < Registry::kMostHosts || missed_of_.contains(name);
    Missed &missed = missed_of_[room ? name : std::string()];
    missed.count += count;
    missed.unsaid += count;
    if (missed.said == 0 || now - missed.said >= kComplainEvery) {
        missed.said = now;
        ports_.log.write(Level::warn, "missed " + std::to_string(std::exchange(missed.unsaid, 0)) +
                                          " messages of host " + name.substr(0, 4) +
                                          " that Redis did not deliver");
    }
    missed_ = table_.is_deaf();
    if (!missed_) {
        tell_gap();
    }
}

void Bridge::on_host(const HostSeen &host, bool, Millis now) {
    awaited_.erase(host.hello.uid);
    inbound_.expect(host.hello.uid, host.hello.last, now);
}

// Gone while we heard nothing: what it said at last nobody knows.
void Bridge::on_host_gone(const HostSeen &host, Millis now) {
    missed_ = missed_ || settles_ != 0;
    missed_of_.erase(host.hello.uid);
    inbound_.forget(host.hello.uid);
    if (!may_live(host.hello.host, now)) {
        losses_(host.hello.host, now);
    }
}

hub::ClusterStatus Bridge::status(Millis now) const {
    hub::ClusterStatus status;
    status.live = registry_.live();
    status.servers = registry_.other_servers();
    if (const std::optional<Millis> probe = registry_.round_trip(); probe) {
        status.probe_ms = static_cast<std::uint64_t>(*probe);
    }
    for (const HostSeen *seen : registry_.others()) {
        const auto missed = missed_of_.find(seen->hello.uid);
        const shm::HeardOf heard = table_.heard_of(seen->hello.uid);
        status.hosts.push_back({seen->hello.host, seen->hello.node, seen->hello.version, seen->hello.state,
                                static_cast<std::uint64_t>(std::max<Millis>(now - seen->heard, 0)),
                                std::max(heard.number, heard.told),
                                missed == missed_of_.end() ? 0 : missed->second.count});
    }
    return status;
}

// --- what goes out ---

void Bridge::on_ask(const hub::Envelope &envelope, Millis now) {
    asks_.carry(envelope, outbound_.cursor(), now);
}

void Bridge::on_refused(Text text, Millis now) {
    complain("Redis refuses what is published: " + std::string(text), now);
}

void Bridge::on_key_refused(Text error) {
    ports_.log.write(Level::error, "Redis refuses the key of this host: " + std::string(error));
}

Result<void> Bridge::tell(Text host, Topic topic, std::span<const Bytes> pieces) {
    std::string payload{kVersion, static_cast<char>(topic)};
    payload += settings_.registry.host;
    for (const Bytes piece : pieces) {
        payload += as_text(piece);
    }
    const std::string channel =
        host.empty() ? hosts_channel_ : settings_.registry.key_prefix + "relay:" + std::string(host);
    const std::array<Text, 3> command{"PUBLISH", channel, payload};
    if (!ports_.line.send(command, kNobody)) {
        return {Code::unavailable, "Redis is away"};
    }
    return {};
}

// --- what comes in ---

void Bridge::on_message(Text channel, Bytes payload, Millis now) {
    if (retired_) {
        return;
    }
    heard_ = now;
    if (channel == hosts_channel_ || channel == own_channel_) {
        on_host_message(payload, now);
    } else {
        inbound_.on_message(channel, payload, now);
    }
}

void Bridge::on_host_message(Bytes payload, Millis now) {
    const std::optional<HostMessage> message = read_host_message(as_text(payload));
    HostLineEvents *listener =
        message && message->topic < listeners_.size() ? listeners_[message->topic] : nullptr;
    if (listener == nullptr) {
        on_malformed("hosts", {Code::unsupported, "unknown message between hosts"}, now);
        return;
    }
    listener->on_told(message->from, as_bytes(message->body), now);
}

void Bridge::on_question(const PeerMessage &message, Millis now) {
    switch (message.says) {
    case Says::ask:
        asks_.hear_ask(message, now);
        return;
    case Says::server_emit:
        asks_.hear_server_emit(message);
        return;
    default:
        break;
    }
    if (!calls_.hear(message, now)) {
        ports_.metrics.count(hub::Metric::refused_busy);
        complain("other servers ask faster than they can be answered", now);
    }
    ports_.events.request_turn();
}

void Bridge::on_unanswered(Text why, Millis now) {
    ports_.metrics.count(hub::Metric::bus_refused);
    complain(std::string(why), now);
}

void Bridge::on_peer_answer(const PeerMessage &message, Millis) { static_cast<void>(peers_.hear(message)); }

void Bridge::on_old_order(const PeerMessage &message, Millis) {
    PeerMessage answer;
    answer.says = Says::done;
    answer.nsp = message.nsp;
    answer.uid = settings_.registry.uid;
    answer.request_id = message.request_id;
    voice_.say(answer, message.uid);
}

void Bridge::on_echo(std::uint64_t number) { echoes_(number); }

void Bridge::on_own_ask(Text request_id) {
    if (const std::optional<std::uint64_t> number = peers_.number_of(request_id); number) {
        asked_(*number);
    }
}

// Whoever may publish on our channels can fill the log file: a line a minute.
void Bridge::on_malformed(Text channel, const Error &error, Millis now) {
    complain("heard what makes no sense on \"" + std::string(channel.substr(0, 80)) + "\": " + error.where,
             now);
}

void Bridge::complain(std::string line, Millis now) {
    if (complained_ == 0 || now - complained_ >= kComplainEvery) {
        complained_ = now;
        std::ranges::replace_if(
            line, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
        ports_.log.write(Level::error, line);
    }
}

// --- the loop ---

Text Bridge::bridge_state() { return shm::state_name(table_.state()); }

// A busy connection brings the probe late: what still comes shows that it works.
void Bridge::on_loop(bool, Millis now) { judge_loop(now); }

void Bridge::judge_loop(Millis now) {
    const bool silent = line_up_ && hears_ && !registry_.loop_closed() && now - heard_ >= kQuiet;
    const bool news = silent && !broken_;
    broken_ = silent;
    set_state();
    if (news) {
        ports_.events.on_loop_broken();
    }
}

} // namespace rt::cluster
