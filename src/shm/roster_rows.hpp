// SPDX-License-Identifier: BSD-2-Clause
// What goes into the roster and what comes out of it: values, and references that notice when
// what they meant is gone.
#pragma once

#include "shm/handshake.hpp"
#include "shm/roster_records.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace rt::shm {

struct ConnectionRef {
    CellIndex cell = 0; // 0 is none
    std::uint32_t serial = 0;

    bool operator==(const ConnectionRef &) const noexcept = default;
    explicit operator bool() const noexcept { return cell != 0; }
};

struct SocketRef {
    CellIndex cell = 0; // 0 is none
    std::uint32_t serial = 0;

    bool operator==(const SocketRef &) const noexcept = default;
    explicit operator bool() const noexcept { return cell != 0; }
};

inline constexpr Error kGone{Code::gone, "no such record in the roster any more"};

// Of Roster::attend.
struct AttentionRef {
    CellIndex cell = 0; // 0 is none
    std::uint32_t serial = 0;
};

enum class Transport : std::uint8_t { polling, websocket };

struct NewConnection {
    Text sid = {};
    SeatRef home = {};
    Transport transport = Transport::polling;
    HandshakeText handshake = {};
    // Of the whole roster, or with counts_address of the address; 0: any number.
    std::uint32_t most = 0;
};

inline constexpr Text kNoAuth = "{}"; // takes no room in the zone

struct NewSocket {
    Text id = {};
    Text nsp = {};
    Text user = {};          // may be empty
    Text pid = {};           // may be empty: it is not kept when its transport is lost
    Text auth = {};          // JSON; empty is kNoAuth
    std::uint64_t since = 0; // with a pid: the position of its CONNECT in the log
};

struct FoundConnection {
    ConnectionRef ref;
    SeatRef home;
    Transport transport = Transport::polling;
};

struct FoundSocket {
    SocketRef ref;
    FoundConnection connection;
};

struct Membership {
    bool changed = false;
    std::uint32_t members = 0; // of the room, on this host, afterwards
    bool heard = false;        // set_heard() came since it has members
};

struct SocketRow {
    FoundSocket at;
    std::string id;
    std::string nsp;
    std::string user;
    std::string pid;
    std::uint64_t since = 0;
    std::string auth;
    bool connected = false;         // its CONNECT was answered
    std::vector<std::string> rooms; // in no order, without its own id
    std::optional<Handshake> handshake;
};

struct ConnectionRow {
    FoundConnection at;
    std::string sid;
};

struct RoomRow {
    std::string nsp;
    std::string name;
    std::uint32_t members = 0; // on this host
};

struct PageQuery {
    CellIndex cursor = 0;
    std::uint32_t limit = 256;
};

// A socket's own id is a room of it, too.
struct SocketQuery {
    PageQuery page = {};
    Text nsp = {};                     // empty: any
    std::span<const Text> to = {};     // in one of these rooms; empty: any
    std::span<const Text> except = {}; // and in none of these
    bool connected = false;            // only those whose CONNECT was answered
    bool with_handshake = false;
};

struct ConnectionQuery {
    PageQuery page = {};
    SeatRef home = {}; // empty: any
};

struct RoomQuery {
    PageQuery page = {};
    Text nsp = {}; // empty: any
};

template <class Row> struct Page {
    std::vector<Row> rows;
    CellIndex next = 0; // 0: this was the last page
};

using SocketPage = Page<SocketRow>;
using ConnectionPage = Page<ConnectionRow>;
using RoomPage = Page<RoomRow>;
using NamePage = Page<std::string>;

// Who comes back: to a kept socket of this id. The rest has to be the same.
struct Claim {
    Text id = {};
    Text pid = {};
    Text nsp = {};
    Text user = {};
};

struct KeptSocket {
    std::uint64_t since = 0;
    std::vector<std::string> rooms; // in no order, without its own id
};

// Where a socket lives that somebody comes back to.
struct LiveSocket {
    FoundConnection at;
    std::string sid; // of its connection
};

struct RosterCounts {
    std::uint32_t connections = 0;
    std::uint32_t sockets = 0;
    std::uint32_t rooms = 0;
    std::uint32_t kept = 0;
    std::uint32_t cells_used = 0;
    std::uint32_t cells_free = 0;
};

} // namespace rt::shm
