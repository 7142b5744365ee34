// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/papers.hpp"

#include "wire/json.hpp"

namespace rt::cluster {

namespace {

constexpr std::size_t kLeastHeader = 8;
constexpr std::size_t kLeastSocket = 21;

void write_handshake(const shm::Handshake &handshake, Writer &out) {
    out.put(handshake.created);
    out.put_text(handshake.address);
    out.put_text(handshake.url);
    out.put_text(handshake.query);
    out.put(handshake.secure);
    out.put(handshake.xdomain);
    out.put(handshake.counts_address);
    out.put_text(handshake.captured_names);
    out.put_text(handshake.captured);
    out.put(static_cast<std::uint32_t>(handshake.headers.size()));
    for (const shm::Header &header : handshake.headers) {
        out.put_text(header.name);
        out.put_text(header.value);
    }
}

// It counts for its address, and is not refused: it was let in there.
hub::Handshake read_handshake(Reader &in) {
    hub::Handshake handshake;
    handshake.issued = in.get<std::int64_t>();
    handshake.address = in.get_text();
    handshake.url = in.get_text();
    handshake.query = in.get_text();
    handshake.secure = in.get<bool>();
    handshake.xdomain = in.get<bool>();
    handshake.counts_address = in.get<bool>();
    handshake.captured.names = in.get_text();
    handshake.captured.values = in.get_text();
    const std::uint32_t headers = in.get_count(kLeastHeader);
    for (std::uint32_t i = 0; i < headers; ++i) {
        const Text name = in.get_text();
        handshake.headers.emplace_back(name, in.get_text());
    }
    return handshake;
}

} // namespace

void RosterRegistrar::write(hub::RecordRef connection, Writer &out) {
    shm::Roster &roster = directory_.roster();
    const shm::ConnectionRef ref{connection.cell, connection.serial};
    const Result<shm::Handshake> handshake = roster.handshake_of(ref);
    write_handshake(handshake ? *handshake : shm::Handshake(), out);
    const Result<std::vector<shm::SocketRow>> sockets = roster.sockets_of(ref);
    out.put(static_cast<std::uint32_t>(sockets ? sockets->size() : 0));
    for (std::size_t left = sockets ? sockets->size() : 0; left > 0; --left) {
        const shm::SocketRow &socket = (*sockets)[left - 1]; // the oldest is made first
        out.put_text(socket.id);
        out.put_text(socket.nsp);
        out.put_text(socket.user);
        out.put_text(socket.pid);
        out.put_text(socket.auth);
        out.put(socket.connected);
    }
}

Result<hub::Papers> RosterRegistrar::make(Text sid, Reader &in, hub::Position since) {
    const hub::Handshake handshake = read_handshake(in);
    if (!in.ok()) {
        return {Code::protocol, "papers of a session: handshake"};
    }
    hub::Papers papers;
    RT_TRY(connection, directory_.add_connection(sid, handshake, engine::TransportKind::polling));
    papers.connection = connection;
    if (Result<void> made = make_sockets(papers, in, since); !made) {
        remove(connection);
        return made.error();
    }
    return papers;
}

Result<void> RosterRegistrar::make_sockets(hub::Papers &papers, Reader &in, hub::Position since) {
    const std::uint32_t sockets = in.get_count(kLeastSocket);
    for (std::uint32_t i = 0; i < sockets; ++i) {
        hub::SocketText text;
        text.id = in.get_text();
        text.nsp = in.get_text();
        text.user = in.get_text();
        text.pid = in.get_text();
        text.auth = in.get_text();
        text.since = since;
        const bool connected = in.get<bool>();
        if (!in.ok() || !wire::json::validate(text.auth, wire::json::kMaxDepth)) {
            return {Code::protocol, "papers of a session: sockets"};
        }
        RT_TRY(record, directory_.add_socket(papers.connection, text));
        if (connected) {
            directory_.set_connected(record);
        }
        papers.sockets.push_back({std::string(text.id), record});
    }
    return in.ok() ? Result<void>() : Result<void>(Code::protocol, "papers of a session: sockets");
}

} // namespace rt::cluster
