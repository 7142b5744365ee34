// SPDX-License-Identifier: BSD-2-Clause
// What the hub writes into the host's roster (shared memory): who is connected, where, in
// which rooms. The roster answers for sockets of all workers; the hub only for its own.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "engine/session.hpp"
#include "hub/captures.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rt::hub {

// A record of the roster; finds nothing once the record has been reused.
struct RecordRef {
    std::uint32_t cell = 0;
    std::uint32_t serial = 0; // 0 is no record
    explicit operator bool() const noexcept { return serial != 0; }
};

// The request that opened the connection, as fetchSockets shows it (facts of the reference:
// the handshake object). Address and scheme are those after realip.
struct Handshake {
    Text address;
    Text url;
    Text query;
    bool secure = false;
    bool xdomain = false;
    bool counts_address = false; // realtime_max_sockets per=ip
    std::uint32_t most = 0;      // realtime_max_sockets: of the address or of all; 0: any number
    std::int64_t issued = 0;     // milliseconds since 1970
    Captures captured;
    std::vector<std::pair<Text, Text>> headers; // without cookies, credentials, hop-by-hop ones
};

// A socket whose worker died, as the roster knew it.
struct LostSocket {
    Text nsp;
    Text id;
    Text user;
    Text auth; // JSON
    engine::TransportKind transport = engine::TransportKind::polling;
    Captures captured;
};

struct SocketText {
    Text nsp;
    Text id;
    Text user;               // may be empty
    Text auth;               // JSON
    Text pid = {};           // empty: it is not kept when its transport is lost
    std::uint64_t since = 0; // position of its CONNECT in the log
};

// Who comes back, and to which id.
struct ClaimText {
    Text id;
    Text pid;
    Text nsp;
    Text user;
};

struct KeptSocket {
    std::uint64_t since = 0;
    std::vector<std::string> rooms;
};

// Where a session lives.
struct LiveSession {
    std::string sid;
    std::uint32_t seat = 0;
    std::uint32_t seat_generation = 0;
};

// What a session of another host needs to go on here: its records, made anew.
struct Papers {
    struct Stamp {
        std::string id;
        RecordRef record;
    };

    std::array<char, 4> from{}; // with which the ids of its host begin
    std::array<char, 4> here{}; // the same of this one
    RecordRef connection;
    std::vector<Stamp> sockets;

    [[nodiscard]] RecordRef of(Text id) const noexcept {
        for (const Stamp &stamp : sockets) {
            if (stamp.id == id) {
                return stamp.record;
            }
        }
        return {};
    }
};

class Attention;

class Directory {
public:
    virtual ~Directory() = default;

    // full: the zone has no room; too_many: as many are there as the handshake allows. The
    // caller refuses the session with 503.
    virtual Result<RecordRef> add_connection(Text sid, const Handshake &handshake,
                                             engine::TransportKind transport) = 0;
    virtual void set_transport(RecordRef connection, engine::TransportKind transport) = 0;

    // This worker is the connection's home from now on.
    virtual void settle(RecordRef connection) = 0;

    // It moves to that worker: from now on its death is the connection's.
    virtual void hand_over(RecordRef connection, std::uint32_t seat, std::uint32_t seat_generation) = 0;
    virtual void remove_connection(RecordRef connection) = 0;

    virtual Result<RecordRef> add_socket(RecordRef connection, const SocketText &socket) = 0;
    // Its CONNECT was answered: from now on its end is worth a disconnect { }.
    virtual void set_connected(RecordRef socket) = 0;
    virtual void remove_socket(RecordRef socket) = 0;

    // In place of remove_socket: its client may come back until then (recovery). An error, and
    // the socket is there still: it has no pid, or the zone no room.
    virtual Result<void> keep(RecordRef socket, Millis until) = 0;
    // Takes what was kept. not_found: nothing of this id; forbidden: it is another's, and stays.
    virtual Result<KeptSocket> claim(const ClaimText &claim, Millis now) = 0;
    // The same socket where it still lives. not_found, forbidden.
    virtual Result<LiveSession> find_claimed(const ClaimText &claim) = 0;

    // How many are in the room on this host, at all its workers.
    virtual Result<std::uint32_t> join(RecordRef socket, Text room) = 0;
    virtual void leave(RecordRef socket, Text room) = 0;

    // A record because of which everything that other servers say is heard, until let_go() or that
    // time. full: the zone has no room.
    virtual Result<RecordRef> attend(Millis until) = 0;
    [[nodiscard]] virtual bool attends(RecordRef attention) = 0;
    // False: it had gone, to give its room to another.
    virtual bool let_go(RecordRef attention) = 0;
    // Who asks for that on behalf of this worker (hub/attention.hpp).
    [[nodiscard]] virtual Attention &attention() noexcept = 0;

    // Does a socket of this id live on the host, at any worker?
    [[nodiscard]] virtual bool knows_socket(Text id) = 0;
};

} // namespace rt::hub
