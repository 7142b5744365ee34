// SPDX-License-Identifier: BSD-2-Clause
// realtime and realtime_echo: what a request at such a location is, checked in the order of
// the reference (docs/protocol.md, Requests), and where it goes.
#include "base/text.hpp"
#include "ngx/app.hpp"
#include "ngx/client_bundle.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"
#include "ngx/handlers.hpp"
#include "ngx/handshake.hpp"
#include "ngx/origin.hpp"
#include "ngx/post_body.hpp"
#include "ngx/respond.hpp"
#include "ngx/worker.hpp"
#include "wire/eio_http.hpp"
#include "wire/ws_handshake.hpp"

#include <algorithm>
#include <optional>

namespace rt::ngx {

namespace eio = wire::eio;

namespace {

// One request, while its content handler runs.
struct Request {
    ngx_http_request_t *r;
    LocationConf &conf;
    App &app;
    bool upgrade; // asks for a WebSocket
    eio::Query query;
};

bool wants_upgrade(const ngx_http_request_t *r) {
    return iequals(request_header(r, "upgrade"), "websocket") &&
           has_token(request_header(r, "connection"), "upgrade");
}

// JSON for polling; the bare message for a WebSocket, and then the connection closes.
ngx_int_t refuse(const Request &request, eio::RequestError error) {
    const eio::ErrorAnswer &told = eio::answer_to(error);
    if (!request.upgrade) {
        return send_reply(request.r, {told.status, "application/json", told.body, true});
    }
    request.r->keepalive = 0;
    return send_reply(request.r, {told.status, "text/html", told.message, true});
}

ngx_int_t overloaded(const Request &request, Text retry_after) {
    request.r->keepalive = request.upgrade ? 0 : request.r->keepalive;
    if (!add_header_copy(request.r, "Retry-After", retry_after)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_reply(request.r,
                      {NGX_HTTP_SERVICE_UNAVAILABLE, "text/plain", "No room for another session", false});
}

// --- handshakes ---

Result<hub::Connection *> open(const Request &request, engine::TransportKind transport) {
    return request.app.hub().open(make_birth(request.r, request.conf, transport));
}

bool set_cookie(const Request &request, Text sid) {
    if (request.conf.cookie.name.empty()) {
        return true;
    }
    const std::string cookie =
        request.conf.cookie.name + "=" + std::string(sid) + request.conf.cookie.attributes;
    return add_header_copy(request.r, "Set-Cookie", cookie);
}

ngx_int_t open_polling(const Request &request) {
    const Result<hub::Connection *> opened = open(request, engine::TransportKind::polling);
    if (!opened) {
        return overloaded(request, "5");
    }
    hub::Connection &connection = **opened;
    const Millis now = request.app.worker().now();
    connection.session().start_polling(now);
    connection.start(now);
    if (!set_cookie(request, connection.sid())) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    const std::string packet = connection.session().open_packet(engine::TransportKind::polling);
    return send_answer(request.r, {NGX_HTTP_OK, engine::BodyKind::packets, packet});
}

// --- WebSocket ---

wire::WsRequest websocket_request(const ngx_http_request_t *r) {
    return {request_header(r, "upgrade"), request_header(r, "sec-websocket-version"),
            request_header(r, "sec-websocket-key"), request_header(r, "sec-websocket-protocol"),
            request_header(r, "sec-websocket-extensions")};
}

bool add_headers(ngx_http_request_t *r, const wire::WsAnswer &answer) {
    for (const wire::HeaderLine &line : answer.headers) {
        if (!add_header_copy(r, line.name, line.value)) {
            return false;
        }
    }
    return true;
}

ngx_int_t refuse_websocket(ngx_http_request_t *r, const wire::WsAnswer &answer) {
    r->keepalive = 0;
    if (!add_headers(r, answer)) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_reply(r, {answer.status, "text/html", answer.reason, true});
}

// A copy in a buffer that nginx writes at once, together with the header that it holds back.
ngx_int_t send_behind_header(ngx_http_request_t *r, Bytes bytes) {
    ngx_buf_t *buffer = ngx_create_temp_buf(r->pool, bytes.size());
    if (buffer == nullptr) {
        return NGX_ERROR;
    }
    buffer->last = std::copy(bytes.begin(), bytes.end(), buffer->last);
    buffer->flush = 1;
    ngx_chain_t out{buffer, nullptr};
    return ngx_http_output_filter(r, &out);
}

// With the first frame of a session that this socket opens: one write for both. The line is set
// by hand: for 101 nginx knows no phrase.
ngx_int_t switch_protocols(ngx_http_request_t *r, const wire::WsAnswer &answer,
                           const hub::Connection *opened) {
    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    r->headers_out.status_line = to_ngx_str("101 Switching Protocols");
    r->headers_out.content_length_n = -1;
    r->keepalive = 0;
    if (!add_headers(r, answer)) {
        return NGX_ERROR;
    }
    if (ngx_http_send_header(r) != NGX_OK) {
        return NGX_ERROR;
    }
    if (opened == nullptr) {
        return ngx_http_send_special(r, NGX_HTTP_FLUSH);
    }
    const std::string packet = opened->session().open_packet(engine::TransportKind::websocket);
    return send_behind_header(r, wire::Frame::text({packet})->ws());
}

// Answers 101 and leaves the connection to the worker's next turn.
ngx_int_t upgrade(const Request &request, Upgrade waiting, const wire::WsAnswer &answer) {
    ngx_http_request_t *r = request.r;
    if (switch_protocols(r, answer, waiting.connection) != NGX_OK) {
        if (waiting.connection != nullptr) {
            waiting.connection->session().close(engine::CloseReason::transport_error,
                                                request.app.worker().now());
        }
        return NGX_ERROR;
    }
    waiting.r = r;
    waiting.app = &request.app;
    waiting.link = std::make_unique<WsLink>(request.app, request.conf.session, answer.deflate);
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    ++r->main->count;
    request.app.worker().take_over_later(std::move(waiting));
    return NGX_DONE;
}

ngx_int_t open_websocket(const Request &request) {
    const wire::WsAnswer answer =
        wire::answer_handshake(websocket_request(request.r), request.conf.session.deflate);
    if (answer.status != NGX_HTTP_SWITCHING_PROTOCOLS) {
        return refuse_websocket(request.r, answer);
    }
    if (!request.query.sid.empty()) {
        const auto home = request.app.home_of(request.query.sid);
        if (!home) {
            return refuse(request, eio::RequestError::unknown_sid);
        }
        return upgrade(request, {.home = {home->seat, {}}, .sid = request.query.sid}, answer);
    }
    const Result<hub::Connection *> opened = open(request, engine::TransportKind::websocket);
    if (!opened) {
        return overloaded(request, "5");
    }
    return upgrade(request, {.connection = *opened}, answer);
}

// --- polling ---

class PostRequest final : public BodyEvents {
public:
    PostRequest(App &app, shm::SeatRef home, std::string sid)
        : app_(app), home_(home), sid_(std::move(sid)) {}

    bool on_wait(ngx_http_request_t *r) override {
        exchange_ = app_.exchanges().post_begin(r, {home_, sid_});
        return app_.exchanges().holds(exchange_);
    }

    void on_body(ngx_http_request_t *r, const std::string &body) override {
        app_.worker().touch();
        if (exchange_) {
            app_.exchanges().post_body(exchange_, body);
        } else {
            app_.exchanges().post(r, {home_, sid_}, body);
        }
    }

    void on_too_big(ngx_http_request_t *r) override {
        app_.metrics().count(hub::Metric::refused_payload);
        if (exchange_) {
            app_.exchanges().post_drop(exchange_);
        }
        r->keepalive = 0;
        r->lingering_close = 1; // a reset would take the answer away
        finish_request(r, {NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, engine::BodyKind::empty, {}});
    }

private:
    App &app_;
    shm::SeatRef home_;
    std::string sid_;
    Handle exchange_;
};

bool is_binary(const ngx_http_request_t *r) {
    const Text type = request_header(r, "content-type");
    return iequals(trim(split_once(type, ';').first), "application/octet-stream");
}

ngx_int_t post(const Request &request, shm::SeatRef home) {
    ngx_http_request_t *r = request.r;
    const std::size_t most = request.conf.session.max_payload;
    if (!request_header(r, "content-encoding").empty()) {
        return send_answer(r, {NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, engine::BodyKind::empty, {}});
    }
    if (r->headers_in.content_length_n > static_cast<off_t>(most)) {
        request.app.metrics().count(hub::Metric::refused_payload);
        r->keepalive = 0;
        r->lingering_close = 1; // a reset would take the answer away
        return send_answer(r, {NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, engine::BodyKind::empty, {}});
    }
    if (is_binary(r)) {
        // Only Engine.IO 3 clients send this. No payload is empty: the session ends with 400.
        ++r->main->count;
        request.app.exchanges().post(r, {home, request.query.sid}, {});
        return NGX_DONE;
    }
    return read_body(r, most, std::make_unique<PostRequest>(request.app, home, request.query.sid));
}

ngx_int_t existing(const Request &request) {
    const auto home = request.app.home_of(request.query.sid);
    if (!home) {
        return refuse(request, eio::RequestError::unknown_sid);
    }
    const bool polls = request.query.transport == eio::Transport::polling && request.query.v4;
    if (polls && request.r->method == NGX_HTTP_POST) {
        return post(request, home->seat);
    }
    if (!polls || request.r->method != NGX_HTTP_GET) {
        return refuse(request, eio::RequestError::bad_request);
    }
    ++request.r->main->count;
    request.app.exchanges().poll(request.r, *home);
    return NGX_DONE;
}

// --- routing ---

std::optional<eio::RequestError> check_transport(const Request &request) {
    const engine::SessionSettings &session = request.conf.session;
    switch (request.query.transport) {
    case eio::Transport::polling:
        return session.polling ? std::nullopt : std::optional(eio::RequestError::unknown_transport);
    case eio::Transport::websocket:
        return session.websocket ? std::nullopt : std::optional(eio::RequestError::unknown_transport);
    case eio::Transport::unknown:
        break;
    }
    return eio::RequestError::unknown_transport;
}

std::optional<eio::RequestError> check_handshake(const Request &request) {
    const bool websocket = request.query.transport == eio::Transport::websocket;
    if (request.r->method != NGX_HTTP_GET) {
        return eio::RequestError::bad_handshake_method;
    }
    if (websocket != request.upgrade) {
        return eio::RequestError::bad_request;
    }
    return request.query.v4 ? std::nullopt : std::optional(eio::RequestError::unsupported_version);
}

ngx_int_t route(const Request &request, OriginVerdict origin) {
    if (const auto wrong = check_transport(request)) {
        return refuse(request, *wrong);
    }
    if (origin == OriginVerdict::malformed) {
        return refuse(request, eio::RequestError::bad_request);
    }
    if (origin == OriginVerdict::refused) {
        request.app.metrics().count(hub::Metric::refused_origin);
        return refuse(request, eio::RequestError::forbidden);
    }
    if (request.upgrade && request.query.transport == eio::Transport::websocket && request.query.v4 &&
        request.r->method == NGX_HTTP_GET) {
        return open_websocket(request);
    }
    if (!request.query.sid.empty()) {
        return existing(request);
    }
    if (const auto wrong = check_handshake(request)) {
        return refuse(request, *wrong);
    }
    return open_polling(request);
}

ngx_int_t serve(ngx_http_request_t *r) {
    LocationConf &conf = *location_conf(r);
    Worker *worker = Worker::current();
    App *app = worker != nullptr ? worker->app(*conf.app) : nullptr;
    if (app == nullptr) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }
    worker->touch();
    const OriginVerdict origin = judge_origin(r, conf);
    if (origin == OriginVerdict::failed) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    if (r->method == NGX_HTTP_OPTIONS) {
        return answer_preflight(r, origin);
    }
    if (is_client_bundle(r, conf)) {
        return send_client_bundle(r, conf);
    }
    const Request request{r, conf, *app, wants_upgrade(r), eio::parse_query(to_text(r->args))};
    if (request.query.transport == eio::Transport::websocket && r->http_version >= NGX_HTTP_VERSION_20) {
        return send_reply(r, {NGX_HTTP_BAD_REQUEST, "text/plain", "WebSocket needs HTTP/1.1 here", true});
    }
    return route(request, origin);
}

ngx_int_t guarded(ngx_http_request_t *r) noexcept {
    return guard(
        [&](const char *what) -> ngx_int_t {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "realtime: request failed: %s", what);
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        },
        [&] { return serve(r); });
}

} // namespace

ngx_int_t realtime_handler(ngx_http_request_t *r) noexcept { return guarded(r); }

ngx_int_t echo_handler(ngx_http_request_t *r) noexcept { return guarded(r); }

} // namespace rt::ngx
