// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/worker.hpp"

#include "ngx/guard.hpp"
#include "ngx/process.hpp"
#include "ngx/zone.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace rt::ngx {

namespace {

constexpr ngx_msec_t kBeat = 250;    // a silent worker counts as gone after four
constexpr ngx_msec_t kMailRetry = 5; // while some mailbox is full

Worker &worker_of(ngx_event_t *event) noexcept { return *static_cast<Worker *>(event->data); }

void prepare(ngx_event_t &event, void *owner, ngx_event_handler_pt handler, ngx_log_t *log) noexcept {
    event.data = owner;
    event.handler = handler;
    event.log = log;
    event.cancelable = 1;
}

} // namespace

Worker::Worker(ngx_cycle_t *cycle, const MainConf &conf, cluster::SeatsZone seats)
    : cycle_(cycle), conf_(conf), seats_lock_(*conf.seats), seats_(seats),
      neighbors_(*this, seats_lock_, seats_), core_log_(cycle->log), balance_(cycle),
      arrivals_(*this, balance_), leaving_(*this) {}

std::unique_ptr<Worker> Worker::start(ngx_cycle_t *cycle, const MainConf &conf) {
    const Result<cluster::SeatsZone> seats =
        cluster::SeatsZone::attach(zone_memory(*conf.seats), wake_descriptors());
    if (!seats) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "realtime: %s", seats.error().where);
        return nullptr;
    }
    std::unique_ptr<Worker> worker(new Worker(cycle, conf, *seats));
    if (!worker->take_seat() || !worker->open_apps() || !worker->listen_for_wakes()) {
        return nullptr;
    }
    return worker;
}

bool Worker::take_seat() {
    seat_ = neighbors_.claim();
    if (!seat_) {
        ngx_log_error(NGX_LOG_EMERG, log(), 0,
                      "realtime: all %uD seats are taken by workers of earlier configurations; "
                      "restart nginx to run more worker_processes",
                      seats_.seats.capacity());
    }
    return static_cast<bool>(seat_);
}

bool Worker::open_apps() {
    for (const auto &conf : conf_.apps) {
        if (conf->zone == nullptr) {
            continue;
        }
        auto zones = AppZones::attach(*conf, seats_.seats.capacity(), log());
        if (zones == nullptr) {
            return false;
        }
        apps_.push_back(std::make_unique<App>(*this, *conf, std::move(zones)));
    }
    return true;
}

// The eventfd is the master's: nginx must neither close it nor count it as a leak.
bool Worker::listen_for_wakes() {
    wake_connection_ = ngx_get_connection(wake_descriptor(seat_.index), cycle_->log);
    if (wake_connection_ == nullptr) {
        return false;
    }
    wake_connection_->data = this;
    wake_connection_->log = cycle_->log;
    wake_connection_->idle = 1; // nginx calls the handler when it begins to quit
    ngx_event_t *read = wake_connection_->read;
    read->handler = on_wake;
    read->log = cycle_->log;
    read->channel = 1;
    prepare(turn_event_, this, on_turn, log());
    prepare(timer_, this, on_timer, log());
    prepare(beat_, this, on_beat, log());
    prepare(mail_retry_, this, on_mail_retry, log());
    seats_.seats.fall_asleep(seat_);
    balance_.listen(on_accept);
    touch();
    if (!arrivals_.listen()) {
        return false;
    }
    ngx_add_timer(&beat_, 0); // not here: nothing may be accepted before this worker is known
    return ngx_add_event(read, NGX_READ_EVENT, NGX_CLEAR_EVENT) == NGX_OK;
}

Worker::~Worker() {
    apps_.clear();
    if (seat_) {
        neighbors_.leave(seat_);
    }
    for (ngx_event_t *event : {&turn_event_, &timer_, &beat_, &mail_retry_}) {
        delete_posted_event(event);
        if (event->timer_set != 0) {
            ngx_del_timer(event);
        }
    }
    if (wake_connection_ != nullptr) {
        ngx_del_event(wake_connection_->read, NGX_READ_EVENT, 0);
        ngx_free_connection(wake_connection_);
        wake_connection_->fd = static_cast<ngx_socket_t>(-1);
    }
}

App *Worker::app(const AppConf &conf) noexcept {
    const auto found =
        std::find_if(apps_.begin(), apps_.end(), [&](const auto &app) { return &app->conf() == &conf; });
    return found == apps_.end() ? nullptr : found->get();
}

// --- the turn ---

void Worker::touch() noexcept {
    if (!in_turn_) {
        post_event(&turn_event_, &ngx_posted_events);
    }
}

void Worker::on_turn(ngx_event_t *event) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ALERT, event->log, 0, "realtime: turn broken off: %s", what);
        },
        [&] { worker_of(event).turn(); });
    worker_of(event).in_turn_ = false;
}

void Worker::turn() {
    in_turn_ = true; // what happens in here is seen to in here
    seats_.seats.wake_up(seat_);
    for (Upgrade &upgrade : std::exchange(upgrades_, {})) {
        take_over(upgrade);
    }
    wake_others();
    bool more = false;
    for (const auto &app : apps_) {
        more = app->work() || more;
    }
    if (std::exchange(suspects_, false)) {
        neighbors_.look();
        more = true;
    }
    flush(now());
    wake_others();
    for (const auto &app : apps_) {
        app->hub().reap();
    }
    share_load();
    arrivals_.look();
    set_timer();
    sleep_or_go_on(more);
}

// A wake that brings neither log nor mail means: look at the listening sockets.
void Worker::share_load() {
    if (const shm::SeatRef least = balance_.update(seats_.seats, seat_, now()); least) {
        write_wake(least.index);
    }
}

// A burst is over before the first of its requests comes: every connection counts at once.
void Worker::on_accept(ngx_event_t *event) noexcept {
    ngx_event_accept(event);
    if (Worker *worker = current(); worker != nullptr) {
        guard([](const char *) {}, [&] { worker->share_load(); });
    }
}

void Worker::suspect() noexcept {
    suspects_ = true;
    touch();
}

void Worker::take_over_later(Upgrade upgrade) {
    upgrades_.push_back(std::move(upgrade));
    touch();
}

void Worker::take_over(Upgrade &upgrade) {
    WsLink *link = upgrade.link.release(); // from here on its connection owns it
    link->take_over(upgrade.r);
    if (upgrade.connection != nullptr) {
        link->start(*upgrade.connection);
    } else {
        upgrade.app->exchanges().probe(*link, {upgrade.home.seat, upgrade.sid});
    }
}

// What was published or mailed in this turn is in shared memory now: whoever sleeps is woken,
// each once.
void Worker::wake_others() {
    if (!std::exchange(wake_readers_, false)) {
        return;
    }
    seats_.seats.wake_sleepers([](std::uint32_t index) { write_wake(index); });
}

void Worker::wake_readers() {
    wake_readers_ = true;
    touch();
}

void Worker::wake_seat(shm::SeatRef to) {
    if (seats_.seats.wake(to)) {
        write_wake(to.index);
    }
}

void Worker::write_wake(std::uint32_t index) noexcept {
    const std::uint64_t one = 1;
    // It cannot fill up: a seat is woken once per sleep.
    if (::write(wake_descriptor(index), &one, sizeof(one)) == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno, "realtime: waking seat %uD failed", index);
    }
}

void Worker::retry_mail() {
    if (mail_retry_.timer_set == 0) {
        ngx_add_timer(&mail_retry_, kMailRetry);
    }
}

void Worker::sleep_or_go_on(bool more) {
    if (!more) {
        seats_.seats.fall_asleep(seat_);
        more = std::any_of(apps_.begin(), apps_.end(), [](const auto &app) { return app->has_work(); });
        if (!more) {
            return;
        }
        seats_.seats.wake_up(seat_);
    }
    post_event(&turn_event_, &ngx_posted_next_events);
}

void Worker::read_later(ngx_connection_t &c) noexcept { post_event(c.read, &ngx_posted_next_events); }

// --- timers ---

// One timer of nginx for all deadlines. The beat's, which is always set, keeps a quitting worker
// alive while it has clients or holds requests of others' clients.
void Worker::set_timer() {
    const Millis next = deadlines_.next();
    beat_.cancelable = timer_.cancelable = must_stay() ? 0 : 1;
    if (next == timer_due_) {
        return;
    }
    if (timer_.timer_set != 0) {
        ngx_del_timer(&timer_);
    }
    timer_due_ = next;
    if (next != kNever) {
        ngx_add_timer(&timer_, static_cast<ngx_msec_t>(std::max<Millis>(next - now(), 0)));
    }
}

void Worker::on_timer(ngx_event_t *event) noexcept {
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ALERT, event->log, 0, "realtime: deadlines broken off: %s", what);
        },
        [&] { worker_of(event).expire(); });
}

// A bridge that was lost while this process was stopped has no deadlines any more.
void Worker::expire() {
    timer_due_ = kNever;
    for (const auto &app : apps_) {
        if (RedisBus *bus = app->redis_bus(); bus != nullptr) {
            bus->check(now());
        }
    }
    deadlines_.expire(now());
    touch();
}

void Worker::on_beat(ngx_event_t *event) noexcept {
    guard([](const char *) {}, [&] { worker_of(event).beat(); });
}

void Worker::beat() {
    seats_.seats.beat(seat_, now());
    neighbors_.look();
    for (const auto &app : apps_) {
        app->beat();
    }
    share_load();
    balance_.look(seats_.seats, seat_, now());
    touch();
    ngx_add_timer(&beat_, kBeat);
}

void Worker::on_mail_retry(ngx_event_t *event) noexcept {
    guard([](const char *) {},
          [&] {
              for (const auto &app : worker_of(event).apps_) {
                  app->post().retry();
              }
          });
}

// --- wakes and the end ---

void Worker::on_wake(ngx_event_t *event) noexcept {
    auto *c = event_connection<ngx_connection_t>(event);
    auto *worker = static_cast<Worker *>(c->data);
    if (c->close != 0) {
        c->close = 0;
        c->idle = 0;
        guard([](const char *) {}, [&] { worker->quit(); });
        return;
    }
    std::uint64_t count = 0;
    if (::read(c->fd, &count, sizeof(count)) == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, event->log, ngx_errno, "realtime: wake descriptor failed");
    }
    event->ready = 0;
    const bool work = std::any_of(worker->apps_.begin(), worker->apps_.end(),
                                  [](const auto &app) { return app->has_work(); });
    if (!work) {
        worker->balance_.look(worker->seats_.seats, worker->seat_, worker->now());
    }
    worker->touch();
}

void Worker::quit() {
    seats_.seats.set_state(seat_, shm::SeatState::quitting);
    balance_.release();
    quitting_ = true;
    leaving_.begin();
    for (const auto &app : apps_) {
        if (RedisBus *bus = app->redis_bus(); bus != nullptr) {
            newest_cycle() != cycle_number() ? bus->hand_on(now()) : bus->end_with_host(now());
        }
    }
    set_timer(); // nginx looks for timers that keep it before another turn comes
}

void Worker::close_all() {
    for (const auto &app : apps_) {
        app->hub().close_all(engine::CloseReason::server_shutting_down, now());
        app->questions().end_all();
    }
}

// nginx alerts of sockets that a worker leaves open when it is terminated while it quits.
void Worker::end() {
    if (quitting_ && ngx_terminate == 0) {
        leaving_.finish();
    }
    close_all();
    for (const auto &app : apps_) {
        app->exchanges().end_all();
        if (RedisBus *bus = app->redis_bus(); bus != nullptr) {
            bus->stop(now());
        }
    }
    flush(now());
    for (ngx_uint_t i = 0; i < cycle_->connection_n; ++i) {
        const ngx_connection_t &c = cycle_->connections[i];
        if (c.fd != -1 && c.read != nullptr && c.read->handler == WsLink::read_handler) {
            static_cast<WsLink *>(c.data)->drop();
        }
    }
}

// Nobody waits for one that has finished, so no two wait for each other.
bool Worker::must_stay() {
    const bool needed = has_sessions();
    if (quitting_) {
        seats_.seats.set_state(seat_, needed ? shm::SeatState::quitting : shm::SeatState::finished);
    }
    return needed || std::any_of(apps_.begin(), apps_.end(), [&](const auto &app) {
               RedisBus *bus = app->redis_bus();
               return bus != nullptr && bus->must_stay(now());
           });
}

bool Worker::has_sessions() const noexcept {
    return links_ > 0 || !upgrades_.empty() ||
           std::any_of(apps_.begin(), apps_.end(), [](const auto &app) { return app->is_needed(); });
}

} // namespace rt::ngx
