// SPDX-License-Identifier: BSD-2-Clause
// One connection of this worker: its session, its Socket.IO client (or an echo), and what
// was kept of the request that opened it. Lives in the hub's slot map.
#pragma once

#include "engine/client.hpp"
#include "engine/session.hpp"
#include "hub/directory.hpp"
#include "hub/socket.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rt::hub {

class Hub;

enum class ConnectionKind : std::uint8_t { socket_io, echo };

// Everything a new connection is born with.
struct Birth {
    ConnectionKind kind = ConnectionKind::socket_io;
    const engine::SessionSettings *settings = nullptr; // lives as long as the cycle
    engine::TransportKind transport = engine::TransportKind::polling;
    Handshake handshake;
    std::string captured; // AppSettings::captured, as Scope has it
};

class Connection final : public engine::SessionEvents, public engine::ClientEvents {
public:
    struct Origin {
        ConnectionKind kind;
        const engine::SessionSettings &settings;
        Text sid;
        RecordRef record;
        std::string captured;
        engine::TransportKind transport = engine::TransportKind::polling;
    };

    Connection(Hub &hub, Origin origin);

    Handle self;

    [[nodiscard]] engine::Session &session() noexcept { return session_; }
    [[nodiscard]] const engine::Session &session() const noexcept { return session_; }
    [[nodiscard]] Text sid() const noexcept { return session_.sid(); }
    [[nodiscard]] engine::Client &client() noexcept { return client_; }
    [[nodiscard]] const engine::Client &client() const noexcept { return client_; }
    [[nodiscard]] ConnectionKind kind() const noexcept { return kind_; }
    [[nodiscard]] RecordRef record() const noexcept { return record_; }
    // It moved: the record belongs to the connection's next home.
    void forget_record() noexcept { record_ = {}; }
    [[nodiscard]] Text captured() const noexcept { return captured_; }
    // What it speaks, or spoke last when the transport has gone.
    [[nodiscard]] engine::TransportKind transport() const noexcept { return transport_; }
    void set_transport(engine::TransportKind transport) noexcept { transport_ = transport; }

    // Starts the connect timeout, once the session has started.
    void start(Millis now);

    // Its sockets, by the hub's handles; they come and go through the hub only.
    [[nodiscard]] const std::vector<Handle> &sockets() const noexcept { return sockets_; }
    void add_socket(Handle socket) { sockets_.push_back(socket); }
    void remove_socket(Handle socket) { std::erase(sockets_, socket); }

    void on_text(Text data, Millis now) override;
    void on_binary(Bytes data, Millis now) override;
    void on_closed(engine::CloseReason reason, Millis now) override;
    void on_slow(Millis now) override;
    void on_finished() override;

    void on_connect(Text nsp, Text auth, Millis now) override;
    void on_event(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                  Millis now) override;
    void on_ack(Handle socket, const wire::sio::Packet &packet, std::span<const Bytes> attachments,
                Millis now) override;
    void on_leave(Handle socket, Millis now) override;
    void on_bad_packet(Error error) override;
    void on_too_many_namespaces() override;

private:
    Hub &hub_;
    ConnectionKind kind_;
    engine::TransportKind transport_;
    RecordRef record_;
    engine::Session session_;
    engine::Client client_;
    std::vector<Handle> sockets_;
    std::string captured_;
};

} // namespace rt::hub
