// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/exchanges.hpp"

#include "ngx/app.hpp"
#include "ngx/conf.hpp"
#include "ngx/request_watch.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"
#include "ngx/ws_link.hpp"
#include "wire/eio_http.hpp"

#include <algorithm>
#include <utility>

namespace rt::ngx {

namespace {

engine::Answer refusal(wire::eio::RequestError error) {
    const wire::eio::ErrorAnswer &told = wire::eio::answer_to(error);
    return {told.status, engine::BodyKind::json, told.body};
}

// A GET is answered with a ping at the latest, or with the end of a session that did not answer one.
// Its home has the same configuration, we hope.
Millis longest_hold(ngx_http_request_t *r) {
    const engine::SessionSettings &session = location_conf(r)->session;
    return std::max(session.ping_interval, session.ping_timeout);
}

} // namespace

Handle Exchanges::add(Exchange exchange) {
    if (exchange.home) {
        app_.worker().neighbors().watch(exchange.home);
    }
    return exchanges_.emplace(std::move(exchange));
}

Handle Exchanges::hold(ngx_http_request_t *r, const cluster::Home &home) {
    const Handle exchange = add({r, nullptr, home.seat, std::string(home.sid)});
    if (watch_request(r, *this, exchange)) {
        return exchange;
    }
    exchanges_.erase(exchange);
    ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    return {};
}

void Exchanges::poll(ngx_http_request_t *r, const cluster::Home &home) {
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    ask_or_refuse(cluster::Call::poll, hold(r, home), {});
}

void Exchanges::post(ngx_http_request_t *r, const cluster::Home &home, Text body) {
    ask_or_refuse(cluster::Call::post, hold(r, home), body);
}

Handle Exchanges::post_begin(ngx_http_request_t *r, const cluster::Home &home) {
    const Handle exchange = hold(r, home);
    ask_or_refuse(cluster::Call::post_begin, exchange, {});
    return exchange;
}

void Exchanges::post_body(Handle exchange, Text body) {
    if (exchanges_.find(exchange) != nullptr) {
        ask_or_refuse(cluster::Call::post, exchange, body);
    }
}

void Exchanges::post_drop(Handle exchange) {
    static_cast<void>(ask(cluster::Call::post_drop, exchange, {}));
    exchanges_.erase(exchange);
}

void Exchanges::probe(WsLink &link, const cluster::Home &home) {
    const Handle exchange = add({nullptr, &link, home.seat, std::string(home.sid)});
    link.probe(exchange);
    if (!ask(cluster::Call::probe, exchange, {})) {
        on_probe(exchange, false, app_.worker().now());
    }
}

void Exchanges::probe_seen(Handle exchange) {
    static_cast<void>(ask(cluster::Call::probe_seen, exchange, {})); // a dead home is noticed by fail()
}

void Exchanges::probe_end(Handle exchange) {
    const Exchange *found = exchanges_.find(exchange);
    if (found != nullptr && !found->taking) {
        static_cast<void>(ask(cluster::Call::probe_end, exchange, {}));
    }
    exchanges_.erase(exchange);
}

void Exchanges::take(Handle exchange) {
    if (Exchange *found = exchanges_.find(exchange); found != nullptr) {
        found->taking = true;
    }
    if (!ask(cluster::Call::take, exchange, {})) {
        on_arrival(exchange, nullptr, app_.worker().now());
    }
}

Result<void> Exchanges::ask(cluster::Call call, Handle exchange, Text body) {
    const Exchange *found = exchanges_.find(exchange);
    if (found == nullptr) {
        return {Code::gone, "exchange has ended"};
    }
    const std::string sid = found->sid; // the exchange may end inside the call
    const Millis now = app_.worker().now();
    if (found->home) {
        return app_.homes().ask({found->home, sid}, {call, exchange, body}, now);
    }
    const Millis holds = call == cluster::Call::poll ? longest_hold(found->r) : 0;
    return app_.relay().ask(sid, {call, exchange, body, holds}, now);
}

void Exchanges::ask_or_refuse(cluster::Call call, Handle exchange, Text body) {
    const Result<void> asked = exchange ? ask(call, exchange, body) : Result<void>();
    if (asked) {
        return;
    }
    if (asked.code() == Code::busy) {
        app_.metrics().count(hub::Metric::refused_busy);
        on_answer(exchange, {NGX_HTTP_SERVICE_UNAVAILABLE, engine::BodyKind::empty, {}});
    } else {
        on_answer(exchange, refusal(wire::eio::RequestError::unknown_sid));
    }
}

void Exchanges::on_request_gone(Handle exchange) {
    if (exchanges_.find(exchange) == nullptr) {
        return;
    }
    app_.worker().touch();
    static_cast<void>(ask(cluster::Call::abort, exchange, {}));
    exchanges_.erase(exchange);
}

void Exchanges::fail(shm::SeatRef seat) {
    exchanges_.each([&](Handle handle, Exchange &exchange) {
        if (!exchange.home || exchange.home != seat || follow(handle, exchange)) {
            return;
        }
        if (exchange.r != nullptr) {
            on_answer(handle, refusal(wire::eio::RequestError::unknown_sid));
        } else if (exchange.taking) {
            on_arrival(handle, nullptr, app_.worker().now());
        } else {
            on_probe(handle, false, app_.worker().now());
        }
    });
}

// A home that left in order has passed on what it was asked; one that was killed has not. A GET is
// answered in either case, a POST if it is not under way at the next home.
bool Exchanges::follow(Handle handle, Exchange &exchange) {
    const std::optional<shm::SeatRef> home = app_.directory().home_of(exchange.sid);
    if (!home || *home == exchange.home) {
        return false;
    }
    exchange.home = *home;
    app_.worker().neighbors().watch(*home);
    if (exchange.r == nullptr) {
        return true;
    }
    const bool get = exchange.r->method == NGX_HTTP_GET;
    return static_cast<bool>(ask(get ? cluster::Call::let_go : cluster::Call::confirm, handle, {}));
}

void Exchanges::let_go() {
    exchanges_.each([&](Handle handle, Exchange &exchange) {
        const bool get = exchange.r != nullptr && exchange.r->method == NGX_HTTP_GET;
        if (get && !std::exchange(exchange.leaving, true)) {
            static_cast<void>(ask(cluster::Call::let_go, handle, {}));
        }
    });
}

void Exchanges::end_all() {
    exchanges_.each([&](Handle handle, const Exchange &) {
        on_answer(handle, {NGX_HTTP_SERVICE_UNAVAILABLE, engine::BodyKind::empty, {}});
    });
}

void Exchanges::on_answer(Handle handle, const engine::Answer &answer) {
    const std::unique_ptr<Exchange> exchange = exchanges_.take(handle);
    if (exchange != nullptr && exchange->r != nullptr) {
        finish_request(exchange->r, answer);
    }
}

void Exchanges::on_probe(Handle handle, bool accepted, Millis) {
    Exchange *exchange = exchanges_.find(handle);
    if (exchange == nullptr) {
        return; // the socket went first, and its probe_end is on its way
    }
    WsLink *link = exchange->link;
    if (!accepted) {
        exchanges_.erase(handle);
    }
    link->on_probe(accepted);
}

void Exchanges::on_arrival(Handle handle, hub::Connection *connection, Millis now) {
    const std::unique_ptr<Exchange> exchange = exchanges_.take(handle);
    if (exchange != nullptr) {
        exchange->link->on_arrival(connection);
    } else if (connection != nullptr) {
        connection->session().close(engine::CloseReason::transport_close, now);
    }
}

void Exchanges::on_wanted(shm::SeatRef) { app_.worker().suspect(); }

} // namespace rt::ngx
