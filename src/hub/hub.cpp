// SPDX-License-Identifier: BSD-2-Clause
#include "hub/hub.hpp"

#include "base/base64.hpp"
#include "hub/trace.hpp"

#include <array>
#include <optional>
#include <utility>

namespace rt::hub {

namespace {

constexpr std::size_t kSidRandom = 21; // 28 characters: 168 bits that nobody guesses
constexpr std::size_t kIdRandom = 12;  // 16 characters
constexpr std::size_t kPidRandom = 21; // as a sid

template <std::size_t Size> std::string random_text(Random &random) {
    std::array<std::uint8_t, Size> bytes;
    random.fill(bytes);
    std::string text;
    append_base64url(text, bytes);
    return text;
}

std::uint64_t random_key(Random &random) {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes;
    random.fill(bytes);
    return load_be<std::uint64_t>(bytes.data());
}

// A client that broke the protocol does not; nor one that was told of its end (socket.io,
// recoverable disconnect reasons).
bool may_come_back(engine::CloseReason reason) noexcept {
    return reason != engine::CloseReason::parse_error && reason != engine::CloseReason::forced_server_close;
}

// What a pattern captured of the name; nothing if these are not its settings.
std::optional<std::vector<std::string>> match(const NamespaceSettings &settings, Text name) {
    if (settings.pattern == nullptr) {
        return settings.path == name ? std::optional(std::vector<std::string>()) : std::nullopt;
    }
    const std::vector<Text> *views = settings.pattern->match(name);
    return views != nullptr ? std::optional(std::vector<std::string>(views->begin(), views->end()))
                            : std::nullopt;
}

} // namespace

Hub::Hub(const AppSettings &settings, HubNames names, HubPorts ports)
    : settings_(settings), names_(std::move(names)), captured_names_(captured_names(settings.captured)),
      ports_(std::move(ports)), hash_key_(random_key(ports_.random)), namespaces_(0, KeyedHash{hash_key_}),
      offsets_(names_.log) {}

// Sockets refer to their namespaces and connections: they go first.
Hub::~Hub() {
    ended_.clear();
    connections_.each([&](Handle, Connection &connection) {
        while (!connection.sockets().empty()) {
            Socket &socket = *sockets_.find(connection.sockets().back());
            socket.nsp.remove(socket);
            connection.remove_socket(socket.self);
            sockets_.erase(socket.self);
        }
    });
}

Result<Connection *> Hub::open(Birth birth) {
    birth.handshake.captured = {captured_names_, birth.captured};
    const std::string sid = names_.host + random_text<kSidRandom>(ports_.random);
    const Result<RecordRef> record = ports_.directory.add_connection(sid, birth.handshake, birth.transport);
    if (!record) {
        const bool many = record.code() == Code::too_many;
        metrics().count(many ? Metric::refused_sessions : Metric::refused_zone_full);
        return record.error();
    }
    const Handle handle =
        connections_.emplace(*this, Connection::Origin{birth.kind, *birth.settings, sid, *record,
                                                       std::move(birth.captured), birth.transport});
    Connection &connection = *connections_.find(handle);
    connection.self = handle;
    by_sid_.insert(connection);
    metrics().count(Metric::connections);
    count_transport(birth.transport, 1);
    const bool polls = birth.transport == engine::TransportKind::polling;
    trace(ports_.log, {"engine: session ", shown(sid), " opened by ", polls ? "polling" : "websocket"});
    return &connection;
}

void Hub::upgraded(Connection &connection) {
    connection.set_transport(engine::TransportKind::websocket);
    ports_.directory.set_transport(connection.record(), engine::TransportKind::websocket);
    count_transport(engine::TransportKind::polling, -1);
    count_transport(engine::TransportKind::websocket, 1);
    metrics().count(Metric::upgrades);
    trace(ports_.log, {"engine: session ", shown(connection.sid()), " upgraded"});
}

void Hub::count_transport(engine::TransportKind transport, int amount) noexcept {
    metrics().add(transport == engine::TransportKind::websocket ? Metric::websocket : Metric::polling,
                  amount);
}

void Hub::on_closed(Connection &connection, engine::CloseReason reason, Millis now) {
    trace(ports_.log,
          {"engine: session ", shown(connection.sid()), " closed: ", engine::reason_text(reason)});
    if (reason == engine::CloseReason::ping_timeout) {
        metrics().count(Metric::ping_timeouts);
    } else if (reason == engine::CloseReason::slow_client) {
        metrics().count(Metric::slow_closed);
    }
    while (!connection.sockets().empty()) {
        Socket &socket = *sockets_.find(connection.sockets().back());
        if (may_come_back(reason)) {
            lose(socket, engine::reason_text(reason), now);
        } else {
            drop(socket, engine::reason_text(reason), now);
        }
    }
}

void Hub::on_finished(Connection &connection) {
    if (finished_.empty()) {
        ports_.request_reap();
    }
    finished_.push_back(connection.self);
}

void Hub::on_slow(Connection &connection, Millis now) {
    if (!laggards_.add(connection.self, now)) {
        connection.session().forget_slow();
    }
}

Slowest Hub::slowest() {
    return laggards_.look([this](Handle handle) {
        Connection *connection = connections_.find(handle);
        if (connection == nullptr) {
            return SlowClient{};
        }
        const std::size_t queued = connection->session().queued();
        if (queued == 0) {
            connection->session().forget_slow();
        }
        return SlowClient{connection->record(), queued, 0};
    });
}

void Hub::reap() {
    burst_.drop(); // of a delivery that an exception broke off: its targets may be gone now
    ended_.clear();
    for (const Handle handle : std::exchange(finished_, {})) {
        Connection *connection = connections_.find(handle);
        if (connection == nullptr) {
            continue;
        }
        if (connection->record()) {
            ports_.directory.remove_connection(connection->record());
        }
        count_transport(connection->transport(), -1);
        by_sid_.erase(*connection);
        connections_.erase(handle);
    }
    if (std::exchange(empty_namespace_, false)) {
        std::erase_if(namespaces_, [](const auto &entry) {
            return entry.second->size() == 0 && entry.second->settings().pattern != nullptr;
        });
    }
}

void Hub::close_all(engine::CloseReason reason, Millis now) {
    connections_.each([&](Handle, Connection &connection) { connection.session().close(reason, now); });
}

void Hub::on_seat_gone(std::uint32_t seat, std::uint32_t seat_generation, Millis now) {
    connections_.each([&](Handle, Connection &connection) {
        connection.session().on_seat_gone(seat, seat_generation, now);
    });
    comebacks_.each([&](Handle handle, Comeback &) { look_again(handle); });
}

Namespace *Hub::known_namespace(Text name) const {
    const auto found = namespaces_.find(name);
    return found == namespaces_.end() ? nullptr : found->second.get();
}

// Exact names come first in the settings, so they win over patterns.
Namespace *Hub::namespace_for(Text name) {
    if (Namespace *known = known_namespace(name); known != nullptr) {
        return known;
    }
    for (const auto &settings : settings_.namespaces) {
        const std::optional<std::vector<std::string>> captures = match(*settings, name);
        if (captures) {
            auto made = std::make_unique<Namespace>(std::string(name), *settings, *captures, hash_key_);
            Namespace *nsp = made.get();
            namespaces_.emplace(nsp->name(), std::move(made));
            return nsp;
        }
    }
    return nullptr;
}

// With recovery the id follows from the pid: so a pid finds its socket, and nobody else.
Hub::Identity Hub::new_identity() {
    Identity made;
    if (recovers()) {
        made.pid = names_.host + random_text<kPidRandom>(ports_.random);
        if (const std::optional<SocketId> id = id_of_pid(names_.host, made.pid)) {
            made.id = *id;
            return made;
        }
        made.pid.clear();
    }
    const std::string text = names_.host + random_text<kIdRandom>(ports_.random);
    text.copy(made.id.data(), made.id.size());
    return made;
}

Result<Socket *> Hub::add_socket(Connection &connection, Namespace &nsp, Text auth) {
    const Identity made = new_identity();
    Socket &socket = place_socket(connection, nsp, made.id);
    if (nsp.settings().keeps_auth) {
        socket.auth = std::make_unique<std::string>(auth);
    }
    Scope scope = scope_of(socket);
    scope.auth = auth;
    socket.user = settings_.user.text(scope);
    const Result<RecordRef> record =
        ports_.directory.add_socket(connection.record(), {nsp.name(), socket.id_text(), socket.user, auth,
                                                          made.pid, ports_.bus.cursor()});
    if (!record) {
        metrics().count(Metric::refused_zone_full);
        forget(socket);
        return record.error();
    }
    socket.record = *record;
    socket.held = std::make_unique<Held>();
    socket.held->pid = made.pid;
    return &socket;
}

Socket &Hub::place_socket(Connection &connection, Namespace &nsp, const SocketId &id) {
    const Handle handle = sockets_.emplace(connection, nsp, id);
    Socket &socket = *sockets_.find(handle);
    socket.self = handle;
    nsp.add(socket);
    connection.add_socket(handle);
    metrics().add(Metric::sockets, 1);
    return socket;
}

// Takes the socket out of this worker, and only that. It is destroyed by reap().
void Hub::forget(Socket &socket) {
    Namespace &nsp = socket.nsp;
    nsp.remove(socket);
    empty_namespace_ = empty_namespace_ || (nsp.size() == 0 && nsp.settings().pattern != nullptr);
    socket.connection.remove_socket(socket.self);
    metrics().add(Metric::sockets, -1);
    if (ended_.empty()) {
        ports_.request_reap();
    }
    ended_.push_back(sockets_.take(socket.self));
}

} // namespace rt::hub
