// SPDX-License-Identifier: BSD-2-Clause
// The two connections of the bridge: what they tell, and how all is heard that has to be.
#include "base/text.hpp"
#include "ngx/process.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/redis_bus_held.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace rt::ngx {

using cluster::Subscription;

namespace {

constexpr Millis kAskAgain = 3000; // to hear what Redis refused
constexpr Millis kAgeSlack = 6;    // seconds between a connection and its greeting
// Cookies; others of nobody have 0. Of CLIENT LIST:
constexpr std::uint64_t kFound = 1;          // is the former one that heard still there?
constexpr std::uint64_t kFoundPublisher = 2; // and the one that published?
// Of CLIENT KILL:
constexpr std::uint64_t kEnding = 3; // of the one that heard, which is waited for
constexpr std::uint64_t kEnded = 4;  // the last of ours

// Of the first connection in a CLIENT LIST, in seconds.
Millis age_in(Text list) {
    constexpr Text key = " age=";
    const std::size_t at = list.find(key);
    const Text rest = at == Text::npos ? Text() : list.substr(at + key.size());
    const Result<std::uint64_t> age = parse_number(rest.substr(0, rest.find(' ')));
    return age ? static_cast<Millis>(*age) : 0;
}

} // namespace

void RedisBus::Publishing::on_greeted(Millis now) {
    if (bus_.given_back_) {
        bus_.line_up(now);
        return;
    }
    bus_.go_on_hearing(now);
    bus_.end_former(now);
    bus_.end_former_publisher(now);
}

void RedisBus::Publishing::on_lost(const cluster::RedisLoss &, Millis now) {
    bus_.warn_of_start();
    if (bus_.held_->cluster != nullptr) {
        bus_.held_->cluster->on_pub_lost(now);
    }
    bus_.held_->bridge.on_line_lost(now);
}

void RedisBus::Publishing::on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) {
    switch (cookie) {
    case kFound:
        bus_.found_former(reply, now);
        return;
    case kFoundPublisher:
        bus_.found_former_publisher(reply, now);
        return;
    case kEnding:
        bus_.hear_everything(now);
        return;
    case kEnded:
        return;
    default:
        if (bus_.held_->cluster == nullptr || !bus_.held_->cluster->took(cookie, &reply, now)) {
            bus_.held_->bridge.on_reply(cookie, &reply, now);
        }
    }
}

// Of the first ones all is begun again with the next connection.
void RedisBus::Publishing::on_unknown(std::uint64_t cookie, Millis now) {
    const bool of_cluster = bus_.held_->cluster != nullptr && bus_.held_->cluster->took(cookie, nullptr, now);
    if (!of_cluster && (cookie == 0 || cookie > kEnded)) {
        bus_.held_->bridge.on_reply(cookie, nullptr, now);
    }
}

void RedisBus::Hearing::on_lost(const cluster::RedisLoss &, Millis now) {
    bus_.warn_of_start();
    Held &held = *bus_.held_;
    held.asked = held.hears = held.whole = held.boxed = held.filled = false;
    bus_.asks_again_ = 0;
    empty_box(bus_.app_.conf().settings.name);
    held.ends = bus_.table_.client(shm::BridgeLink::hears);
    if (held.cluster != nullptr) {
        held.cluster->on_sub_lost(now);
    }
    held.bridge.on_hearing_lost(now);
}

// Too few rights, most likely: asked again after a while, they may be given.
void RedisBus::Hearing::on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) {
    if (bus_.held_->cluster != nullptr && bus_.held_->cluster->heard(cookie, reply, now)) {
        return;
    }
    if (reply.is(wire::RespKind::error)) {
        bus_.refused(reply.text(), now);
        return;
    }
    bus_.held_->confirmed = std::max(bus_.held_->confirmed, cookie);
    if (bus_.asks_again_ == 0) {
        bus_.heard_all(now);
    }
}

void RedisBus::Hearing::on_message(Text channel, Bytes payload, Millis now) {
    bus_.on_shard_message(channel, payload, now);
}

void RedisBus::Hearing::on_dropped(Text channel, Millis now) {
    if (bus_.held_->cluster != nullptr) {
        bus_.held_->cluster->on_dropped(channel, now);
        return;
    }
    static_cast<void>(
        bus_.held_->sub.wire().subscribe(0, Subscription::Kind::shard, std::array{channel}, now));
}

// --- what is heard ---

void RedisBus::refused(Text text, Millis now) {
    asks_again_ = now + kAskAgain;
    held_->bridge.give_up_interest();
    warn_of_start();
    if (refused_ != text) {
        refused_ = text;
        app_.worker().core_log().write(Level::error,
                                       "Redis sub client error: may not hear what it has to: " + refused_);
    }
}

// Redis counts connections: the one before this has to be gone first.
void RedisBus::end_former(Millis now) {
    if (!held_->sub.up() || !held_->pub.up()) {
        return;
    }
    const bool gone = held_->ends == 0 || held_->ends == held_->sub.wire().client_id();
    if (gone || !find(kFound, held_->ends, now)) {
        hear_everything(now);
    }
}

// Another Redis, or one that was restarted, may have given the number to anybody, to another nginx
// of this machine too: its connection is younger. There may have been fewer applications, or more,
// when it was made.
bool RedisBus::was_ours(const wire::RespValue &clients, shm::BridgeLink link, Millis now) const {
    const Text list = clients.text();
    const Text role = link == shm::BridgeLink::hears ? "sub" : "pub";
    const auto has = [&](Text app) {
        const std::string name = connection_name(app_.worker().hostname(), app, role);
        return list.find(" name=" + name + " ") != Text::npos;
    };
    const Millis age = (now - table_.client_since(link)) / 1000;
    return (has({}) || has(app_.conf().settings.name)) && std::abs(age - age_in(list)) <= kAgeSlack;
}

void RedisBus::found_former(const wire::RespValue &clients, Millis now) {
    cluster::RedisWire &wire = held_->pub.wire();
    const std::string id = std::to_string(held_->ends);
    if (!was_ours(clients, shm::BridgeLink::hears, now) ||
        !wire.command(kEnding, {"CLIENT", "KILL", "ID", id}, now)) {
        hear_everything(now);
    }
}

bool RedisBus::find(std::uint64_t cookie, std::uint64_t client, Millis now) {
    const std::string id = std::to_string(client);
    return static_cast<bool>(held_->pub.wire().command(cookie, {"CLIENT", "LIST", "ID", id}, now));
}

// What it has sent and Redis has not read is never carried out: it is sent again now.
void RedisBus::end_former_publisher(Millis now) {
    const std::uint64_t former = table_.client(shm::BridgeLink::publishes);
    const std::uint64_t own = held_->pub.wire().client_id();
    if (former == 0 || former == own || !find(kFoundPublisher, former, now)) {
        table_.set_client(shm::BridgeLink::publishes, own, now);
        line_up(now);
    }
}

void RedisBus::found_former_publisher(const wire::RespValue &clients, Millis now) {
    cluster::RedisWire &wire = held_->pub.wire();
    if (was_ours(clients, shm::BridgeLink::publishes, now)) {
        const std::string id = std::to_string(table_.client(shm::BridgeLink::publishes));
        static_cast<void>(wire.command(kEnded, {"CLIENT", "KILL", "ID", id}, now));
    }
    table_.set_client(shm::BridgeLink::publishes, wire.client_id(), now);
    line_up(now);
}

void RedisBus::hear_everything(Millis now) {
    if (!held_->sub.up() || held_->hears) {
        return;
    }
    held_->ends = 0;
    table_.set_client(shm::BridgeLink::hears, held_->sub.wire().client_id(), now);
    held_->asked = true;
    const std::vector<Subscription> wanted = held_->bridge.wanted();
    subscribe(wanted);
    if (held_->cluster != nullptr) {
        held_->cluster->on_sub_up(now);
    }
    heard_all(now);
}

void RedisBus::heard_all(Millis now) {
    const cluster::RedisWire &wire = held_->sub.wire();
    const bool shards = held_->cluster == nullptr || held_->cluster->hears_all();
    if (held_->hears || !held_->asked || !shards || !wire.ready() || wire.unconfirmed() != 0 ||
        !wire.hears()) {
        return;
    }
    held_->hears = true;
    held_->confirmed = held_->subscribed;
    fill_box();
    const bool none_anew = held_->cluster == nullptr || held_->cluster->end_adoption();
    held_->whole = held_->whole && none_anew;
    held_->bridge.on_hearing_up(held_->whole, now);
}

// --- what the next holder finds ---

bool RedisBus::is_boxed() const noexcept {
    return held_->boxed && (held_->cluster == nullptr || held_->boxed_at == held_->cluster->changes());
}

// All that hear; of a configuration that is not the newest nobody may want them.
void RedisBus::fill_box() {
    const int descriptor = held_->sub.descriptor();
    const std::uint64_t changes = held_->cluster != nullptr ? held_->cluster->changes() : 0;
    const bool is_new = !held_->filled || held_->boxed_at != changes;
    if (!is_new || descriptor == -1 || newest_cycle() != cycle_number()) {
        return;
    }
    NodeLinks::ForBox box = held_->cluster != nullptr ? held_->cluster->for_box() : NodeLinks::ForBox{};
    box.items.insert(box.items.begin(), BoxItem{0, {}, descriptor});
    held_->filled = true;
    held_->boxed_at = changes;
    held_->boxed = put_in_box(app_.conf().settings.name, box.items, label_) && box.all;
}

// Of a Cluster's shard channels, which are heard at their owners. Null: here.
RedisCluster *RedisBus::owners_of(Subscription::Kind kind) const noexcept {
    return kind == Subscription::Kind::shard ? held_->cluster.get() : nullptr;
}

// What is asked for one by one, before all of it was, is among all of it.
void RedisBus::subscribe(std::span<const Subscription> wanted) {
    const Millis now = app_.worker().now();
    change(wanted, [&](Subscription::Kind kind, std::span<const Text> names) {
        if (RedisCluster *owners = owners_of(kind); owners != nullptr) {
            owners->subscribe(names.front(), now);
            return Result<void>();
        }
        return held_->sub.wire().subscribe(++held_->subscribed, kind, names, now);
    });
}

std::uint64_t RedisBus::asked() const { return held_->subscribed; }

// Confirmations of one connection come in order, those of a Cluster's shard channels in none.
bool RedisBus::has_confirmed(std::uint64_t mark, std::span<const Subscription> these) const {
    if (!held_->hears || held_->confirmed < mark) {
        return false;
    }
    if (held_->cluster == nullptr || these.empty()) {
        return held_->cluster == nullptr || held_->cluster->hears_all();
    }
    return std::ranges::all_of(these, [&](const Subscription &one) {
        return one.kind != Subscription::Kind::shard || held_->cluster->hears(one.name);
    });
}

void RedisBus::unsubscribe(std::span<const Subscription> left) {
    change(left, [&](Subscription::Kind kind, std::span<const Text> names) -> Result<void> {
        RedisCluster *owners = owners_of(kind);
        if (owners == nullptr) {
            return held_->sub.wire().unsubscribe(0, kind, names, app_.worker().now());
        }
        owners->unsubscribe(names.front(), app_.worker().now());
        return {};
    });
}

// One command for all names of a kind; of shard channels, which may be of different slots, one
// each. What fails is asked for when the connection is up.
template <class Command> void RedisBus::change(std::span<const Subscription> all, Command command) {
    if (!held_->asked) {
        return;
    }
    std::vector<Text> channels;
    std::vector<Text> patterns;
    for (const Subscription &each : all) {
        if (each.kind == Subscription::Kind::shard) {
            hope(command(each.kind, std::array{Text(each.name)}));
        } else {
            (each.kind == Subscription::Kind::channel ? channels : patterns).push_back(each.name);
        }
    }
    if (!channels.empty()) {
        hope(command(Subscription::Kind::channel, channels));
    }
    if (!patterns.empty()) {
        hope(command(Subscription::Kind::pattern, patterns));
    }
}

} // namespace rt::ngx
