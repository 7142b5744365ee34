// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/ws_link.hpp"

#include "engine/probe.hpp"
#include "ngx/app.hpp"
#include "ngx/guard.hpp"
#include "ngx/worker.hpp"
#include "wire/eio.hpp"
#include "wire/ws_encode.hpp"

#include <utility>

namespace rt::ngx {

namespace {

constexpr ngx_msec_t kCloseTimeout = 5000; // for the peer's half of the closing handshake
constexpr int kReadsPerTurn = 16;          // then others have their turn

} // namespace

WsLink::WsLink(App &app, const engine::SessionSettings &settings, bool deflate)
    : app_(app), deflate_threshold_(settings.deflate_threshold), deflate_(deflate),
      decoder_(settings.max_payload), upgrade_timeout_(static_cast<ngx_msec_t>(settings.upgrade_timeout)) {}

WsLink::~WsLink() = default;

void WsLink::take_over(ngx_http_request_t *r) {
    unread_ = link_.take_over(r, app_.worker().log());
    link_.set_handlers(this, read_handler, write_handler);
    app_.worker().links_opened(1);
    // Whatever the request left unread is read now, even if the socket has nothing more.
    link_.post_read();
}

void WsLink::start(hub::Connection &connection) {
    connection_ = &connection;
    state_ = State::open;
    connection.session().start_websocket(*this, app_.worker().now(), true);
    connection.start(app_.worker().now());
}

void WsLink::probe(Handle exchange) noexcept {
    exchange_ = exchange;
    link_.set_timer(upgrade_timeout_); // for the answer, too
}

void WsLink::on_probe(bool accepted) {
    if (state_ != State::asking && state_ != State::probing) {
        return;
    }
    if (!accepted) {
        exchange_ = {}; // nothing to take back at the home, which may have died meanwhile
        refuse(0);
        return;
    }
    state_ = State::probing;
    link_.set_timer(upgrade_timeout_);
    link_.post_read();
}

void WsLink::on_arrival(hub::Connection *connection) {
    exchange_ = {};
    if (connection == nullptr || !connection->session().open()) {
        refuse(0);
        return;
    }
    connection_ = connection;
    state_ = State::open;
    link_.clear_timer();
    connection->session().upgrade(*this, app_.worker().now());
    app_.hub().upgraded(*connection);
    link_.post_read();
}

// --- reading ---

void WsLink::read_handler(ngx_event_t *event) noexcept {
    auto *link = static_cast<WsLink *>(event_connection<ngx_connection_t>(event)->data);
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ERR, event->log, 0, "realtime: WebSocket closed: %s", what);
            link->break_off();
        },
        [&] { link->on_read(); });
}

void WsLink::on_read() {
    app_.worker().touch();
    if (link_.timed_out()) {
        on_timer();
    } else if (link_.connection()->close != 0 || link_.connection()->error != 0) {
        // A failure of ours or of a write; or worker_shutdown_timeout, which sets both.
        transport_ended(engine::CloseReason::transport_error);
    } else {
        read_all();
    }
    end_if_done();
}

void WsLink::on_timer() {
    link_.connection()->read->timedout = 0;
    if (state_ == State::asking || state_ == State::probing || state_ == State::taking) {
        refuse(0); // the upgrade timeout; the session stays on polling
    } else {
        state_ = State::done;
    }
}

bool WsLink::reads() const noexcept {
    return state_ == State::open || state_ == State::probing || state_ == State::closing;
}

void WsLink::read_all() {
    for (int i = 0; i < kReadsPerTurn; ++i) {
        if (!reads() || !read_some()) {
            return;
        }
    }
    app_.worker().read_later(*link_.connection());
}

// False: there is no more at present, or this socket reads no more.
bool WsLink::read_some() {
    if (!unread_.empty()) {
        // Also within one turn: a session that lives here arrives while `5` is read.
        std::string held = std::exchange(unread_, {});
        return feed(as_mutable_bytes(held));
    }
    const MutableBytes buffer = app_.worker().read_buffer();
    const ssize_t got = link_.read(buffer);
    if (got > 0) {
        return feed(buffer.first(static_cast<std::size_t>(got)));
    }
    if (got == 0) {
        transport_ended(engine::CloseReason::transport_close);
    } else if (got != NGX_AGAIN || !link_.await_read()) {
        transport_ended(engine::CloseReason::transport_error);
    }
    return false;
}

// False: no more is to be read now.
bool WsLink::feed(MutableBytes bytes) {
    if (state_ == State::closing) {
        // Only the peer's close frame matters now, and the end of the stream after it.
        // After an error of the peer there is nothing to understand: what it still sends is
        // dropped, since closing now would reset the connection before our close frame is read.
        static_cast<void>(decoder_.feed(bytes, *this, app_.inflater(deflate_)));
        return state_ != State::done;
    }
    const Result<std::size_t> used = decoder_.feed(bytes, *this, app_.inflater(deflate_));
    if (!used) {
        app_.metrics().count(used.code() == Code::too_big ? hub::Metric::refused_payload
                                                          : hub::Metric::parse_errors);
        failed_ = true;
        refuse(wire::close_code(used.code()));
        return false;
    }
    if (*used < bytes.size()) {
        unread_.append(as_text(bytes.subspan(*used)));
    }
    return reads();
}

bool WsLink::on_text(Text text) {
    if (state_ == State::probing) {
        return on_probe_text(text);
    }
    if (state_ == State::open) {
        connection_->session().on_ws_text(text, app_.worker().now());
    }
    return state_ == State::open || state_ == State::closing;
}

bool WsLink::on_binary(Bytes data) {
    if (state_ == State::probing) {
        refuse(0);
    } else if (state_ == State::open) {
        connection_->session().on_ws_binary(data, app_.worker().now());
    }
    return state_ == State::open || state_ == State::closing;
}

bool WsLink::on_probe_text(Text text) {
    switch (engine::probe_step(text)) {
    case engine::ProbeStep::answer:
        last_.push(wire::Frame::text({wire::eio::kProbeAnswer}));
        if (!link_.write(last_)) {
            break_off();
            return false;
        }
        app_.exchanges().probe_seen(exchange_);
        return true;
    case engine::ProbeStep::take:
        // What follows belongs to the session: it waits until that is here.
        state_ = State::taking;
        app_.exchanges().take(exchange_);
        return false;
    case engine::ProbeStep::fail:
        refuse(0);
        return false;
    }
    return false;
}

bool WsLink::on_ping(Bytes data) {
    push_control(wire::WsOpcode::pong, data);
    return true;
}

bool WsLink::on_pong(Bytes) { return true; }

bool WsLink::on_close(std::uint16_t code, Text) {
    if (state_ == State::closing) {
        state_ = State::done;
        return false;
    }
    peer_closed_ = true;
    if (connection_ != nullptr) {
        std::exchange(connection_, nullptr)
            ->session()
            .on_ws_closed(engine::CloseReason::transport_close, app_.worker().now());
    }
    leave_probe();
    // RFC 6455 5.5.1: the answer carries the code that came.
    start_closing(code == wire::kWsNoStatus ? 0 : code);
    return false;
}

void WsLink::push_control(wire::WsOpcode opcode, Bytes payload) {
    if (state_ != State::open) {
        return;
    }
    connection_->session().send(wire::Frame::control(opcode, payload), engine::Delivery::reliable,
                                app_.worker().now());
}

// --- writing ---

Ref<wire::Frame> WsLink::form(const Ref<wire::Frame> &frame) {
    return deflate_ ? frame->deflated(app_.worker().deflater(), deflate_threshold_) : frame;
}

void WsLink::write(engine::OutQueue &queue) {
    if (link_.blocked()) {
        return; // the write event comes
    }
    if (!link_.write(queue)) {
        break_off(); // not in here: the session is in the middle of its flush
    }
}

void WsLink::write_handler(ngx_event_t *event) noexcept {
    auto *link = static_cast<WsLink *>(event_connection<ngx_connection_t>(event)->data);
    guard(
        [&](const char *what) {
            ngx_log_error(NGX_LOG_ERR, event->log, 0, "realtime: WebSocket closed: %s", what);
            link->break_off();
        },
        [&] { link->on_write(); });
}

void WsLink::on_write() {
    app_.worker().touch();
    if (state_ == State::closing) {
        write_closing();
    } else if (state_ == State::open) {
        link_.unblock();
        connection_->session().on_writable();
    } else if (!link_.write(last_)) {
        break_off();
    }
    end_if_done();
}

// --- the end ---

// The session has ended; the socket says so and waits for the peer, but not for ever.
void WsLink::shut(engine::OutQueue &&rest, std::uint16_t status) {
    connection_ = nullptr;
    last_ = std::move(rest);
    start_closing(status);
}

void WsLink::refuse(std::uint16_t status) {
    leave_probe();
    if (connection_ != nullptr) {
        std::exchange(connection_, nullptr)
            ->session()
            .on_ws_closed(engine::CloseReason::transport_error, app_.worker().now());
    }
    start_closing(status);
}

void WsLink::start_closing(std::uint16_t status) {
    if (state_ == State::closing || state_ == State::done) {
        return;
    }
    state_ = State::closing;
    last_.push(wire::Frame::close(status == 0 ? wire::kWsNoStatus : status, {}));
    link_.set_timer(kCloseTimeout);
    if (!link_.blocked()) {
        write_closing();
    }
}

void WsLink::write_closing() {
    if (!link_.write(last_)) {
        break_off();
        return;
    }
    if (!last_.empty() || link_.blocked()) {
        return;
    }
    if (peer_closed_) {
        // RFC 6455 7.1.1: both have said it, and the server closes first.
        state_ = State::done;
        link_.post_read();
    } else if (failed_) {
        link_.end_writing();
    }
}

void WsLink::break_off() noexcept {
    link_.connection()->error = 1;
    link_.post_read();
}

void WsLink::leave_probe() {
    if (exchange_) {
        app_.exchanges().probe_end(std::exchange(exchange_, {}));
    }
}

// The peer's end of the stream, or a broken socket: nothing more can be said.
void WsLink::transport_ended(engine::CloseReason reason) {
    state_ = State::done;
    leave_probe();
    if (connection_ != nullptr) {
        std::exchange(connection_, nullptr)->session().on_ws_closed(reason, app_.worker().now());
    }
}

void WsLink::drop() {
    transport_ended(engine::CloseReason::server_shutting_down);
    end_if_done();
}

void WsLink::end_if_done() {
    if (state_ != State::done) {
        return;
    }
    link_.close();
    app_.worker().links_opened(-1);
    delete this;
}

} // namespace rt::ngx
