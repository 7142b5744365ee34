// SPDX-License-Identifier: BSD-2-Clause
// Hub: which chain an event starts, and what its end means (decisions.md, ruling 20).
#include "hub/hub.hpp"
#include "hub/trace.hpp"
#include "wire/json_slice.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <utility>

namespace rt::hub {

namespace json = wire::json;
namespace sio = wire::sio;

namespace {

struct Match {
    const Chain *chain = nullptr;
    std::span<const Text> captures;
};

Match match(const EventRule &rule, Text event) {
    if (rule.pattern == nullptr) {
        return rule.event == event ? Match{&rule.chain, {}} : Match{};
    }
    const std::vector<Text> *captures = rule.pattern->match(event);
    return captures != nullptr ? Match{&rule.chain, *captures} : Match{};
}

Match find_rule(const NamespaceSettings &settings, Text event) {
    for (const EventRule &rule : settings.events) {
        if (const Match found = match(rule, event); found.chain != nullptr) {
            return found;
        }
    }
    return {};
}

std::string connect_error(const Failure &failure) {
    std::string text = "{\"message\":";
    json::append_string(text, failure.message.empty() ? failure.code : failure.message);
    text += ",\"data\":{\"error\":";
    json::append_string(text, failure.code);
    return text + failure.extra + "}}";
}

} // namespace

void Hub::on_connect(Connection &connection, Text name, Text auth, Millis now) {
    Namespace *nsp = namespace_for(name);
    if (nsp == nullptr) {
        connection.client().refuse(name, "{\"message\":\"Invalid namespace\"}", now);
        return;
    }
    read_up(now);
    if (!connection.session().open()) {
        return;
    }
    if (!recovers()) {
        connect_anew(connection, *nsp, auth, now);
        return;
    }
    RecoveryAuth split = split_auth(auth);
    const std::string rest = split.rest;
    if (split.pid.empty() || !come_back(connection, nsp->name(), std::move(split), now)) {
        connect_anew(connection, *nsp, rest, now);
    }
}

void Hub::connect_anew(Connection &connection, Namespace &nsp, Text auth, Millis now) {
    const Text name = nsp.name();
    const std::uint64_t before = asked();
    const Result<Socket *> added = add_socket(connection, nsp, auth);
    if (!added) {
        connection.client().refuse(name, "{\"message\":\"Server is full\"}", now);
        return;
    }
    Socket &socket = **added;
    if (!socket.user.empty() && !join_user(socket)) {
        ports_.directory.remove_socket(socket.record);
        forget(socket);
        connection.client().refuse(name, "{\"message\":\"Too many connections\"}", now);
        return;
    }
    Scope scope = scope_of(socket);
    scope.auth = auth;
    start({nsp.settings().connect, Place::connect, socket.self, {}, unheard_since(before)}, scope, now);
}

void Hub::on_event(Handle handle, const sio::Packet &packet, std::span<const Bytes> attachments, Millis now) {
    Socket *socket = sockets_.find(handle);
    metrics().count(Metric::events_in);
    if (socket == nullptr || packet.data.empty()) {
        return;
    }
    const Text raw = sio::split_event(packet.data).name;
    const json::Plain plain(json::kind(raw) == json::Kind::string ? raw : Text("\"\""));
    const std::string number = json::kind(raw) == json::Kind::string ? std::string() : sio::event_name(raw);
    const Text name = number.empty() ? plain.text() : Text(number);
    const Match match = find_rule(socket->nsp.settings(), name);
    if (match.chain == nullptr) {
        return;
    }
    Scope scope = scope_of(*socket);
    scope.event = name;
    scope.data = packet.data;
    scope.attachments = attachments;
    scope.event_matched = match.captures;
    start({*match.chain, Place::event, handle, packet.id}, scope, now);
}

void Hub::start(const Run::Start &start, const Scope &scope, Millis now) {
    Run run(*this, start, scope);
    if (run.proceed(now)) {
        if (run.place() == Place::connect) {
            finish_connect(run, now);
        }
        return;
    }
    run.own();
    park(std::make_unique<Run>(std::move(run)));
}

void Hub::park(std::unique_ptr<Run> run) {
    if (Socket *socket = run->socket(); socket != nullptr) {
        ++socket->waiting;
    }
    std::unique_ptr<Run> *slot = runs_.find(run->waiting_as());
    *slot = std::move(run);
}

void Hub::resume(Handle handle, std::unique_ptr<Failure> failure, Millis now) {
    const std::unique_ptr<std::unique_ptr<Run>> slot = runs_.take(handle);
    if (slot == nullptr || *slot == nullptr) {
        return;
    }
    std::unique_ptr<Run> run = std::move(*slot);
    if (Socket *socket = run->socket(); socket != nullptr) {
        --socket->waiting;
    }
    if (failure != nullptr) {
        run->fail(std::move(*failure));
    }
    if (!run->proceed(now)) {
        park(std::move(run));
    } else if (run->place() == Place::connect) {
        finish_connect(*run, now);
    }
}

bool Hub::is_quiet(const Connection &connection) const {
    const auto waits = [&](Handle socket) { return sockets_.find(socket)->waiting > 0; };
    const std::vector<Handle> &all = connection.sockets();
    return connection.client().quiet() && std::none_of(all.begin(), all.end(), waits);
}

void Hub::catch_up(Millis now) {
    if (appended_ != 0) {
        ports_.bus.catch_up(std::exchange(appended_, 0), now);
    }
}

void Hub::read_up(Millis now) {
    appended_ = 0;
    ports_.bus.catch_up(ports_.bus.head(), now);
}

void Hub::finish_connect(Run &run, Millis now) {
    Socket *socket = run.socket();
    if (socket == nullptr) {
        return; // the connection ended meanwhile
    }
    if (const Failure *failure = run.failure(); failure != nullptr) {
        Connection &connection = socket->connection;
        const std::string name(socket->nsp.name());
        ports_.directory.remove_socket(socket->record);
        forget(*socket);
        connection.client().refuse(name, connect_error(*failure), now);
        return;
    }
    const Handle self = socket->self;
    const PutOut end = socket->held->put_out;
    accept(*socket, now);
    catch_up(now);
    if (socket = sockets_.find(self); socket != nullptr && end != PutOut::no) {
        put_out(*socket, end == PutOut::connection, now);
    }
}

// What was missed, the answer, then what the chain and the bus already sent.
void Hub::accept(Socket &socket, Millis now) {
    std::string answer = "{\"sid\":\"";
    answer += socket.id_text();
    if (!socket.held->pid.empty()) {
        answer += "\",\"pid\":\"";
        answer += socket.held->pid;
    }
    answer += "\"}";
    socket.connected = true;
    ports_.directory.set_connected(socket.record);
    trace(ports_.log, {"socket: ", socket.id_text(), " connected to ", socket.nsp.name()});
    const std::unique_ptr<Held> held = std::move(socket.held);
    const Handle self = socket.self;
    if (held->recovered) {
        send_missed(self, *held, now);
    }
    if (sockets_.find(self) == nullptr) {
        return;
    }
    socket.connection.client().accept(socket.nsp.name(), self, answer, now);
    for (const Ref<wire::Frame> &frame : held->frames) {
        if (Socket *still = sockets_.find(self); still != nullptr) {
            send(*still, frame, engine::Delivery::reliable, now);
        }
    }
}

} // namespace rt::hub
