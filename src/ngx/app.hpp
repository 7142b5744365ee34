// SPDX-License-Identifier: BSD-2-Clause
// One application at this worker: its hub, and what connects that to the other workers. All
// of it is built when the worker starts and torn down when it leaves.
#pragma once

#include "cluster/crossing.hpp"
#include "cluster/far_replies.hpp"
#include "cluster/homes.hpp"
#include "cluster/questions.hpp"
#include "cluster/reaper.hpp"
#include "cluster/relay.hpp"
#include "cluster/returns.hpp"
#include "cluster/roster_directory.hpp"
#include "cluster/zones.hpp"
#include "hub/hub.hpp"
#include "ngx/asks.hpp"
#include "ngx/bridge_door.hpp"
#include "ngx/conf.hpp"
#include "ngx/exchanges.hpp"
#include "ngx/redis_bus.hpp"
#include "ngx/zone_lock.hpp"
#include "wire/ws_deflate.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::ngx {

class Worker;

// The zones of an application, attached to.
struct AppZones {
    ZoneLock log_lock;
    ZoneLock table_lock;
    std::optional<cluster::LogZone> log;
    std::optional<cluster::TableZone> table;

    explicit AppZones(const AppConf &conf);
    // On the heap: the roster keeps its lock's address. Null: logged.
    static std::unique_ptr<AppZones> attach(const AppConf &conf, std::uint32_t seats, ngx_log_t *log);
};

class App final : public cluster::MailEvents {
public:
    // The worker sits on its seat already. Opens this application's mailbox for it.
    App(Worker &worker, const AppConf &conf, std::unique_ptr<AppZones> zones);
    ~App() override;

    // The first part of the ids that this host makes; and what other servers know it by.
    [[nodiscard]] std::string host() const;
    [[nodiscard]] std::string uid() const;
    [[nodiscard]] const AppConf &conf() const noexcept { return conf_; }
    [[nodiscard]] Worker &worker() noexcept { return worker_; }
    [[nodiscard]] hub::Hub &hub() noexcept { return hub_; }
    [[nodiscard]] cluster::LogBus &bus() noexcept { return bus_; }
    [[nodiscard]] cluster::PostOffice &post() noexcept { return post_; }
    [[nodiscard]] cluster::Homes &homes() noexcept { return homes_; }
    [[nodiscard]] cluster::Relay &relay() noexcept { return relay_; }
    // Where the session of this sid lives, on this host or another.
    [[nodiscard]] std::optional<cluster::Home> home_of(Text sid);
    [[nodiscard]] cluster::RosterDirectory &directory() noexcept { return directory_; }
    [[nodiscard]] cluster::SeatMetrics &metrics() noexcept { return metrics_; }
    [[nodiscard]] cluster::SeatCounters &counters() noexcept { return zones_->table->counters; }
    [[nodiscard]] Exchanges &exchanges() noexcept { return exchanges_; }
    [[nodiscard]] cluster::Questions &questions() noexcept { return questions_; }
    [[nodiscard]] cluster::FarReplies &replies() noexcept { return replies_; }
    [[nodiscard]] Asks &asks() noexcept { return asks_; }
    [[nodiscard]] shm::BridgeTable bridge_table() const noexcept { return zones_->log->bridge; }
    // The locked section of the log's zone.
    [[nodiscard]] shm::Locked lock_log() { return {zones_->log_lock, zones_->log->region}; }

    // Null: the application has no Redis for its bus.
    [[nodiscard]] RedisBus *redis_bus() noexcept { return redis_bus_.get(); }
    // This worker holds the bridge now.
    void connect_bridge(cluster::Bridge &bridge);

    // Can other servers be asked now?
    [[nodiscard]] cluster::Reach reach() const noexcept { return cluster::reach_of(bridge_table().state()); }

    // The workers that read this application's log, this one among them.
    [[nodiscard]] std::vector<shm::SeatRef> readers();

    // Does this worker have the application, by its own configuration?
    [[nodiscard]] bool has_reader(shm::SeatRef seat) const noexcept {
        return zones_->log->boxes.is_open(seat);
    }
    // From here on others are told that this worker is gone. False: there is mail to be read first.
    [[nodiscard]] bool close_empty_mailbox();

    // Null unless this connection negotiated compression.
    [[nodiscard]] wire::Inflater *inflater(bool deflate) noexcept;

    // A part of the log and all mail; true if there is more of the log.
    [[nodiscard]] bool work();
    // Sessions, and requests that wait for the answers of others.
    [[nodiscard]] bool is_needed() const noexcept {
        return hub_.size() > 0 || exchanges_.size() > 0 || questions_.size() > 0 || replies_.size() > 0 ||
               homes_.has_parked() || crossing_.size() > 0 || post_.is_busy() ||
               (redis_bus_ != nullptr && redis_bus_->is_busy());
    }
    // What of that there is, in words.
    [[nodiscard]] std::string needs() const;
    [[nodiscard]] bool has_work() const noexcept { return bus_.behind() || post_.has_mail(); }

    // Another worker is dead, and this one was the first to see it: its mailbox is closed, its
    // clients are mourned in the next turns, and then as forget(). Release its seat next.
    void bury(shm::SeatRef dead);
    // A few times a second.
    void beat();
    [[nodiscard]] shm::SlowTable &slow() noexcept { return zones_->table->slow; }

    // What waits here for a worker that is gone.
    void forget(shm::SeatRef dead);

    // cluster::MailEvents
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    void close_mailbox(shm::SeatRef seat);
    // For one's own seat. The counters of a dead one are folded by who claims it next.
    void leave_zones(shm::SeatRef seat);

    const AppConf &conf_;
    Worker &worker_;
    std::unique_ptr<AppZones> zones_;
    cluster::LogBus bus_;
    cluster::PostOffice post_;
    cluster::RosterDirectory directory_;
    cluster::SeatMetrics metrics_;
    cluster::Unsettled unsettled_;
    Exchanges exchanges_;
    cluster::Homes homes_;
    BridgeDoor door_;
    cluster::Relay relay_;
    Asks asks_;
    cluster::Questions questions_;
    cluster::FarReplies replies_;
    cluster::RosterRegistrar registrar_;
    cluster::Returns returns_;
    hub::Hub hub_;
    cluster::Crossing crossing_;
    cluster::Reaper reaper_;
    std::unique_ptr<RedisBus> redis_bus_;
    void show_slow();
    void open_bridge();
    [[nodiscard]] cluster::AbroadPorts far_ports();
    bool slow_shown_ = false; // something stands in the table of slow clients
};

} // namespace rt::ngx
