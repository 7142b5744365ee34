// SPDX-License-Identifier: BSD-2-Clause
// realtime_status: what this host's workers are doing, read from the zones by whichever worker
// is asked.
#include "hub/status.hpp"
#include "base/text.hpp"
#include "ngx/app.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/handlers.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"
#include "shm/cells.hpp"

namespace rt::ngx {

namespace {

constexpr Millis kSilent = 1000;

hub::WorkerStatus worker_status(App &app, const shm::SeatInfo &seat) {
    hub::WorkerStatus status;
    status.seat = seat.ref.index;
    status.pid = seat.pid;
    status.cycle = seat.cycle;
    status.quitting = seat.state == shm::SeatState::quitting;
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

hub::Status collect(App &app) {
    hub::Status status;
    status.app = app.conf().settings.name;
    status.node = app.worker().hostname();
    status.host = app.host();
    const shm::Stream &stream = app.bus().stream();
    status.log = {stream.capacity(), stream.head() - stream.tail(), stream.head()};
    const shm::RosterCounts counts = app.directory().roster().counts();
    status.roster = {counts.connections, counts.sockets, counts.rooms,
                     std::uint64_t{counts.cells_used} * shm::Cells::kSize,
                     (std::uint64_t{counts.cells_used} + counts.cells_free) * shm::Cells::kSize};
    app.worker().seats().each(
        [&](const shm::SeatInfo &seat) { status.workers.push_back(worker_status(app, seat)); });
    for (std::size_t i = 0; i < hub::kMetrics; ++i) {
        status.totals[i] = total(app, status, static_cast<hub::Metric>(i));
    }
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
