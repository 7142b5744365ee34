// SPDX-License-Identifier: BSD-2-Clause
// What tests of src/engine share: one session with a clock, requests and a WebSocket that write
// down what they are told, and a script of one word per event.
#pragma once

#include "engine/session.hpp"
#include "tap.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rt::test {

// What was told, in order, each with its moment: `300 r1 200p 2; 500 finished`.
class Notes {
public:
    Millis now = 0;

    void add(std::string what) {
        std::replace(what.begin(), what.end(), '\x1e', '|');
        text_ += (text_.empty() ? "" : "; ") + std::to_string(now) + " " + what;
    }

    std::string take() { return std::exchange(text_, {}); }
    void put_back(std::string text) { text_ = std::move(text); }

private:
    std::string text_;
};

// `r<number> <status><kind> <body>`; the kind by its first letter.
class NotedExchanges final : public engine::Exchanges {
public:
    explicit NotedExchanges(Notes &notes) : notes_(notes) {}

    [[nodiscard]] bool answer(const engine::ExchangeId &id, const engine::Answer &answer) override {
        const char kind = "poje"[static_cast<std::size_t>(answer.kind)];
        const std::string body = answer.body.empty() ? "" : " " + std::string(answer.body);
        const std::string lost = unreachable ? " lost" : "";
        answered += kind + std::to_string(id.slot.index) + " ";
        notes_.add("r" + std::to_string(id.slot.index) + " " + std::to_string(answer.status) + kind + body +
                   lost);
        return !unreachable;
    }

    bool unreachable = false; // the worker of the requests has gone
    std::string answered;     // kind and number of each

private:
    Notes &notes_;
};

// The part of a WebSocket stream that is whole frames, as `ws <payload>`.
inline std::string next_frame(std::string &stream) {
    if (stream.size() < 2) {
        return {};
    }
    const auto byte = [&](std::size_t at) {
        return static_cast<std::size_t>(static_cast<std::uint8_t>(stream[at]));
    };
    std::size_t size = byte(1);
    std::size_t head = 2;
    if (size == 126 && stream.size() >= 4) {
        size = byte(2) << 8 | byte(3);
        head = 4;
    }
    if (stream.size() < head + size) {
        return {};
    }
    const char *kind = byte(0) == 0x81   ? "ws "
                       : byte(0) == 0x82 ? "wsb "
                       : byte(0) == 0x8a ? "pong "
                                         : "odd ";
    const std::string payload = stream.substr(head, size);
    stream.erase(0, head + size);
    return kind + payload;
}

class NotedPort final : public engine::WsPort {
public:
    explicit NotedPort(Notes &notes) : notes_(notes) {}

    [[nodiscard]] Ref<wire::Frame> form(const Ref<wire::Frame> &frame) override { return frame; }

    void write(engine::OutQueue &queue) override {
        while (!queue.empty() && room > 0) {
            const Bytes left = queue[0].ws().subspan(queue.begun());
            const std::size_t count = std::min(left.size(), room);
            stream_ += as_text(left.first(count));
            room -= count;
            queue.consume(count);
        }
        for (std::string frame = next_frame(stream_); !frame.empty(); frame = next_frame(stream_)) {
            notes_.add(frame);
        }
        waits_ = !queue.empty();
    }

    [[nodiscard]] bool blocked() const noexcept override { return waits_; }

    void shut(engine::OutQueue &&rest, std::uint16_t status) override {
        notes_.add("shut " + std::to_string(status) + " with " + std::to_string(rest.frames()));
    }

    // What was written of a frame that is not whole yet.
    [[nodiscard]] const std::string &stream() const { return stream_; }
    void put_back(std::string stream) { stream_ = std::move(stream); }

    std::size_t room = SIZE_MAX; // bytes that the socket still takes

private:
    Notes &notes_;
    std::string stream_;
    bool waits_ = false;
};

class NotedEvents final : public engine::SessionEvents {
public:
    explicit NotedEvents(Notes &notes) : notes_(notes) {}

    void on_text(Text data, Millis now) override {
        if (upper != nullptr) {
            upper->on_text(data, now);
            return;
        }
        notes_.add("text " + std::string(data));
        if (react) {
            react(data, now);
        }
    }
    void on_binary(Bytes data, Millis now) override {
        if (upper != nullptr) {
            upper->on_binary(data, now);
            return;
        }
        notes_.add("binary " + std::string(as_text(data)));
    }
    void on_closed(engine::CloseReason reason, Millis now) override {
        notes_.add("closed " + std::string(engine::reason_text(reason)));
        if (upper != nullptr) {
            upper->on_closed(reason, now);
        }
    }
    void on_slow(Millis) override {}
    void on_finished() override { notes_.add("finished"); }

    std::function<void(Text, Millis)> react;
    engine::SessionEvents *upper = nullptr; // what lives on the session in place of these notes

private:
    Notes &notes_;
};

struct NotedTurn final : engine::Turn {
    void arm() override {}
};

inline std::vector<std::string> split(const std::string &text, char by) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == by) {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

// One session. A script is words between blanks, each a turn of the event loop; `&` joins what
// happens in one turn. `|` stands for 0x1E.
//   G1 a GET; P2:40 a POST; B2 D2 A2 a POST is announced, dropped for its size, its client gone
//   +300 time passes, deadlines come on their millisecond; late300 they come at its end
//   say:x vol:x a message, a volatile one; big:n one of n bytes; burst:x two in one frame; last:x the last
//   message of a turn
//   close shutdown from our side
//   probe seen end up   the upgrade; ws:4x bin:x gone   what comes on the WebSocket, and its end
//   room:n the socket takes n more bytes; lose answers get lost; move frozen and thawed elsewhere
class SessionBench {
public:
    explicit SessionBench(const engine::SessionSettings &settings)
        : settings_(settings), exchanges(notes), port(notes), events(notes) {
        renew();
    }

    void start(engine::TransportKind transport) {
        if (transport == engine::TransportKind::websocket) {
            on_websocket_ = true;
            session->start_websocket(port, notes.now);
        } else {
            session->start_polling(notes.now);
        }
        turn.flush(notes.now);
        opened = notes.take();
    }

    // What was told meanwhile.
    std::string run(const std::string &script) {
        for (const std::string &word : split(script, ' ')) {
            for (const std::string &step : split(word, '&')) {
                one(step);
            }
            turn.flush(notes.now);
        }
        return notes.take();
    }

    // As if another worker went on with it. What is held is answered then, and asked again.
    void move() {
        const std::string before = notes.take();
        std::string image;
        Writer out(image);
        exchanges.answered.clear();
        session->freeze(out, notes.now);
        const std::vector<std::string> held = split(exchanges.answered, ' ');
        notes.put_back(before);
        renew();
        Reader in(image);
        if (!session->thaw(in, notes.now) || !in.at_end()) {
            notes.add("not thawed");
        }
        if (on_websocket_) {
            session->upgrade(port, notes.now);
        }
        for (const std::string &request : held) {
            if (!request.empty()) {
                one((request[0] == 'p' ? "G" : "B") + request.substr(1));
            }
        }
    }

    void pass(Millis length) {
        const Millis end = notes.now + length;
        while (deadlines.next() <= end) {
            notes.now = std::max(deadlines.next(), notes.now);
            deadlines.expire(notes.now);
            turn.flush(notes.now);
        }
        notes.now = end;
    }

private:
    engine::SessionSettings settings_;

public:
    Notes notes;
    Deadlines deadlines;
    NotedExchanges exchanges;
    NotedPort port;
    NotedEvents events;
    NotedTurn turn;
    std::unique_ptr<engine::Session> session;
    std::string opened; // what start() told

private:
    void renew() {
        session = std::make_unique<engine::Session>(engine::SessionPorts{deadlines, exchanges, turn}, events,
                                                    settings_, "sid");
    }

    static engine::ExchangeId id_of(const std::string &step) {
        return {1, 1, {static_cast<std::uint32_t>(step[1] - '0'), 1}};
    }

    void send(const std::string &text, engine::Delivery delivery) {
        session->send(wire::Frame::text({"4", text}), delivery, notes.now);
    }

    void one(const std::string &step) {
        const std::size_t colon = std::min(step.find(':'), step.size());
        const std::string verb = step.substr(0, colon);
        std::string text = step.substr(std::min(colon + 1, step.size()));
        std::replace(text.begin(), text.end(), '|', '\x1e');
        if (verb[0] == '+') {
            pass(std::stoll(verb.substr(1)));
        } else if (verb.size() == 2 && verb[1] >= '0' && verb[1] <= '9') {
            request(verb, text);
        } else if (verb.rfind("late", 0) == 0) {
            notes.now += std::stoll(verb.substr(4));
            deadlines.expire(notes.now);
        } else if (!outgoing(verb, text) && !upgrading(verb, text)) {
            notes.add("no verb " + verb);
        }
    }

    void request(const std::string &verb, const std::string &text) {
        const engine::ExchangeId id = id_of(verb);
        switch (verb[0]) {
        case 'G':
            session->on_poll(id, notes.now);
            break;
        case 'P':
            session->on_post(id, text, notes.now);
            break;
        case 'B':
            session->on_post_begin(id, notes.now);
            break;
        case 'D':
            session->on_post_drop(id);
            break;
        default:
            session->on_abort(id, notes.now);
        }
    }

    // Two packets, the first with an attachment.
    static Ref<wire::Frame> burst(Text text) {
        const std::array<Text, 2> pieces = {"4", text};
        std::string messages;
        wire::Frame::append_message(messages, wire::WsOpcode::text, pieces);
        wire::Frame::append_message(messages, wire::WsOpcode::binary, std::span(pieces).last(1));
        wire::Frame::append_message(messages, wire::WsOpcode::text, pieces);
        return wire::Frame::joined(messages, 2);
    }

    bool outgoing(const std::string &verb, const std::string &text) {
        if (verb == "say") {
            send(text, engine::Delivery::reliable);
        } else if (verb == "vol") {
            send(text, engine::Delivery::volatile_);
        } else if (verb == "big") {
            send(std::string(std::stoul(text), 'x'), engine::Delivery::reliable);
        } else if (verb == "last") {
            session->send_last(wire::Frame::text({"4", text}), notes.now);
        } else if (verb == "burst") {
            session->send(burst(text), engine::Delivery::reliable, notes.now);
        } else if (verb == "close") {
            session->close(engine::CloseReason::forced_server_close, notes.now);
        } else if (verb == "shutdown") {
            session->close(engine::CloseReason::server_shutting_down, notes.now);
        } else if (verb == "lose") {
            exchanges.unreachable = true;
        } else if (verb == "room") {
            port.room = std::stoul(text);
            session->on_writable();
        } else {
            return false;
        }
        return true;
    }

    bool upgrading(const std::string &verb, const std::string &text) {
        if (verb == "probe") {
            notes.add(session->probe_begin(notes.now) ? "probing" : "may not probe");
        } else if (verb == "seen") {
            session->probe_seen(notes.now);
        } else if (verb == "end") {
            session->probe_end(notes.now);
        } else if (verb == "up") {
            on_websocket_ = true;
            session->upgrade(port, notes.now);
        } else if (verb == "ws") {
            session->on_ws_text(text, notes.now);
        } else if (verb == "bin") {
            session->on_ws_binary(as_bytes(text), notes.now);
        } else if (verb == "gone") {
            session->on_ws_closed(engine::CloseReason::transport_close, notes.now);
        } else if (verb == "move") {
            move();
        } else {
            return false;
        }
        return true;
    }

    bool on_websocket_ = false;
};

} // namespace rt::test
