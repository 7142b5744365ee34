// SPDX-License-Identifier: BSD-2-Clause
// The HTTP exchanges and upgrade probes of one application that this worker holds for
// sessions which may live at another one. Each is a slot: mail names it, nobody points at it.
#pragma once

#include "cluster/homes.hpp"
#include "ngx/ngx.hpp"

#include <string>

namespace rt::ngx {

class App;
class WsLink;

class Exchanges final : public cluster::HomeEvents {
public:
    explicit Exchanges(App &app) : app_(app) {}

    // Holds the request until the session's home answers it; the caller returns NGX_DONE.
    void poll(ngx_http_request_t *r, const cluster::Home &home);

    // A POST that was read whole before anybody was told.
    void post(ngx_http_request_t *r, const cluster::Home &home, Text body);

    // A POST whose body is still coming: announces it; then post_body with its handle. If the
    // home refuses, the request is answered and the handle finds nothing.
    Handle post_begin(ngx_http_request_t *r, const cluster::Home &home);
    void post_body(Handle exchange, Text body);
    [[nodiscard]] bool holds(Handle exchange) const noexcept { return exchanges_.find(exchange) != nullptr; }
    // It cannot be had whole: the request is answered by the caller.
    void post_drop(Handle exchange);

    // A WebSocket asks for a session; then the link calls the others in their order.
    void probe(WsLink &link, const cluster::Home &home);
    void probe_seen(Handle exchange);
    void probe_end(Handle exchange);
    void take(Handle exchange);

    // The client has gone, or the request has ended some other way.
    void on_request_gone(Handle exchange);

    [[nodiscard]] std::size_t size() const noexcept { return exchanges_.size(); }

    // A worker is gone. What waits for a session of its waits for that session's next home, or is
    // told that it is unknown.
    void fail(shm::SeatRef seat);

    // This worker leaves: the homes of all sessions whose GETs it holds are asked to answer them.
    void let_go();

    // The process ends: whatever waits is refused.
    void end_all();

    // cluster::HomeEvents
    void on_answer(Handle exchange, const engine::Answer &answer) override;
    void on_probe(Handle exchange, bool accepted, Millis now) override;
    void on_arrival(Handle exchange, hub::Connection *connection, Millis now) override;
    void on_wanted(shm::SeatRef seat) override;

private:
    struct Exchange {
        ngx_http_request_t *r; // or
        WsLink *link;
        shm::SeatRef home; // none: at another host
        std::string sid;
        bool taking = false;
        bool leaving = false; // let_go() was asked for
    };

    // No handle: there was no memory, and the request is answered.
    Handle hold(ngx_http_request_t *r, const cluster::Home &home);
    Handle add(Exchange exchange);
    Result<void> ask(cluster::Call call, Handle exchange, Text body);
    bool follow(Handle handle, Exchange &exchange);
    void ask_or_refuse(cluster::Call call, Handle exchange, Text body);

    App &app_;
    SlotMap<Exchange> exchanges_;
};

} // namespace rt::ngx
