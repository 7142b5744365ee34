// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/registry.hpp"

#include "base/text.hpp"
#include "wire/json.hpp"
#include "wire/json_object.hpp"
#include "wire/json_slice.hpp"
#include "wire/resp.hpp"

#include <array>
#include <initializer_list>
#include <utility>

namespace rt::cluster {

namespace json = wire::json;

namespace {

// What a reply is for.
constexpr std::uint64_t kCounted = 1;
constexpr std::uint64_t kSet = 2;

constexpr Text kNamespace = "/"; // every server has it
constexpr Text kLeaseText = "8000";
constexpr unsigned kDepth = 8;
constexpr std::size_t kMostText = 255; // of a name

std::string text_of(Text object, Text name) {
    const Text value = json::member(object, name);
    return json::kind(value) == json::Kind::string ? json::unescape(value).substr(0, kMostText)
                                                   : std::string();
}

std::uint64_t number_of(Text object, Text name) {
    const Result<std::uint64_t> number = parse_number(json::member(object, name));
    return number ? *number : 0;
}

} // namespace

std::string hello_json(const Hello &hello) {
    std::string out;
    {
        json::ObjectWriter object(out);
        object.text("version", hello.version);
        object.text("host", hello.host);
        object.text("node", hello.node);
        object.text("uid", hello.uid);
        object.text("state", hello.state);
        object.number("last", hello.last);
        object.number("nonce", hello.nonce);
        if (hello.first) {
            object.boolean("first", true);
        }
        if (hello.bye) {
            object.boolean("bye", true);
        }
    }
    return out;
}

// Members that a later version adds are passed over.
Result<Hello> read_hello(Text text) {
    if (text.size() > Registry::kMostBytes || !json::validate(text, kDepth)) {
        return {Code::protocol, "no hello of a host"};
    }
    const Text object = json::trim(text);
    Hello hello;
    hello.version = text_of(object, "version");
    hello.host = text_of(object, "host");
    hello.node = text_of(object, "node");
    hello.uid = text_of(object, "uid");
    hello.state = text_of(object, "state");
    hello.last = number_of(object, "last");
    hello.nonce = number_of(object, "nonce");
    hello.first = json::member(object, "first") == "true";
    hello.bye = json::member(object, "bye") == "true";
    if (hello.host.empty() || hello.uid.size() != kHostUid) {
        return {Code::protocol, "a hello of nobody"};
    }
    return hello;
}

Registry::Registry(const Ports &ports, RegistrySettings settings)
    : ports_(ports), settings_(std::move(settings)), key_(settings_.key_prefix + "node:" + settings_.host) {}

// --- what is said ---

void Registry::on_up(Millis now) {
    up_ = true;
    key_refused_ = false;
    servers_.reset();
    for (auto &[uid, other] : others_) {
        ports_.deadlines.start(other, now, kLease);
    }
    turn(true, now);
}

void Registry::on_down() {
    up_ = false;
    for (Deadline *timer : std::initializer_list<Deadline *>{&beat_, &probe_, &pause_}) {
        timer->stop();
    }
    for (auto &[uid, other] : others_) {
        other.stop();
    }
}

void Registry::leave() {
    if (up_) {
        say_hello({.bye = true});
        const std::array<Text, 2> command = {"DEL", key_};
        static_cast<void>(ports_.line.send(command, {}));
        on_down();
    }
}

void Registry::beat(Millis now) { turn(false, now); }

void Registry::turn(bool first, Millis now) {
    ports_.deadlines.start(beat_, now, kBeat);
    if (say_hello({.first = first})) {
        probed_ = nonce_;
        probed_at_ = now;
        ports_.deadlines.start(probe_, now, kProbe);
    }
    const std::string json = hello_json(hello({}));
    const std::array<Text, 5> command = {"SET", key_, json, "PX", kLeaseText};
    static_cast<void>(ports_.line.send(command, {LineUser::registry, kSet}));
    static_cast<void>(ports_.voice.count(kNamespace, {LineUser::registry, kCounted}));
}

Hello Registry::hello(Kind kind) const {
    Hello hello;
    hello.version = settings_.version;
    hello.host = settings_.host;
    hello.node = settings_.node;
    hello.uid = settings_.uid;
    hello.state = ports_.events.bridge_state();
    hello.last = ports_.events.last_published();
    hello.nonce = nonce_;
    hello.first = kind.first;
    hello.bye = kind.bye;
    return hello;
}

bool Registry::say_hello(Kind kind) {
    ++nonce_;
    const std::string json = hello_json(hello(kind));
    const Bytes piece = as_bytes(json);
    return static_cast<bool>(ports_.hosts.tell({}, Topic::hello, {&piece, 1}));
}

void Registry::probe_lost(Millis now) { set_closed(false, now); }

void Registry::answer_newcomers(Millis now) {
    answered_at_ = now;
    say_hello({});
}

// --- what is heard ---

void Registry::on_told(Text from, Bytes body, Millis now) {
    Result<Hello> hello = read_hello(as_text(body));
    if (!hello || hello->host != from) {
        return;
    }
    if (hello->uid == settings_.uid) {
        hear_self(*hello, now);
    } else if (hello->bye) {
        gone(hello->uid, now);
    } else {
        hear(std::move(*hello), now);
    }
}

void Registry::hear_self(const Hello &hello, Millis now) {
    if (!up_ || hello.nonce < probed_) {
        return; // of the holder before, or from before the connection was lost
    }
    if (hello.nonce == probed_) {
        round_trip_ = now - probed_at_;
    }
    probe_.stop();
    set_closed(true, now);
}

void Registry::hear(Hello hello, Millis now) {
    const std::string uid = hello.uid;
    if (others_.size() >= kMostHosts && others_.find(uid) == others_.end()) {
        return;
    }
    const auto [entry, newcomer] = others_.try_emplace(uid, *this);
    Other &other = entry->second;
    const bool wants_answer = hello.first;
    other.seen = {std::move(hello), now};
    if (up_) {
        ports_.deadlines.start(other, now, kLease);
    }
    ports_.events.on_host(other.seen, newcomer, now);
    if (wants_answer && up_ && !pause_.running()) {
        greet(now);
    }
}

// A hello is for all: who came while the last one was on its way may have missed it.
void Registry::greet(Millis now) {
    if (now - answered_at_ >= kPause) {
        answer_newcomers(now);
    } else {
        ports_.deadlines.start(pause_, now, kPause);
    }
}

void Registry::Other::on_deadline(Millis now) { owner.gone(std::string(seen.hello.uid), now); }

void Registry::gone(const std::string &uid, Millis now) {
    const auto entry = others_.extract(uid);
    if (!entry.empty()) {
        ports_.events.on_host_gone(entry.mapped().seen, now);
    }
}

void Registry::on_reply(std::uint64_t value, const wire::RespValue *reply, Millis) {
    if (reply == nullptr) {
        return;
    }
    if (value == kCounted) {
        const std::optional<std::uint32_t> servers = PeerVoice::servers_in(*reply);
        servers_ = servers ? servers : servers_;
    } else if (value == kSet && reply->is(wire::RespKind::error) && !std::exchange(key_refused_, true)) {
        ports_.events.on_key_refused(reply->text());
    }
}

void Registry::set_closed(bool closed, Millis now) {
    if (std::exchange(closed_, closed) != closed) {
        ports_.events.on_loop(closed, now);
    }
}

// --- what is known ---

std::vector<const HostSeen *> Registry::others() const {
    std::vector<const HostSeen *> all;
    all.reserve(others_.size());
    for (const auto &[uid, other] : others_) {
        all.push_back(&other.seen);
    }
    return all;
}

std::uint32_t Registry::other_servers() const noexcept {
    const std::uint32_t servers = servers_.value_or(0);
    return servers > live() ? servers - live() : 0;
}

} // namespace rt::cluster
