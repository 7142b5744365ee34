// SPDX-License-Identifier: BSD-2-Clause
// One WebSocket: the link, the frame decoder, and the session on it. While it probes (an
// upgrade of a polling session that may live at another worker) it has no session yet.
#pragma once

#include "engine/link_image.hpp"
#include "engine/session.hpp"
#include "hub/connection.hpp"
#include "ngx/link.hpp"
#include "wire/ws_frame.hpp"

#include <string>

namespace rt::ngx {

class App;

class WsLink final : public engine::WsPort {
public:
    // `deflate`: negotiated.
    WsLink(App &app, const engine::SessionSettings &settings, bool deflate);
    // One that goes on here; then arrive().
    WsLink(App &app, engine::LinkImage &&image);
    ~WsLink() override;

    // Takes over the connection of a request that has answered 101 and whose count was raised
    // for us. First of all, once, and not inside of one of the request's own handlers.
    void take_over(ngx_http_request_t *r);

    // The session that this socket opened. Its open packet went out behind the 101.
    void start(hub::Connection &connection);

    // This socket wants the session of another: `exchange` is its number at the app's
    // exchanges, which tell it how that went.
    void probe(Handle exchange) noexcept;
    void on_probe(bool accepted);
    void on_arrival(hub::Connection *connection);

    // --- from worker to worker (ws_moving.cpp) ---

    // Has it a session, and could it be read by another process? TLS could not.
    [[nodiscard]] bool may_move() const noexcept;
    // To a worker of the newest configuration. True: it is on its way, and this object gone.
    // False: nobody takes it at present; it goes on here.
    bool hand_over(Millis now);
    // With its socket, and the session's image in the reader. The object belongs to the
    // connection from here on, or is gone.
    void arrive(ngx_socket_t socket, std::uint64_t number, Reader &in);

    // engine::WsPort
    [[nodiscard]] Ref<wire::Frame> form(const Ref<wire::Frame> &frame) override;
    void write(engine::OutQueue &queue) override;
    [[nodiscard]] bool blocked() const noexcept override { return link_.blocked(); }
    void shut(engine::OutQueue &&rest, std::uint16_t status) override;

    // The decoder's sink: whole messages. False pauses it.
    bool on_text(Text text);
    bool on_binary(Bytes data);
    bool on_ping(Bytes data);
    bool on_pong(Bytes data);
    bool on_close(std::uint16_t code, Text reason);

    // Our own failure: ends the connection at the next event, which is posted.
    void break_off() noexcept;

    // The process ends: the connection is closed at once, and the link destroyed.
    void drop();

    static void read_handler(ngx_event_t *event) noexcept;
    static void write_handler(ngx_event_t *event) noexcept;

private:
    enum class State : std::uint8_t {
        asking,  // not taken over yet, or: may this socket probe?
        probing, // it may; `2probe` or `5` is to come
        taking,  // `5` came: the session is on its way here
        open,
        closing, // our close frame is queued; the peer's, or the end of the stream, is awaited
        done,    // to be destroyed by the handler that runs, or by the next one
    };

    void on_read();
    void on_write();
    void read_all();
    [[nodiscard]] bool read_some();
    [[nodiscard]] bool reads() const noexcept;
    [[nodiscard]] bool feed(MutableBytes bytes);
    void on_timer();
    bool on_probe_text(Text text);
    void transport_ended(engine::CloseReason reason);
    void refuse(std::uint16_t status);
    void start_closing(std::uint16_t status);
    void push_control(wire::WsOpcode opcode, Bytes payload);
    void write_closing();
    void leave_probe();
    void end_if_done();
    void settle(Reader &in, Millis now);
    void go_on(Text image, std::size_t session, Millis now);

    App &app_;
    hub::Connection *connection_ = nullptr; // lives at least as long as its session is open
    Link link_;
    std::uint32_t deflate_threshold_;
    bool deflate_;
    State state_ = State::asking;
    bool peer_closed_ = false;
    bool failed_ = false; // the peer broke RFC 6455: it need not answer our close frame
    wire::WsDecoder decoder_;
    std::string unread_;    // received, not decoded: the decoder is paused
    engine::OutQueue last_; // closing: what is still to be written
    Handle exchange_;
    ngx_msec_t upgrade_timeout_ = 0; // while it probes
};

} // namespace rt::ngx
