// SPDX-License-Identifier: BSD-2-Clause
// realtime_publish: a backend's POST becomes envelopes on the bus.
#include "hub/publish.hpp"
#include "base/text.hpp"
#include "ngx/app.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/handlers.hpp"
#include "ngx/post_body.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <numeric>

namespace rt::ngx {

namespace {

ngx_int_t send_error(ngx_http_request_t *r, const hub::PublishFault &fault) {
    std::string body = "{\"error\":{\"code\":";
    wire::json::append_string(body, fault.code);
    body += ",\"message\":";
    wire::json::append_string(body, fault.message);
    body += "}}";
    return send_reply(r, {fault.status, "application/json", body, false});
}

// The position in the log names a message on this host, for ever.
std::string accepted(const std::vector<hub::Position> &ids, bool batch, cluster::Reach reach) {
    std::string body = batch ? "{\"ok\":true,\"ids\":[" : "{\"ok\":true,\"id\":";
    for (const hub::Position &id : ids) {
        body += &id == &ids.front() ? "\"" : ",\"";
        append_number(body, id);
        body += '"';
    }
    body += batch ? "]" : "";
    return body + (reach == cluster::Reach::away ? ",\"bus\":\"waiting\"}" : "}");
}

std::size_t size_of(const std::vector<Text> &rooms) {
    return std::accumulate(rooms.begin(), rooms.end(), std::size_t{0}, [](std::size_t size, Text room) {
        return size + room.size() + sizeof(std::uint32_t);
    });
}

// Whole or not at all: what the log would refuse is refused before the first append.
bool fits(App &app, const hub::PublishRequest &request) {
    constexpr std::size_t kHead = 64; // an envelope's own fields
    const auto &envelopes = request.envelopes();
    return std::all_of(envelopes.begin(), envelopes.end(), [&](const hub::Envelope &envelope) {
        const std::size_t texts = envelope.nsp.size() + envelope.data.size();
        return kHead + texts + size_of(envelope.to) + size_of(envelope.except) <=
               app.bus().stream().max_record();
    });
}

// NGX_DONE: the request waits for the clients' answers.
ngx_int_t publish(ngx_http_request_t *r, App &app, const LocationConf &conf, Text body) {
    hub::PublishRequest request;
    const wire::DomLimits limits{conf.session.max_payload, conf.session.limits.depth};
    const auto read = request.read(body, limits);
    if (const auto *fault = std::get_if<hub::PublishFault>(&read); fault != nullptr) {
        return send_error(r, *fault);
    }
    if (!fits(app, request)) {
        return send_error(r, {413, "too_big", "a message is larger than 1/16 of the application's log"});
    }
    if (request.ack_timeout() != 0) {
        const Result<void> asked = app.asks().ask(r, request.envelopes().front(), request.ack_timeout());
        return asked ? NGX_DONE : send_error(r, {503, "unavailable", asked.error().where});
    }
    std::vector<hub::Position> ids;
    for (const hub::Envelope &envelope : request.envelopes()) {
        const Result<hub::Position> id = app.bus().publish(envelope);
        if (!id) {
            return send_error(r, {503, "unavailable", id.error().where});
        }
        app.metrics().count(hub::Metric::published);
        ids.push_back(*id);
    }
    return send_reply(
        r, {NGX_HTTP_ACCEPTED, "application/json", accepted(ids, request.batch(), app.reach()), false});
}

class PublishBody final : public BodyEvents {
public:
    PublishBody(App &app, const LocationConf &conf) : app_(app), conf_(conf) {}

    bool on_wait(ngx_http_request_t *) override { return true; }

    void on_body(ngx_http_request_t *r, const std::string &body) override {
        app_.worker().touch();
        if (const ngx_int_t rc = publish(r, app_, conf_, body); rc != NGX_DONE) {
            finish_request(r, rc);
        }
    }

    void on_too_big(ngx_http_request_t *r) override {
        r->keepalive = 0;
        r->lingering_close = 1; // a reset would take the answer away
        finish_request(r, send_error(r, {413, "too_big", "the body is larger than realtime_max_payload"}));
    }

private:
    App &app_;
    const LocationConf &conf_;
};

ngx_int_t serve(ngx_http_request_t *r) {
    const LocationConf &conf = *location_conf(r);
    Worker *worker = Worker::current();
    App *app = worker != nullptr ? worker->app(*conf.app) : nullptr;
    if (app == nullptr) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    if (r->method != NGX_HTTP_POST) {
        if (!add_header(r, "Allow", "POST")) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
        return send_error(r, {NGX_HTTP_NOT_ALLOWED, "method", "publish with POST"});
    }
    return read_body(r, conf.session.max_payload, std::make_unique<PublishBody>(*app, conf));
}

} // namespace

ngx_int_t publish_handler(ngx_http_request_t *r) noexcept {
    return guard([](const char *) -> ngx_int_t { return NGX_HTTP_INTERNAL_SERVER_ERROR; },
                 [&] { return serve(r); });
}

} // namespace rt::ngx
