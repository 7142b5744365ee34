// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_bus.hpp"

#include "cluster/bridge_board.hpp"
#include "ngx/process.hpp"
#include "ngx/redis_box.hpp"
#include "ngx/redis_bus_held.hpp"
#include "wire/crypto.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr Millis kLeaving = 500;    // for what was sent to be answered
constexpr Millis kAnswering = 5000; // for clients to answer what other servers asked
constexpr Millis kAlone = 500;      // after which others who still accept are not going to stop
constexpr Millis kParting = 500;    // nobody takes what the last one left: all are stopping

// What decides what a connection hears, and of whom. Empty: there is no digest, and nobody goes on
// with another's connection.
std::string label_of(App &app) {
    const AppRedis &bus = app.conf().bus;
    std::string all = bus.block->settings.text() + " " + bus.use.prefix + " " + bus.use.key_prefix;
    for (const std::string &nsp : app.conf().settings.names()) {
        all += " " + nsp;
    }
    const Result<wire::Sha256> digest = wire::sha256(as_bytes(all));
    return digest ? std::string(as_text(*digest)) : std::string();
}

} // namespace

// --- who holds it ---

RedisBus::RedisBus(App &app)
    : app_(app), block_(*app.conf().bus.block),
      joins_([&app](Handle run, Millis now) { app.hub().resume(run, nullptr, now); }),
      table_(app.bridge_table()), label_(label_of(app)) {
    const std::unique_ptr<cluster::Dialect> dialect = make_dialect(app, app.conf().bus.use);
    follows_rooms_ = dialect->follows_rooms();
    follows_ids_ = dialect->of_room("/", app.host(), true).has_value();
    waits_ = !dialect->hears_all();
    app.directory().watch(*this, follows_rooms_);
    app.hub().ports().hearing = waits_ ? &joins_ : nullptr;
    if (table_.state() == shm::BridgeState::off) {
        table_.set_state(shm::BridgeState::joining);
    }
}

RedisBus::~RedisBus() = default;

cluster::Bridge *RedisBus::bridge() noexcept { return held_ != nullptr ? &held_->bridge : nullptr; }

Text RedisBus::app_in_names() const {
    const auto with_redis = [](const auto &app) { return app->conf().bus.block != nullptr; };
    const bool several = std::ranges::count_if(app_.worker().apps(), with_redis) > 1;
    return several ? Text(app_.conf().settings.name) : Text();
}

bool RedisBus::is_mine() const noexcept { return table_.holder() == app_.worker().seat(); }

void RedisBus::check(Millis now) {
    if (held_ != nullptr && !may_speak()) {
        let_go(now);
    }
}

bool RedisBus::work(Millis now) {
    const bool more = work_bridge(now);
    go_on_joining(now);
    return more;
}

bool RedisBus::work_bridge(Millis now) {
    check(now);
    if (leaving_) {
        const bool more = held_ != nullptr && held_->bridge.work(now);
        go_on_leaving(now);
        return more;
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
        if (held_->cluster != nullptr) {
            held_->cluster->reset("what is published does not come back", now);
        }
    }
    if (held_->cluster != nullptr) {
        held_->cluster->work();
    }
    if (held_->hears) {
        fill_box();
    }
    held_->bridge.settle_interest();
    return held_->bridge.work(now);
}

void RedisBus::beat(Millis now) {
    if (held_ != nullptr && is_mine()) {
        table_.beat(app_.worker().seat(), now);
        held_->bridge.beat(now);
        show(now);
        if (asks_again_ != 0 && now >= asks_again_) {
            asks_again_ = 0;
            ask_again(now);
        }
    }
}

// All of it: which of the names Redis refused, or had no room for, is not known.
void RedisBus::ask_again(Millis now) {
    if (held_->hears) {
        subscribe(held_->bridge.wanted());
    } else {
        hear_everything(now);
    }
}

// Whichever worker is asked for the status finds it there.
void RedisBus::show(Millis now) {
    hub::ClusterStatus status = held_->bridge.status(now);
    const RedisLinkStatus &pub = held_->pub.status();
    const RedisLinkStatus &sub = held_->sub.status();
    status.redis.reconnects = pub.reconnects + sub.reconnects;
    status.redis.reconnects += held_->cluster != nullptr ? held_->cluster->reconnects() : 0;
    status.redis.error = held_->pub.up() && held_->sub.up() ? "" : pub.error.empty() ? sub.error : pub.error;
    const std::string board = cluster::write_board(status, shm::BridgeTable::kBoard);
    shm::Locked held = app_.lock_log();
    table_.write_board(held, board);
}

void RedisBus::look(Millis now) {
    const shm::SeatRef holder = table_.holder();
    if (is_parting(now)) {
        return;
    }
    const bool works = holder && app_.worker().seats().is_live(holder) &&
                       silence_.look(holder, table_.last_beat(), now) < shm::BridgeTable::kSilent;
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
        table_.mend();
    }
    held_->left = look_into_box(app_.conf().settings.name, label_);
    if (former) {
        app_.worker().core_log().write(Level::notice, !held_->left.empty()
                                                          ? "the bridge to other hosts goes on at this worker"
                                                          : "the bridge to other hosts is built anew");
    }
    if (held_->left.empty()) {
        held_->bridge.deafen();
        held_->sub.open(now);
    }
    held_->pub.open(now);
}

// What lay in the box goes on here, whatever became of the worker that made it, but not before what
// it says can be answered: until then it waits in the sockets. The base comes last, for it tells how
// far others are.
void RedisBus::go_on_hearing(Millis now) {
    std::vector<Boxed> left = std::exchange(held_->left, {});
    if (left.empty()) {
        return;
    }
    held_->boxed_at = held_->cluster != nullptr ? held_->cluster->changes() : 0;
    for (Boxed &each : std::span(left).subspan(held_->cluster != nullptr ? 1 : left.size())) {
        held_->cluster->adopt(each, now);
    }
    const std::uint64_t heard = table_.client(shm::BridgeLink::hears);
    held_->whole = held_->sub.adopt(left.front().release(), heard, now);
    held_->filled = held_->boxed = held_->whole;
    if (held_->whole) {
        held_->ends = 0;
    } else {
        empty_box(app_.conf().settings.name);
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
    if (!is_boxed() && held_->left.empty()) {
        held_->bridge.deafen();
    }
    held_->sub.close();
    if (held_->cluster != nullptr) {
        held_->cluster->close_hearing();
    }
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
            table_.set_client(shm::BridgeLink::publishes, 0, now); // it is left to finish its answers
        }
        table_.beat(app_.worker().seat(), 0); // no parting
        shm::Locked held = app_.lock_log();
        table_.give_back(held, app_.worker().seat());
        app_.worker().wake_readers();
    }
    if (given_back_ && (held_->bridge.is_idle() || now >= leaves_at_ + kAnswering)) {
        let_go(now);
    }
}

// Workers that have the application, by what is left for them to do.
struct RedisBus::Others {
    bool accept = false;
    bool last = true; // all have finished
};

RedisBus::Others RedisBus::others() const {
    Others others;
    app_.worker().seats().each([&](const shm::SeatInfo &seat) {
        if (seat.ref != app_.worker().seat() && app_.has_reader(seat.ref)) {
            others.accept = others.accept || seat.state == shm::SeatState::accepting;
            others.last = others.last && seat.state == shm::SeatState::finished;
        }
    });
    return others;
}

// What the others said last is published and answered, or Redis is away.
bool RedisBus::must_stay(Millis now) {
    if (ends_at_ == 0 || held_ == nullptr || !is_mine()) {
        return false;
    }
    const Others now_here = others();
    if (now_here.accept && now - ends_at_ >= kAlone && !leaving_) {
        hand_on(now); // this worker alone was told
    }
    if (leaving_ || !now_here.last) {
        return true;
    }
    leaves_at_ = leaves_at_ == 0 ? now + kLeaving : leaves_at_;
    const bool all = held_->bridge.has_published() && held_->bridge.sent() >= app_.bus().head();
    return held_->pub.up() && !all && now < leaves_at_;
}

// Those who are terminated end one by one, and do not hear it at once.
bool RedisBus::is_parting(Millis now) const noexcept {
    return !table_.holder() && end_announced() && now - table_.last_beat() < kParting;
}

void RedisBus::stop(Millis now) {
    if (held_ == nullptr || given_back_ || !is_mine()) {
        return;
    }
    while (held_->bridge.work(now)) { // what sessions said when they ended
    }
    if (ngx_terminate != 0 || others().last) {
        announce_end();
        empty_box(app_.conf().settings.name);
        held_->bridge.leave();
        if (held_->cluster != nullptr) {
            held_->cluster->quit(now);
        }
        held_->sub.quit(now);
        held_->pub.quit(now);
    }
    held_->sub.close();
    held_->pub.close();
    table_.beat(app_.worker().seat(), now);
    shm::Locked held = app_.lock_log();
    table_.give_back(held, app_.worker().seat());
    app_.worker().wake_readers();
}

// --- what is said ---

bool RedisBus::is_up() const noexcept {
    return held_ != nullptr && held_->pub.up() && held_->hears &&
           (held_->cluster == nullptr || held_->cluster->is_up());
}

bool RedisBus::send(std::span<const Text> command, cluster::Cookie cookie) {
    if (held_ == nullptr || !held_->pub.up() || !may_speak()) {
        return false;
    }
    const Millis now = app_.worker().now();
    return held_->cluster != nullptr ? held_->cluster->send(command, cookie, now)
                                     : bool(held_->pub.wire().command(cookie.packed(), command, now));
}

} // namespace rt::ngx
