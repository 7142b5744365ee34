// SPDX-License-Identifier: BSD-2-Clause
// realtime_status: what this host's workers are doing, read from the zones by whichever worker
// is asked.
#include "hub/status.hpp"
#include "base/text.hpp"
#include "cluster/bridge_board.hpp"
#include "ngx/app.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/handlers.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"
#include "shm/cells.hpp"

#include <algorithm>
#include <utility>

namespace rt::ngx {

namespace {

constexpr Millis kSilent = 1000;

hub::WorkerStatus worker_status(App &app, const shm::SeatInfo &seat) {
    hub::WorkerStatus status;
    status.seat = seat.ref.index;
    status.pid = seat.pid;
    status.cycle = seat.cycle;
    status.quitting = seat.state != shm::SeatState::accepting;
    status.silent = app.worker().now() - seat.beat > kSilent;
    status.connections = seat.load.connections;
    for (std::size_t i = 0; i < hub::kMetrics; ++i) {
        status.values[i] = app.counters().of(seat.ref.index, static_cast<hub::Metric>(i));
    }
    return status;
}

// Counters over all time; gauges of who lives, for a dead worker's stand until its seat is taken.
std::uint64_t total(App &app, const hub::Status &status, hub::Metric metric) {
    if (metric < hub::Metric::first_gauge) {
        return app.counters().sum(metric);
    }
    std::uint64_t sum = 0;
    for (const hub::WorkerStatus &worker : status.workers) {
        sum += worker.values[static_cast<std::size_t>(metric)];
    }
    return sum;
}

constexpr std::size_t kShown = 8; // characters of a sid

// Without a sid where the record has gone meanwhile.
hub::SlowStatus slow_status(App &app, const shm::SlowRow &row, std::int32_t pid) {
    shm::Roster &roster = app.directory().roster();
    const Result<shm::ConnectionRow> connection = roster.connection(row.connection);
    const Result<shm::Handshake> handshake = roster.handshake_of(row.connection);
    const Result<std::vector<shm::SocketRow>> sockets = roster.sockets_of(row.connection);
    hub::SlowStatus status;
    if (!connection || !handshake || !sockets) {
        return status;
    }
    status.sid = connection->sid.substr(0, kShown);
    status.address = handshake->address;
    for (const shm::SocketRow &socket : *sockets) {
        status.user = socket.user.empty() ? status.user : socket.user;
    }
    status.transport = connection->at.transport == shm::Transport::websocket ? "websocket" : "polling";
    status.queued = row.queued;
    status.waits = static_cast<std::uint64_t>(std::max<Millis>(app.worker().now() - row.since, 0));
    status.pid = pid;
    return status;
}

// The worst of all workers' worst.
std::vector<hub::SlowStatus> slowest(App &app, const std::vector<hub::WorkerStatus> &workers) {
    std::vector<std::pair<shm::SlowRow, std::int32_t>> rows;
    for (const hub::WorkerStatus &worker : workers) {
        app.slow().each(worker.seat, [&](const shm::SlowRow &row) { rows.emplace_back(row, worker.pid); });
    }
    std::ranges::sort(rows, [](const auto &a, const auto &b) { return a.first.queued > b.first.queued; });
    std::vector<hub::SlowStatus> shown;
    for (const auto &[row, pid] : rows) {
        hub::SlowStatus status = slow_status(app, row, pid);
        if (!status.sid.empty() && shown.size() < hub::kSlowest) {
            shown.push_back(std::move(status));
        }
    }
    return shown;
}

// Of the configuration, without secrets.
std::vector<std::pair<std::string, std::string>> redis_options(const AppRedis &redis) {
    const cluster::RedisSettings &settings = redis.block->settings;
    return {{"block", settings.name},
            {"options", settings.text()},
            {"prefix", redis.use.prefix},
            {"key_prefix", redis.use.key_prefix}};
}

hub::ClusterStatus cluster_status(App &app) {
    hub::ClusterStatus status;
    if (app.conf().bus.block == nullptr) {
        return status;
    }
    const shm::BridgeTable table = app.bridge_table();
    {
        shm::Locked held = app.lock_log();
        cluster::read_board(table.read_board(held), status);
    }
    status.mode = hub::cluster_mode(true, status.live <= 1 && status.servers == 0);
    status.state = shm::state_name(table.state());
    status.holder = app.worker().seats().info(table.holder().index).pid;
    status.waiting = table.published() != 0 ? app.bus().head() - table.published() : 0;
    status.gaps = app.counters().sum(hub::Metric::bus_gaps);
    status.missed = app.counters().sum(hub::Metric::bus_missed);
    status.malformed = app.counters().sum(hub::Metric::bus_malformed);
    status.redis.enabled = true;
    status.redis.options = redis_options(app.conf().bus);
    return status;
}

hub::Status collect(App &app) {
    hub::Status status;
    status.app = app.conf().settings.name;
    status.node = app.worker().hostname();
    status.host = app.host();
    const shm::Stream &stream = app.bus().stream();
    status.log = {stream.capacity(), stream.head() - stream.tail(), stream.head()};
    const shm::RosterCounts counts = app.directory().roster().counts();
    status.roster = {counts.connections,
                     counts.sockets,
                     counts.rooms,
                     counts.kept,
                     std::uint64_t{counts.cells_used} * shm::Cells::kSize,
                     (std::uint64_t{counts.cells_used} + counts.cells_free) * shm::Cells::kSize,
                     std::uint64_t{counts.cells_free} * shm::Cells::kSize};
    app.worker().seats().each(
        [&](const shm::SeatInfo &seat) { status.workers.push_back(worker_status(app, seat)); });
    for (std::size_t i = 0; i < hub::kMetrics; ++i) {
        status.totals[i] = total(app, status, static_cast<hub::Metric>(i));
    }
    status.slowest = slowest(app, status.workers);
    status.cluster = cluster_status(app);
    return status;
}

ngx_int_t serve(ngx_http_request_t *r) {
    const LocationConf &conf = *location_conf(r);
    Worker *worker = Worker::current();
    App *app = worker != nullptr ? worker->app(*conf.app) : nullptr;
    if (app == nullptr) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    if ((r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)) == 0) {
        return NGX_HTTP_NOT_ALLOWED;
    }
    if (const ngx_int_t rc = ngx_http_discard_request_body(r); rc != NGX_OK) {
        return rc;
    }
    const hub::Status status = collect(*app);
    if (query_value(to_text(r->args), "format") == "json") {
        return send_reply(r, {NGX_HTTP_OK, "application/json", hub::status_json(status), false});
    }
    return send_reply(r, {NGX_HTTP_OK, "text/html; charset=utf-8", hub::status_html(status), false});
}

} // namespace

ngx_int_t status_handler(ngx_http_request_t *r) noexcept {
    return guard([](const char *) -> ngx_int_t { return NGX_HTTP_INTERNAL_SERVER_ERROR; },
                 [&] { return serve(r); });
}

} // namespace rt::ngx
