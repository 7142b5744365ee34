// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/asks.hpp"

#include "base/text.hpp"
#include "ngx/app.hpp"
#include "ngx/request_watch.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"

#include <utility>

namespace rt::ngx {

namespace {

// Of other servers: how many of the clients that they asked, and how many of them did not even
// say whom. Null: Redis did not count them.
void append_missing(std::string &body, const cluster::Answers &answers) {
    if (!answers.abroad) {
        return;
    }
    body += ",\"missing_remote\":";
    append_number(body, answers.peers.missing_clients());
    body += ",\"missing_servers\":";
    if (answers.peers.counted != 0) {
        append_number(body, answers.peers.missing_servers());
    } else {
        body += "null";
    }
}

} // namespace

// Nobody is asked where not all can be (decisions.md, ruling 3).
Result<void> Asks::ask(ngx_http_request_t *r, hub::Envelope envelope, std::uint32_t timeout) {
    const cluster::Reach reach = app_.reach();
    if (reach == cluster::Reach::away) {
        return {Code::unavailable, "Redis is away: other servers cannot be asked"};
    }
    const Handle handle = waiting_.emplace(Waiting{r, {}, 0});
    Waiting &waiting = *waiting_.find(handle);
    if (!watch_request(r, *this, handle)) {
        waiting_.erase(handle);
        return {Code::no_memory, "no memory"};
    }
    const bool others = reach == cluster::Reach::reachable;
    envelope.asker =
        app_.questions().open({.by = handle, .timeout = timeout, .abroad = others}, app_.worker().now());
    waiting.question = envelope.asker.slot;
    const Result<hub::Position> id = app_.bus().publish(envelope);
    if (!id) {
        on_request_gone(handle);
        return id.error();
    }
    app_.metrics().count(hub::Metric::published);
    waiting.id = *id;
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    return {};
}

std::vector<shm::SeatRef> Asks::readers() { return app_.readers(); }

void Asks::bring_in() { app_.worker().arrivals().take_all(); }

void Asks::on_request_gone(Handle handle) {
    if (const std::unique_ptr<Waiting> waiting = waiting_.take(handle); waiting != nullptr) {
        app_.questions().cancel(waiting->question);
    }
}

void Asks::on_answers(Handle handle, const cluster::Answers &answers) {
    const std::unique_ptr<Waiting> waiting = waiting_.take(handle);
    if (waiting == nullptr) {
        return;
    }
    std::string body = "{\"ok\":true,\"id\":\"";
    append_number(body, waiting->id);
    body += "\",\"answers\":" + answers.answers + ",\"missing\":" + answers.missing;
    append_missing(body, answers);
    body += '}';
    finish_request(waiting->r, Reply{NGX_HTTP_OK, "application/json", body, false});
}

} // namespace rt::ngx
