// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/leaving.hpp"

#include "ngx/guard.hpp"
#include "ngx/handover.hpp"
#include "ngx/process.hpp"
#include "ngx/worker.hpp"
#include "ngx/ws_link.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr ngx_msec_t kTick = 5;      // while sessions move
constexpr ngx_msec_t kSlowTick = 50; // while they cannot
constexpr int kMovesPerTick = 200;   // then those that stay have their turn
constexpr int kTriesPerTick = 5000;
constexpr Millis kLeastTime = 1000; // that a session has to move in, whatever realtime_drain says
constexpr Millis kSilent = 1000;    // without a beat a worker is no target
constexpr Millis kStarting = 1000;  // what a worker may take to open its applications
constexpr Millis kOverdue = 10'000; // beyond until_: closing handshakes take at most half of it
constexpr int kLastLooks = 100;     // into a mailbox that should be empty

WsLink *link_of(hub::Connection &connection) noexcept {
    return static_cast<WsLink *>(connection.session().port()); // there are no others here
}

bool could_move(hub::Connection &connection) noexcept {
    const WsLink *link = link_of(connection);
    return link == nullptr || link->may_move();
}

} // namespace

Leaving::Leaving(Worker &worker) noexcept : worker_(worker) {
    tick_.data = this;
    tick_.handler = on_tick;
    tick_.log = worker.log();
    tick_.cancelable = 1; // the worker's beat keeps the process while somebody is here
}

Leaving::~Leaving() {
    if (tick_.timer_set != 0) {
        ngx_del_timer(&tick_);
    }
}

void Leaving::begin() {
    moving_ = newest_cycle() != cycle_number();
    if (!moving_) {
        announce_end();
    }
    schedule(moving_);
    tick();
}

void Leaving::on_tick(ngx_event_t *event) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ALERT, event->log, 0, "realtime: leaving broken off: %s", what);
        },
        [&] { static_cast<Leaving *>(event->data)->tick(); });
}

void Leaving::tick() {
    const Millis now = worker_.now();
    if (moving_ && is_stopping()) {
        moving_ = false;
        schedule(false);
    }
    close_due(now);
    tell_overdue(now);
    const ngx_msec_t pause = moving_ ? move_some(now) : kSlowTick;
    worker_.touch();
    if (tick_.timer_set == 0) {
        const auto wait = static_cast<Millis>(pause);
        const Millis next = next_due_ < dues_.size() ? dues_[next_due_].at - now : wait;
        ngx_add_timer(&tick_, static_cast<ngx_msec_t>(std::clamp<Millis>(next, 1, wait)));
    }
}

// One worker alone may have been told, too: then its successor accepts.
bool Leaving::is_stopping() const {
    if (!end_announced()) {
        return false;
    }
    bool accepting = false;
    worker_.seats().each(
        [&](const shm::SeatInfo &seat) { accepting = accepting || seat.state == shm::SeatState::accepting; });
    return !accepting;
}

// --- what cannot move ---

// Of the n sessions of a group the i-th leaves in the middle of the i-th of n parts of the time.
void Leaving::schedule(bool reload) {
    since_ = worker_.now();
    until_ = since_ + (reload ? kLeastTime : 0);
    groups_.clear();
    dues_.clear();
    next_due_ = 0;
    const std::vector<Place> all = everybody();
    for (const Place &place : all) {
        ++group_of(place, reload).count;
    }
    for (const Place &place : all) {
        dues_.push_back({moment(group_of(place, reload)), place});
        until_ = std::max(until_, dues_.back().at);
    }
    std::stable_sort(dues_.begin(), dues_.end(), [](const Due &a, const Due &b) { return a.at < b.at; });
}

std::vector<Leaving::Place> Leaving::everybody() const {
    std::vector<Place> all;
    for (const auto &app : worker_.apps()) {
        app->hub().each_connection([&](Handle handle, hub::Connection &) {
            all.push_back({app.get(), handle});
        });
    }
    return all;
}

Leaving::Group &Leaving::group_of(const Place &place, bool reload) {
    hub::Connection &connection = *place.app->hub().find(place.connection);
    const Millis drain = connection.session().settings().drain;
    const bool moves = reload && could_move(connection);
    const auto found = std::find_if(groups_.begin(), groups_.end(), [&](const Group &group) {
        return group.drain == drain && group.moves == moves;
    });
    return found != groups_.end() ? *found : groups_.emplace_back(Group{drain, moves, 0, 0});
}

Millis Leaving::moment(Group &group) const noexcept {
    const Millis start = group.moves ? std::max(group.drain / 2, kLeastTime) : 0;
    const Millis length = group.moves ? group.drain / 2 : group.drain;
    const Millis part = 2 * Millis{group.given++} + 1;
    return since_ + start + length * part / (2 * Millis{group.count});
}

void Leaving::close_due(Millis now) {
    while (next_due_ < dues_.size() && dues_[next_due_].at <= now) {
        drain(dues_[next_due_++].place, engine::CloseReason::server_shutting_down, now);
    }
    if (now < until_) {
        return;
    }
    for (const auto &app : worker_.apps()) { // who came after the schedule was made
        if (!moving_) {
            app->questions().end_all(); // nobody is left to answer
            app->replies().forget_all();
        }
        app->hub().each_connection([&](Handle handle, hub::Connection &) {
            drain({app.get(), handle}, engine::CloseReason::server_shutting_down, now);
        });
    }
}

// Once: whoever wonders why this worker is still here finds it in the log.
void Leaving::tell_overdue(Millis now) {
    if (now < until_ + kOverdue || std::exchange(told_, true)) {
        return;
    }
    std::string what = "a worker that leaves is still here, for";
    what += worker_.links() > 0 ? " " + std::to_string(worker_.links()) + " WebSockets;" : "";
    for (const auto &app : worker_.apps()) {
        what += app->is_needed() ? " " + app->needs() + ";" : "";
    }
    what += worker_.has_sessions() ? "" : " connections that are not of this module";
    worker_.core_log().write(Level::warn, what);
}

void Leaving::drain(const Place &place, engine::CloseReason reason, Millis now) {
    hub::Connection *connection = place.app->hub().find(place.connection);
    if (connection != nullptr && connection->session().open()) {
        place.app->metrics().count(hub::Metric::drained);
        connection->session().close(reason, now);
    }
}

// --- what can ---

// Says when to go on.
ngx_msec_t Leaving::move_some(Millis now) {
    if (tried_ >= round_.size()) {
        new_round();
    }
    for (const auto &app : worker_.apps()) {
        if (!next_target(*app)) {
            close_deserted(*app, now);
        }
    }
    int moves = 0;
    for (int tries = 0; tried_ < round_.size() && moves < kMovesPerTick && tries < kTriesPerTick; ++tries) {
        moves += move(round_[tried_++], now) ? 1 : 0;
    }
    moved_ = moved_ || moves > 0;
    return tried_ < round_.size() || moved_ ? kTick : kSlowTick;
}

void Leaving::new_round() {
    tried_ = 0;
    moved_ = false;
    for (const auto &app : worker_.apps()) {
        app->exchanges().let_go();
    }
    round_ = everybody();
}

// True: it is not here any more. First the log is read up:
// a question to all clients that was published before a session leaves is asked here, one that is
// published later where it goes to.
bool Leaving::move(const Place &place, Millis now) {
    place.app->hub().read_up(now);
    hub::Connection *connection = place.app->hub().find(place.connection);
    const bool may =
        connection != nullptr && connection->session().may_move() && place.app->hub().is_quiet(*connection);
    if (!may) {
        return false;
    }
    if (WsLink *link = link_of(*connection); link != nullptr) {
        return link->may_move() && channel_has_room(*place.app) && link->hand_over(now);
    }
    const shm::SeatRef to = next_target(*place.app);
    return to && place.app->homes().send_away(*connection, to, now);
}

// Workers of the newest configuration that have this application.
template <class Visit> void Leaving::each_target(App &app, Visit visit) const {
    worker_.seats().each([&](const shm::SeatInfo &seat) {
        const bool fit = seat.cycle == newest_cycle() && seat.state == shm::SeatState::accepting &&
                         worker_.now() - seat.beat < kSilent && app.has_reader(seat.ref);
        if (fit) {
            visit(seat);
        }
    });
}

// One after the other. Empty: there is none.
shm::SeatRef Leaving::next_target(App &app) {
    std::vector<shm::SeatRef> seats;
    each_target(app, [&](const shm::SeatInfo &seat) { seats.push_back(seat.ref); });
    return seats.empty() ? shm::SeatRef{} : seats[turn_++ % seats.size()];
}

// In this order: see Balance::take_one().
bool Leaving::channel_has_room(App &app) const {
    const std::uint32_t under_way = messages_under_way();
    std::uint32_t room = 0;
    each_target(app, [&](const shm::SeatInfo &seat) { room += seat.load.room; });
    return under_way < std::min(room, kMostUnderWay);
}

// The newest configuration has no such application: only here its rules are known.
void Leaving::close_deserted(App &app, Millis now) {
    bool settled = false;
    bool starting = false;
    worker_.seats().each([&](const shm::SeatInfo &seat) {
        const bool newest = seat.cycle == newest_cycle();
        settled = settled || newest;
        starting = starting || (newest && (now - seat.claimed < kStarting || app.has_reader(seat.ref)));
    });
    if (!settled || starting) {
        return;
    }
    app.hub().each_connection([&](Handle handle, hub::Connection &) {
        drain({&app, handle}, engine::CloseReason::going_away, now);
    });
}

// A session may have been sent here just before: it goes on to where it should have gone.
void Leaving::finish() {
    for (const auto &app : worker_.apps()) {
        for (int looks = 0; looks < kLastLooks && !app->close_empty_mailbox(); ++looks) {
            static_cast<void>(app->work());
            app->post().retry();
            move_all();
        }
    }
}

void Leaving::move_all() {
    for (const Place &place : moving_ ? everybody() : std::vector<Place>()) {
        static_cast<void>(move(place, worker_.now()));
    }
}

} // namespace rt::ngx
