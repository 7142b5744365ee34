// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_bus.hpp"

#include "cluster/bridge_board.hpp"
#include "ngx/app.hpp"
#include "ngx/bridge_settings.hpp"
#include "ngx/process.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/worker.hpp"

#include <array>
#include <unistd.h>

namespace rt::ngx {

using cluster::Subscription;

namespace {

constexpr Millis kLeaving = 500;    // for what was sent to be answered
constexpr Millis kAskAgain = 3000;  // to hear what Redis refused
constexpr Millis kAnswering = 5000; // for clients to answer what other servers asked
// Cookies; others of nobody have 0. Of CLIENT LIST:
constexpr std::uint64_t kFound = 1;          // is the former one that heard still there?
constexpr std::uint64_t kFoundPublisher = 2; // and the one that published?
// Of CLIENT KILL:
constexpr std::uint64_t kEnding = 3; // of the one that heard, which is waited for
constexpr std::uint64_t kEnded = 4;  // the last of ours

// Another Redis, or one that was restarted, may have given the number to anybody.
bool is_named(const wire::RespValue &clients, const cluster::RedisWire &like) {
    const std::string name = " name=" + like.settings().greeting.name + " ";
    return clients.text().find(name) != Text::npos;
}

} // namespace

// --- the two connections ---

class RedisBus::Publishing final : public RedisLinkEvents {
public:
    explicit Publishing(RedisBus &bus) noexcept : bus_(bus) {}

    void on_greeted(Millis now) override;
    void on_lost(const cluster::RedisLoss &loss, Millis now) override;
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override;
    void on_unknown(std::uint64_t cookie, Millis now) override;
    void on_message(Text, Bytes, Millis) override {}
    void on_dropped(Text, Millis) override {}
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.may_speak(); }

private:
    RedisBus &bus_;
};

class RedisBus::Hearing final : public RedisLinkEvents {
public:
    explicit Hearing(RedisBus &bus) noexcept : bus_(bus) {}

    void on_greeted(Millis now) override { bus_.end_former(now); }
    void on_lost(const cluster::RedisLoss &loss, Millis now) override;
    void on_reply(std::uint64_t cookie, const wire::RespValue &reply, Millis now) override;
    void on_unknown(std::uint64_t, Millis) override {}
    void on_message(Text channel, Bytes payload, Millis now) override;
    void on_dropped(Text channel, Millis now) override;
    void on_dealing(bool dealing) override { bus_.table_.set_dealing(dealing); }
    void on_torn(bool torn) override { bus_.table_.set_torn(torn); }
    [[nodiscard]] bool is_ours() const noexcept override { return bus_.is_mine(); }

private:
    RedisBus &bus_;
};

struct RedisBus::Held {
    Held(RedisBus &bus, App &app, const RedisBlock &block)
        : publishing(bus), hearing(bus), dialect(make_dialect(app, app.conf().bus.use)),
          pub(app.worker(), block, {"pub", false}, publishing),
          sub(app.worker(), block, {"sub", true}, hearing),
          bridge({*dialect, bus, bus, app.bus(), app.directory().roster(), app.questions(),
                  app.worker().deadlines(), app.metrics(), app.worker().core_log(), bus},
                 bridge_settings(app, app.conf().bus.use), app.bus().stream(), bus.table_) {}

    Held(const Held &) = delete;
    Held &operator=(const Held &) = delete;
    ~Held() {
        if (left != -1) {
            ::close(left);
        }
    }

    Publishing publishing;
    Hearing hearing;
    std::unique_ptr<cluster::Dialect> dialect;
    RedisLink pub;
    RedisLink sub;
    cluster::Bridge bridge;
    std::uint64_t ends = 0; // a connection that heard before this one: Redis must not count both
    int left = -1;          // the connection that heard, out of the box
    bool whole = false;     // this connection heard before, at another worker
    bool hears = false;     // everything
};

void RedisBus::Publishing::on_greeted(Millis now) {
    if (bus_.given_back_) {
        bus_.held_->bridge.on_line_up(now);
        return;
    }
    bus_.go_on_hearing(now);
    bus_.end_former(now);
    bus_.end_former_publisher(now);
}

void RedisBus::Publishing::on_lost(const cluster::RedisLoss &, Millis now) {
    bus_.warn_of_start();
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
        bus_.held_->bridge.on_reply(cookie, &reply, now);
    }
}

// Of the first ones all is begun again with the next connection.
void RedisBus::Publishing::on_unknown(std::uint64_t cookie, Millis now) {
    if (cookie == 0 || cookie > kEnded) {
        bus_.held_->bridge.on_reply(cookie, nullptr, now);
    }
}

void RedisBus::Hearing::on_lost(const cluster::RedisLoss &, Millis now) {
    bus_.warn_of_start();
    Held &held = *bus_.held_;
    held.hears = held.whole = false;
    bus_.asks_again_ = 0;
    empty_box(bus_.app_.conf().settings.name);
    held.ends = bus_.table_.client(shm::BridgeLink::hears);
    held.bridge.on_hearing_lost(now);
}

// Too few rights, most likely: asked again after a while, they may be given.
void RedisBus::Hearing::on_reply(std::uint64_t, const wire::RespValue &reply, Millis now) {
    if (reply.is(wire::RespKind::error)) {
        bus_.refused(reply.text(), now);
    } else if (bus_.asks_again_ == 0) {
        bus_.heard_all(now);
    }
}

void RedisBus::Hearing::on_message(Text channel, Bytes payload, Millis now) {
    if (bus_.is_mine()) {
        bus_.held_->bridge.on_message(channel, payload, now);
    }
}

void RedisBus::Hearing::on_dropped(Text channel, Millis now) {
    static_cast<void>(
        bus_.held_->sub.wire().subscribe(0, Subscription::Kind::shard, std::array{channel}, now));
}

// --- who holds it ---

RedisBus::RedisBus(App &app)
    : app_(app), block_(*app.conf().bus.block), table_(app.bridge_table()),
      label_(block_.settings.text() + " " + app.conf().bus.use.prefix + " " + app.conf().bus.use.key_prefix) {
    for (const std::string &nsp : app.conf().settings.names()) {
        label_ += " " + nsp;
    }
    const std::unique_ptr<cluster::Dialect> dialect = make_dialect(app, app.conf().bus.use);
    follows_rooms_ = dialect->follows_rooms();
    follows_ids_ = dialect->of_room("/", app.host(), true).has_value();
    app.directory().watch(*this);
    if (table_.state() == shm::BridgeState::off) {
        table_.set_state(shm::BridgeState::joining);
    }
}

RedisBus::~RedisBus() = default;

cluster::Bridge *RedisBus::bridge() noexcept { return held_ != nullptr ? &held_->bridge : nullptr; }

bool RedisBus::is_mine() const noexcept { return table_.holder() == app_.worker().seat(); }

void RedisBus::check(Millis now) {
    if (held_ != nullptr && !may_speak()) {
        let_go(now);
    }
}

bool RedisBus::work(Millis now) {
    check(now);
    if (leaving_) {
        go_on_leaving(now);
        return false;
    }
    if (held_ == nullptr) {
        look(now);
    }
    if (held_ == nullptr) {
        return false;
    }
    if (std::exchange(broken_, false)) {
        held_->pub.reset("what is published does not come back", now);
        held_->sub.reset("what is published does not come back", now);
    }
    return held_->bridge.work(now);
}

void RedisBus::beat(Millis now) {
    if (held_ != nullptr && is_mine()) {
        table_.beat(app_.worker().seat(), now);
        held_->bridge.beat(now);
        show(now);
        if (asks_again_ != 0 && now >= asks_again_) {
            asks_again_ = 0;
            hear_everything(now);
        }
    }
}

// Whichever worker is asked for the status finds it there.
void RedisBus::show(Millis now) {
    hub::ClusterStatus status = held_->bridge.status(now);
    const RedisLinkStatus &pub = held_->pub.status();
    const RedisLinkStatus &sub = held_->sub.status();
    status.redis.reconnects = pub.reconnects + sub.reconnects;
    status.redis.error = held_->pub.up() && held_->sub.up() ? "" : pub.error.empty() ? sub.error : pub.error;
    const std::string board = cluster::write_board(status, shm::BridgeTable::kBoard);
    shm::Locked held = app_.lock_log();
    table_.write_board(held, board);
}

void RedisBus::look(Millis now) {
    const shm::SeatRef holder = table_.holder();
    const bool works = holder && app_.worker().seats().is_live(holder) &&
                       now - table_.last_beat() < shm::BridgeTable::kSilent;
    if (works) {
        return;
    }
    shm::BridgeTable::Taken taken;
    {
        shm::Locked held = app_.lock_log();
        taken = table_.take(held, app_.worker().seat(), app_.worker().seats(), now);
    }
    if (taken.mine) {
        take(taken.former, now);
    }
}

void RedisBus::take(shm::SeatRef former, Millis now) {
    app_.metrics().count(hub::Metric::bridges);
    held_ = std::make_unique<Held>(*this, app_, block_);
    app_.connect_bridge(held_->bridge);
    held_->ends = former ? table_.client(shm::BridgeLink::hears) : 0;
    if (table_.is_torn()) {
        empty_box(app_.conf().settings.name); // nobody has the first part of what comes next
    }
    held_->left = take_from_box(app_.conf().settings.name, label_);
    if (former) {
        app_.worker().core_log().write(Level::notice, held_->left != -1
                                                          ? "the bridge to other hosts goes on at this worker"
                                                          : "the bridge to other hosts is built anew");
    }
    if (held_->left == -1) {
        held_->sub.open(now);
    }
    held_->pub.open(now);
}

// A connection that lay in the box goes on here, whatever became of the worker that made it, but
// not before what it says can be answered: until then it waits in the socket.
void RedisBus::go_on_hearing(Millis now) {
    if (held_->left == -1) {
        return;
    }
    const std::uint64_t heard = table_.client(shm::BridgeLink::hears);
    held_->whole = held_->sub.adopt(std::exchange(held_->left, -1), heard, now);
    if (held_->whole) {
        held_->ends = 0;
    } else {
        held_->sub.open(now);
    }
}

// Without a word to Redis: what was to be said is another's to say.
void RedisBus::let_go(Millis) {
    held_->sub.close();
    held_->pub.close();
    held_.reset();
}

// The connection that hears stays in the box; what has been sent is waited for, so that the next
// holder does not send it again.
void RedisBus::hand_on(Millis now) {
    check(now);
    if (leaving_) {
        return;
    }
    leaving_ = true;
    if (held_ == nullptr) {
        given_back_ = true;
        return;
    }
    leaves_at_ = now + kLeaving;
    held_->sub.close();
    held_->bridge.retire(now);
    go_on_leaving(now);
}

void RedisBus::go_on_leaving(Millis now) {
    if (held_ == nullptr) {
        given_back_ = true;
        return;
    }
    if (!given_back_ && (held_->bridge.has_published() || now >= leaves_at_)) {
        given_back_ = true;
        if (held_->pub.up() && held_->bridge.has_published()) {
            table_.set_client(shm::BridgeLink::publishes, 0); // it is left to finish its answers
        }
        shm::Locked held = app_.lock_log();
        table_.give_back(held, app_.worker().seat());
        app_.worker().wake_readers();
    }
    if (given_back_ && (held_->bridge.is_idle() || now >= leaves_at_ + kAnswering)) {
        let_go(now);
    }
}

void RedisBus::stop(Millis now) {
    if (held_ == nullptr || given_back_ || !is_mine()) {
        return;
    }
    empty_box(app_.conf().settings.name);
    static_cast<void>(held_->bridge.work(now)); // what sessions said when they ended
    held_->bridge.leave();
    held_->sub.quit(now);
    held_->pub.quit(now);
    held_->sub.close();
    held_->pub.close();
    shm::Locked held = app_.lock_log();
    table_.give_back(held, app_.worker().seat());
}

// --- what is heard ---

void RedisBus::refused(Text text, Millis now) {
    asks_again_ = now + kAskAgain;
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
    if (held_->ends == 0 || held_->ends == held_->sub.wire().client_id()) {
        hear_everything(now);
    } else if (!find(kFound, held_->ends, now)) {
        hear_everything(now);
    }
}

void RedisBus::found_former(const wire::RespValue &clients, Millis now) {
    cluster::RedisWire &wire = held_->pub.wire();
    const std::string id = std::to_string(held_->ends);
    const bool ours = is_named(clients, held_->sub.wire());
    if (!ours || !wire.command(kEnding, {"CLIENT", "KILL", "ID", id}, now)) {
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
        table_.set_client(shm::BridgeLink::publishes, own);
        held_->bridge.on_line_up(now);
    }
}

void RedisBus::found_former_publisher(const wire::RespValue &clients, Millis now) {
    cluster::RedisWire &wire = held_->pub.wire();
    if (is_named(clients, wire)) {
        const std::string id = std::to_string(table_.client(shm::BridgeLink::publishes));
        static_cast<void>(wire.command(kEnded, {"CLIENT", "KILL", "ID", id}, now));
    }
    table_.set_client(shm::BridgeLink::publishes, wire.client_id());
    held_->bridge.on_line_up(now);
}

void RedisBus::hear_everything(Millis now) {
    if (!held_->sub.up() || held_->hears) {
        return;
    }
    held_->ends = 0;
    table_.set_client(shm::BridgeLink::hears, held_->sub.wire().client_id());
    const std::vector<Subscription> wanted = held_->bridge.wanted();
    subscribe(wanted);
    heard_all(now);
}

void RedisBus::heard_all(Millis now) {
    if (held_->hears || held_->sub.wire().unconfirmed() != 0 || !held_->sub.wire().hears()) {
        return;
    }
    held_->hears = true;
    const int descriptor = held_->sub.descriptor();
    if (descriptor != -1 && newest_cycle() == cycle_number()) { // or nobody may want it
        ngx::put_in_box(app_.conf().settings.name, descriptor, label_);
    }
    held_->bridge.on_hearing_up(held_->whole, now);
}

void RedisBus::subscribe(std::span<const Subscription> wanted) {
    change(wanted, [&](Subscription::Kind kind, std::span<const Text> names) {
        return held_->sub.wire().subscribe(0, kind, names, app_.worker().now());
    });
}

void RedisBus::unsubscribe(std::span<const Subscription> left) {
    change(left, [&](Subscription::Kind kind, std::span<const Text> names) {
        return held_->sub.wire().unsubscribe(0, kind, names, app_.worker().now());
    });
}

// One command for all names of a kind; of shard channels, which may be of different slots, one
// each. What fails is asked for when the connection is up.
template <class Command> void RedisBus::change(std::span<const Subscription> all, Command command) {
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

// --- what is said ---

bool RedisBus::is_up() const noexcept { return held_ != nullptr && held_->pub.up() && held_->hears; }

bool RedisBus::send(std::span<const Text> command, cluster::Cookie cookie) {
    if (held_ == nullptr || !held_->pub.up() || !may_speak()) {
        return false;
    }
    return static_cast<bool>(held_->pub.wire().command(cookie.packed(), command, app_.worker().now()));
}

} // namespace rt::ngx
