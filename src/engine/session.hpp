// SPDX-License-Identifier: BSD-2-Clause
// One Engine.IO v4 session: heartbeat, polling pairs, upgrade, output. It knows no socket
// and no clock; it lives at one worker (its home) until it is frozen and thawed elsewhere.
#pragma once

#include "base/deadlines.hpp"
#include "base/list.hpp"
#include "base/ports.hpp"
#include "base/prefetch.hpp"
#include "base/ref.hpp"
#include "engine/codes.hpp"
#include "engine/exchange.hpp"
#include "engine/out_queue.hpp"
#include "engine/probe.hpp"
#include "engine/settings.hpp"
#include "wire/frame.hpp"

#include <memory>
#include <string>

namespace rt::engine {

class Session;

enum class Delivery : std::uint8_t { reliable, volatile_ };
enum class TransportKind : std::uint8_t { polling, websocket };

[[nodiscard]] constexpr Text transport_name(TransportKind kind) noexcept {
    return kind == TransportKind::websocket ? "websocket" : "polling";
}

// The socket under a session on WebSocket. Implemented by the shell.
class WsPort {
public:
    virtual ~WsPort() = default;

    // The form of a frame that suits this socket: itself, or its compressed twin.
    [[nodiscard]] virtual Ref<wire::Frame> form(const Ref<wire::Frame> &frame) = 0;

    // Writes what the socket takes and consumes it from the queue; calls
    // Session::on_writable when the socket takes more.
    virtual void write(OutQueue &queue) = 0;

    // True while the socket takes nothing: an earlier write has not finished.
    [[nodiscard]] virtual bool blocked() const noexcept = 0;

    // The session has ended: send what is left, then a close frame with this status (0:
    // none), and let go of the session. Called once.
    virtual void shut(OutQueue &&rest, std::uint16_t status) = 0;
};

// Sessions with something to write, flushed once per turn of the event loop: frames that
// meet in one turn leave in one write.
struct OutputTag;

class Turn {
public:
    virtual ~Turn() = default;
    void add(Session &session);
    void flush(Millis now);

private:
    virtual void arm() = 0; // see to it that flush() is called before the loop sleeps
    List<Session, OutputTag> output_;
};

struct SessionPorts {
    Deadlines &deadlines;
    Exchanges &exchanges;
    Turn &turn;
};

// What lives on a session: Socket.IO, or an echo.
class SessionEvents {
public:
    virtual ~SessionEvents() = default;
    virtual void on_text(Text data, Millis now) = 0; // a message, without its packet type
    virtual void on_binary(Bytes data, Millis now) = 0;
    // Once. The session may linger until its client has fetched the last packets.
    virtual void on_closed(CloseReason reason, Millis now) = 0;
    // Something stays queued because the transport does not take it. Told once, until
    // Session::forget_slow().
    virtual void on_slow(Millis now) = 0;
    // The last call: nothing refers to the session any more. The owner destroys it, but
    // not inside this call.
    virtual void on_finished() = 0;
};

class Session final : public Deadline, public Link<OutputTag>, public ProbeEvents {
public:
    Session(const SessionPorts &ports, SessionEvents &events, const SessionSettings &settings, Text sid);
    ~Session() = default;

    // The handshake. A polling client gets open_packet() as the body of its GET; a
    // WebSocket client gets it as the first frame, unless the caller has sent it (`greeted`).
    void start_polling(Millis now);
    void start_websocket(WsPort &port, Millis now, bool greeted = false);
    [[nodiscard]] std::string open_packet(TransportKind transport) const;

    // A GET. Answered at once if something is queued, else held.
    void on_poll(const ExchangeId &id, Millis now);

    // A POST whose body is still to come: announces it, so that an overlap is seen.
    // False: refused and answered, the session is closed (facts: overlapping POSTs).
    bool on_post_begin(const ExchangeId &id, Millis now);

    // A POST with its whole body. The answer is given before this returns. While the close
    // packet waits for a GET the body is ignored, and the client told nothing of it: an error
    // would end its transport before it has fetched the last packets.
    void on_post(const ExchangeId &id, Text body, Millis now);

    // An announced POST that was refused for its size: the session stays.
    void on_post_drop(const ExchangeId &id);

    // The client dropped the connection of a held GET or of an unfinished POST.
    void on_abort(const ExchangeId &id, Millis now);

    // A worker died, and with it what it held of this session: the same.
    void on_seat_gone(std::uint32_t seat, std::uint32_t seat_generation, Millis now);

    // A WebSocket wants to take over. begin: false if one is already probing, or the session
    // is not on polling. seen: `2probe` came; held GETs are now answered with a noop until
    // the end. end: the probe gave up.
    bool probe_begin(Millis now);
    void probe_seen(Millis now);
    void probe_end(Millis now);

    // `5` came on the probing socket: the session goes on there.
    void upgrade(WsPort &port, Millis now);

    // The session arrived together with its WebSocket, where freeze() left off.
    void attach(WsPort &port);

    // The worker that holds this GET has to end it: answered with a noop, held or not.
    void let_go(const ExchangeId &id);
    // A POST whose home has gone, while its answer was awaited: refused if it is not under way here.
    void confirm_post(const ExchangeId &id);

    // Whole messages of the session's own WebSocket, and its end.
    void on_ws_text(Text packet, Millis now);
    void on_ws_binary(Bytes data, Millis now);
    void on_ws_closed(CloseReason reason, Millis now);

    // Queues a frame; it leaves at the end of the turn. Over the send buffer the policy
    // decides (SlowPolicy). False: not queued, because it was volatile or the session ended.
    bool send(const Ref<wire::Frame> &frame, Delivery delivery, Millis now);

    // A reliable frame when nothing else will come in this turn: written at once on a WebSocket
    // where nothing waits, else as send().
    bool send_last(const Ref<wire::Frame> &frame, Millis now);

    // Ends the session from our side: what is queued is sent first.
    void close(CloseReason reason, Millis now);

    // Writes what is queued. Called by Turn.
    void flush(Millis now);

    // The port's socket takes more; the port may have bytes of its own left.
    void on_writable();

    void on_deadline(Millis now) override;
    void on_probe_tick(Millis now) override;
    void on_probe_timeout(Millis now) override;

    // As bytes, without sid, settings and transport (engine/image.cpp). The session is then
    // empty, with no further event and no port, and must be destroyed. Held requests are
    // answered first.
    void freeze(Writer &out, Millis now);
    // Into a fresh session that was not started. False: the image makes no sense.
    [[nodiscard]] bool thaw(Reader &in, Millis now);
    // Answers what is held, a GET with a noop, so that the session can go on elsewhere.
    void quiet(Millis now);

    // For who is about to send to many: first the one, then, when that is near, the other.
    [[gnu::always_inline]] void prefetch() const noexcept { rt::prefetch(&queue_); }
    [[gnu::always_inline]] void prefetch_port() const noexcept { rt::prefetch(port_); }

    [[nodiscard]] Text sid() const noexcept { return sid_; }
    [[nodiscard]] const SessionSettings &settings() const noexcept { return settings_; }
    [[nodiscard]] bool open() const noexcept { return state_ == State::open; }
    // Open and on polling. A session that has a WebSocket takes no other.
    [[nodiscard]] bool may_upgrade() const noexcept { return port_ == nullptr && open(); }
    // No upgrade and no POST is under way that would suffer from a move.
    [[nodiscard]] bool may_move() const noexcept { return open() && probe_ == nullptr && !post_; }
    // Its WebSocket; null on polling.
    [[nodiscard]] WsPort *port() const noexcept { return port_; }
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.bytes(); }
    void forget_slow() noexcept { slow_ = false; }

private:
    enum class State : std::uint8_t {
        open,
        closing, // polling only: the close packet waits for a GET
        closed,
        moved, // frozen
    };

    void on_packet(const wire::eio::Packet &packet, Millis now);
    void on_pong(Millis now);
    void ping(Millis now);
    [[nodiscard]] bool on_payload(Text body, Millis now);
    void tell_if_slow(Millis now);
    bool answer_poll();
    void answer_closing();
    bool answer(ExchangeId &id, const Answer &answer);
    void refuse(const ExchangeId &id) const;
    [[nodiscard]] bool polls() const noexcept;
    [[nodiscard]] bool writable() const noexcept;
    [[nodiscard]] bool has_room(const wire::Frame &frame) const noexcept;
    [[nodiscard]] bool make_room(const wire::Frame &frame, Delivery delivery, Millis now);
    void end(CloseReason reason, Millis now);
    void finish();

    // What a broadcast touches stands together.
    OutQueue queue_;
    WsPort *port_ = nullptr;
    State state_ = State::open;
    bool awaits_pong_ = false;
    bool slow_ = false; // told
    const SessionSettings &settings_;
    SessionPorts ports_;
    SessionEvents &events_;
    std::string sid_;
    std::unique_ptr<Probe> probe_;
    ExchangeId poll_;
    ExchangeId post_;
};

} // namespace rt::engine
