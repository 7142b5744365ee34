// SPDX-License-Identifier: BSD-2-Clause
// The composition root: everything one worker process has. Its turn() runs once after the
// events of each turn of nginx's loop that concerned us: take over upgraded sockets, wake the
// others, read log and mail, flush every session once, destroy what ended, set the one timer.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/wakes.hpp"
#include "cluster/zones.hpp"
#include "ngx/app.hpp"
#include "ngx/arrivals.hpp"
#include "ngx/balance.hpp"
#include "ngx/conf.hpp"
#include "ngx/leaving.hpp"
#include "ngx/log.hpp"
#include "ngx/neighbors.hpp"
#include "ngx/random.hpp"
#include "ngx/ws_link.hpp"
#include "ngx/zone_lock.hpp"
#include "wire/ws_deflate.hpp"

#include <array>
#include <memory>
#include <vector>

namespace rt::ngx {

// A WebSocket whose request has answered 101 and waits to be taken over.
struct Upgrade {
    ngx_http_request_t *r;
    std::unique_ptr<WsLink> link;
    App *app;
    hub::Connection *connection; // a new session's, or
    cluster::Home home;          // that of the session to probe, its sid in
    std::string sid;
};

class Worker final : public cluster::Wakes, public engine::Turn {
public:
    // Takes a seat and builds every application. Null: it cannot work, logged.
    static std::unique_ptr<Worker> start(ngx_cycle_t *cycle, const MainConf &conf);
    ~Worker() override;

    // The worker of this process; null in all others.
    [[nodiscard]] static Worker *current() noexcept;

    [[nodiscard]] App *app(const AppConf &conf) noexcept;
    [[nodiscard]] const std::vector<std::unique_ptr<App>> &apps() const noexcept { return apps_; }
    [[nodiscard]] shm::SeatRef seat() const noexcept { return seat_; }
    [[nodiscard]] const shm::Seats &seats() const noexcept { return seats_.seats; }
    [[nodiscard]] Arrivals &arrivals() noexcept { return arrivals_; }
    [[nodiscard]] Neighbors &neighbors() noexcept { return neighbors_; }

    [[nodiscard]] Millis now() const noexcept { return static_cast<Millis>(ngx_current_msec); }
    [[nodiscard]] Text hostname() const noexcept { return to_text(cycle_->hostname); }
    [[nodiscard]] ngx_log_t *log() const noexcept { return cycle_->log; }
    [[nodiscard]] Log &core_log() noexcept { return core_log_; }
    [[nodiscard]] Random &random() noexcept { return random_; }
    [[nodiscard]] Deadlines &deadlines() noexcept { return deadlines_; }
    [[nodiscard]] MutableBytes read_buffer() noexcept { return read_buffer_; }
    [[nodiscard]] wire::Deflater &deflater() noexcept { return deflater_; }
    [[nodiscard]] wire::Inflater &inflater() noexcept { return inflater_; }

    // Something happened: turn() runs before the loop sleeps.
    void touch() noexcept;

    // Some worker may be dead: this turn finds out.
    void suspect() noexcept;

    void take_over_later(Upgrade upgrade);
    // A connection that has more to read than its share of this turn.
    void read_later(ngx_connection_t &c) noexcept;
    void links_opened(int amount) noexcept { links_ += amount; }
    [[nodiscard]] int links() const noexcept { return links_; }
    // The process must not end yet.
    [[nodiscard]] bool has_sessions() const noexcept;

    // nginx has begun to quit. At a reload the clients stay; at a full stop they are closed.
    void quit();
    // The process ends now, whoever is here: nothing of ours stays open.
    void end();

    // cluster::Wakes
    void wake_readers() override;
    void wake_seat(shm::SeatRef to) override;
    void retry_mail() override;

private:
    Worker(ngx_cycle_t *cycle, const MainConf &conf, cluster::SeatsZone seats);

    bool take_seat();
    bool open_apps();
    bool listen_for_wakes();
    void arm() override { touch(); }

    void turn();
    void take_over(Upgrade &upgrade);
    void share_load();
    void wake_others();
    static void write_wake(std::uint32_t index) noexcept;
    void sleep_or_go_on(bool more);
    void set_timer();
    void expire();
    void beat();
    void close_all();
    [[nodiscard]] bool must_stay();

    static void on_turn(ngx_event_t *event) noexcept;
    static void on_timer(ngx_event_t *event) noexcept;
    static void on_beat(ngx_event_t *event) noexcept;
    static void on_mail_retry(ngx_event_t *event) noexcept;
    static void on_wake(ngx_event_t *event) noexcept;
    static void on_accept(ngx_event_t *event) noexcept;

    ngx_cycle_t *cycle_;
    const MainConf &conf_;
    ZoneLock seats_lock_;
    cluster::SeatsZone seats_;
    Neighbors neighbors_;
    shm::SeatRef seat_;
    CoreLog core_log_;
    SystemRandom random_;
    Deadlines deadlines_;
    wire::Deflater deflater_;
    wire::Inflater inflater_;
    Balance balance_;
    Arrivals arrivals_;
    Leaving leaving_;
    std::vector<std::unique_ptr<App>> apps_;
    std::vector<Upgrade> upgrades_;
    ngx_connection_t *wake_connection_ = nullptr;
    ngx_event_t turn_event_{};
    ngx_event_t timer_{};
    ngx_event_t beat_{};
    ngx_event_t mail_retry_{};
    Millis timer_due_ = kNever;
    int links_ = 0;
    bool quitting_ = false;
    bool wake_readers_ = false;
    bool suspects_ = false;
    bool in_turn_ = false;
    std::array<std::uint8_t, 16384> read_buffer_; // for every connection in turn
};

} // namespace rt::ngx
