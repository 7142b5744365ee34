// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/app.hpp"

#include "base/base64.hpp"
#include "ngx/handover.hpp"
#include "ngx/worker.hpp"
#include "ngx/zone.hpp"

#include <array>

namespace rt::ngx {

namespace {

constexpr std::size_t kRecordsPerTurn = 2000; // of the log, then others have their turn
constexpr std::size_t kSweptPerBeat = 1000;   // kept sockets, in one locked section

// The first part of every id: the same for all workers of the host, another for a zone that
// was made anew.
std::string host_of(const shm::Region &region) {
    std::array<std::uint8_t, 3> bytes{};
    store_be(bytes.data(), static_cast<std::uint8_t>(region.epoch()));
    store_be(bytes.data() + 1, static_cast<std::uint16_t>(region.epoch() >> 8));
    std::string host;
    append_base64url(host, bytes);
    return host;
}

// Another one for every life of the log, with what `host` has of the same number.
std::string epoch_of(const shm::Region &region) {
    std::array<std::uint8_t, 5> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(region.epoch() >> (24 + 8 * i));
    }
    std::string epoch;
    append_base64url(epoch, bytes);
    return epoch;
}

hub::HubNames names_of(const Worker &worker, const shm::Region &region) {
    const std::string host = host_of(region);
    return {host, std::string(worker.hostname()), std::to_string(ngx_worker), host + "." + epoch_of(region)};
}

// Mail for this claim of the seat is taken from here on.
shm::Mailboxes open_mailbox(AppZones &zones, shm::SeatRef seat) {
    shm::Locked held(zones.log_lock, zones.log->region);
    static_cast<void>(zones.log->boxes.open(held, seat)); // every seat has one
    return zones.log->boxes;
}

} // namespace

AppZones::AppZones(const AppConf &conf) : log_lock(*conf.log_zone), table_lock(*conf.zone) {}

std::unique_ptr<AppZones> AppZones::attach(const AppConf &conf, std::uint32_t seats, ngx_log_t *log) {
    auto zones = std::make_unique<AppZones>(conf);
    Result<cluster::LogZone> log_zone = cluster::LogZone::attach(zone_memory(*conf.log_zone), seats);
    Result<cluster::TableZone> table =
        cluster::TableZone::attach(zone_memory(*conf.zone), zones->table_lock, seats);
    if (!log_zone || !table) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "realtime: zone \"%V\": %s", &conf.zone->shm.name,
                      log_zone ? table.error().where : log_zone.error().where);
        return nullptr;
    }
    zones->log.emplace(*log_zone);
    zones->table.emplace(std::move(*table));
    return zones;
}

App::App(Worker &worker, const AppConf &conf, std::unique_ptr<AppZones> zones)
    : conf_(conf), worker_(worker), zones_(std::move(zones)),
      bus_({zones_->log_lock, zones_->log->region}, zones_->log->stream, worker),
      post_({zones_->log_lock, zones_->log->region}, open_mailbox(*zones_, worker.seat()), worker.seat(),
            worker),
      directory_(zones_->table->roster, worker.seat()),
      metrics_(zones_->table->counters, worker.seat().index), exchanges_(*this),
      homes_(worker.seat(), post_, bus_, exchanges_), door_(*this), relay_(far_ports(), exchanges_),
      asks_(*this), questions_(worker.seat(), post_, worker.deadlines(), asks_),
      replies_(far_ports(), questions_, relay_), registrar_(directory_), returns_(far_ports(), homes_),
      hub_(conf.settings, names_of(worker, zones_->log->region),
           {bus_,
            directory_,
            replies_,
            metrics_,
            worker.random(),
            worker.core_log(),
            {worker.deadlines(), homes_, worker},
            [&worker] { worker.touch(); },
            &returns_}),
      crossing_(far_ports(), {bus_, hub_, questions_, replies_, relay_, registrar_, exchanges_}),
      reaper_(worker.seats(), directory_, hub_) {
    bus_.attach(hub_);
    homes_.attach(hub_, directory_, &relay_);
    relay_.attach(hub_, homes_, directory_, &crossing_);
    questions_.wait_for(unsettled_);
    returns_.attach(hub_, crossing_);
    open_bridge();
    shm::Locked held(zones_->table_lock, zones_->table->region);
    zones_->table->counters.fold(held, worker.seat().index);
    zones_->table->slow.clear(worker.seat().index);
}

cluster::AbroadPorts App::far_ports() {
    return {worker_.seat(), host(), post_, door_, worker_.deadlines(), metrics_, unsettled_};
}

// What was said before there was a Redis is for nobody else.
void App::open_bridge() {
    shm::BridgeTable table = bridge_table();
    if (conf_.bus.block == nullptr) {
        table.set_state(shm::BridgeState::off);
        table.set_published(0);
        table.set_deaf(false);
        return;
    }
    bus_.number_by(table);
    {
        shm::Locked held = lock_log();
        table.begin(held, bus_.head());
    }
    redis_bus_ = std::make_unique<RedisBus>(*this);
}

// Whatever is left at the end of the process leaves the zone with it.
App::~App() { leave_zones(worker_.seat()); }

std::string App::host() const { return host_of(zones_->log->region); }

// No Node server's has 16 hexadecimal digits and another character.
std::string App::uid() const { return host() + epoch_of(zones_->log->region).substr(0, 6) + "_"; }

void App::connect_bridge(cluster::Bridge &bridge) {
    bridge.listen(cluster::Topic::relay, relay_);
    bridge.listen(cluster::Topic::crossing, crossing_);
    bridge.listen_to_echoes([this](std::uint64_t number) { crossing_.on_echo(number); });
    bridge.listen_to_asks([this](hub::Position end) { crossing_.on_own_ask(end); });
    bridge.roll_calls().attach(crossing_);
    bridge.listen_to_losses([this](Text host, Millis now) { relay_.on_host_gone(host, readers(), now); });
}

std::optional<cluster::Home> App::home_of(Text sid) {
    if (const std::optional<shm::SeatRef> seat = directory_.home_of(sid); seat) {
        return cluster::Home{*seat, sid};
    }
    return relay_.reaches(sid) ? std::optional(cluster::Home{{}, sid}) : std::nullopt;
}

wire::Inflater *App::inflater(bool deflate) noexcept { return deflate ? &worker_.inflater() : nullptr; }

bool App::work() {
    const Millis now = worker_.now();
    post_.receive(*this, now);
    homes_.go_on(now);
    bool more = bus_.drain(kRecordsPerTurn, now);
    more = reaper_.step(now) || more;
    more = (redis_bus_ != nullptr && redis_bus_->work(now)) || more;
    crossing_.go_on(now);
    questions_.go_on();
    replies_.go_on(now);
    returns_.go_on(now);
    hub_.recover(now);
    metrics_.set(hub::Metric::log_lag, bus_.lag());
    return more;
}

void App::bury(shm::SeatRef dead) {
    close_mailbox(dead);
    reaper_.begin();
    worker_.touch();
    forget(dead);
}

// What it still said comes first: it may be the answer that a request here waits for.
void App::forget(shm::SeatRef dead) {
    while (post_.has_mail()) {
        post_.receive(*this, worker_.now());
    }
    post_.forget(dead);
    exchanges_.fail(dead);
    hub_.on_seat_gone(dead.index, dead.generation, worker_.now());
    questions_.forget(dead);
}

void App::beat() {
    const auto now = static_cast<std::uint64_t>(worker_.now());
    directory_.roster().sweep_kept(now, kSweptPerBeat);
    metrics_.add(hub::Metric::kept_evicted, directory_.roster().take_evicted());
    if (reaper_.suspects()) {
        reaper_.look(messages_under_way() == 0, worker_.now());
    }
    show_slow();
    if (redis_bus_ != nullptr) {
        redis_bus_->beat(worker_.now());
    }
}

// The status of the whole host shows them, at whichever worker it is asked for.
void App::show_slow() {
    if (!hub_.has_slow() && !slow_shown_) {
        return;
    }
    const hub::Slowest slowest = hub_.slowest();
    for (std::size_t i = 0; i < slowest.size(); ++i) {
        const hub::SlowClient &client = slowest[i];
        const shm::SlowRow row{{client.record.cell, client.record.serial}, client.queued, client.since};
        slow().put(worker_.seat().index, i, row);
    }
    slow_shown_ = slowest.front().queued != 0;
}

void App::on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) {
    if (kind >= cluster::kInterestMail) {
        if (redis_bus_ != nullptr) {
            redis_bus_->on_mail(from, kind, body);
        }
    } else if (kind >= cluster::kRelayMail && kind < cluster::kRelayMailEnd) {
        relay_.on_mail(from, kind, body, now);
    } else if (kind >= cluster::kCrossingMail && kind < cluster::kCrossingMailEnd) {
        crossing_.on_mail(from, kind, body, now);
    } else if (kind >= cluster::kReturnsMail && kind < cluster::kReturnsMailEnd) {
        returns_.on_mail(from, kind, body, now);
    } else if (kind >= cluster::kQuestionMail) {
        questions_.on_mail(from, kind, body, now);
    } else {
        homes_.on_mail(from, kind, body, now);
    }
}

std::string App::needs() const {
    std::string words = "app " + conf_.settings.name + ":";
    const auto put = [&](std::size_t count, Text what) {
        words += count > 0 ? " " + std::to_string(count) + " " + std::string(what) : "";
    };
    put(hub_.size(), "sessions");
    put(exchanges_.size(), "requests of sessions elsewhere");
    put(questions_.size(), "questions");
    put(replies_.size(), "answers for other hosts");
    put(homes_.has_parked() ? 1 : 0, "session on its way here");
    put(crossing_.size(), "sessions on their way between hosts");
    put(post_.is_busy() ? 1 : 0, "worker whose mail waits");
    put(redis_bus_ != nullptr && redis_bus_->is_busy() ? 1 : 0, "bridge");
    return words;
}

std::vector<shm::SeatRef> App::readers() {
    std::vector<shm::SeatRef> seats = worker_.neighbors().live();
    std::erase_if(seats, [&](shm::SeatRef seat) { return !zones_->log->boxes.is_open(seat); });
    return seats;
}

bool App::close_empty_mailbox() {
    if (post_.is_busy()) {
        return false;
    }
    shm::Locked held(zones_->log_lock, zones_->log->region);
    if (post_.has_mail()) {
        return false;
    }
    zones_->log->boxes.close(held, worker_.seat());
    return true;
}

// A session that was to be handed over to it is refused from then on.
void App::close_mailbox(shm::SeatRef seat) {
    shm::Locked held(zones_->log_lock, zones_->log->region);
    zones_->log->boxes.close(held, seat);
}

void App::leave_zones(shm::SeatRef seat) {
    close_mailbox(seat);
    directory_.sweep(seat);
    shm::Locked held(zones_->table_lock, zones_->table->region);
    zones_->table->counters.fold(held, seat.index);
}

} // namespace rt::ngx
