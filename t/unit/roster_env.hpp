// SPDX-License-Identifier: BSD-2-Clause
// What tests of the roster share: a zone with a roster in it, inputs, and its contents as text.
#pragma once

#include "shm/roster.hpp"
#include "shm_env.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rt::test {

inline constexpr std::uint64_t kLayout = 1;

// The roster of memory that holds a region.
inline Result<shm::Roster> roster_in(MutableBytes memory, shm::Lock &lock) {
    RT_TRY(region, shm::Region::attach(memory, kLayout));
    return shm::Roster::attach({lock, region, region.body()});
}

// A fresh one.
inline Result<shm::Roster> new_roster(MutableBytes memory, shm::Lock &lock) {
    RT_TRY(region, shm::Region::create(memory, kLayout, 2));
    return shm::Roster::create({lock, region, region.body()}, 0x5eed);
}

struct RosterZone {
    explicit RosterZone(std::size_t size) : mapping(size), roster(*new_roster(mapping.memory(), lock)) {}
    Mapping mapping;
    NoLock lock;
    shm::Roster roster;
};

// A text of that size, different for each number.
inline std::string numbered(Text prefix, std::uint32_t number, std::size_t size) {
    std::string text(prefix);
    const std::string digits = std::to_string(number);
    text.append(size > prefix.size() + digits.size() ? size - prefix.size() - digits.size() : 0, '0');
    return text + digits;
}

inline std::string sid_of(std::uint32_t number) { return numbered("host", number, 32); }
inline std::string pid_of(std::uint32_t number) { return numbered("pid-", number, 32); }
inline std::string id_of(std::uint32_t number) { return numbered("host", number, 20); }

// What a Node client's WebSocket handshake brings along behind a proxy.
inline const std::vector<shm::HeaderText> &node_headers() {
    static const std::vector<shm::HeaderText> headers = {
        {"Host", "chat.example.com"},
        {"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"},
        {"Accept-Encoding", "gzip, deflate, br"},
        {"Origin", "https://www.example.com"},
        {"Sec-WebSocket-Version", "13"},
        {"Sec-WebSocket-Key", "OZJLyRmrZQDfbuoV46NYOg=="},
        {"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"},
        {"X-Forwarded-For", "203.0.113.170"},
    };
    return headers;
}

inline shm::HandshakeText node_handshake() {
    return {.created = 1795148285282,
            .address = "203.0.113.170",
            .url = "/socket.io/?EIO=4&transport=websocket",
            .query = "EIO=4&transport=websocket",
            .secure = true,
            .xdomain = true,
            .headers = node_headers()};
}

inline Result<shm::ConnectionRef> add_client(shm::Roster &roster, Text sid, shm::SeatRef home = {1, 1}) {
    return roster.add_connection({sid, home, shm::Transport::websocket, node_handshake()});
}

template <class Ask> auto all_pages(Ask ask) {
    auto page = ask(shm::PageQuery{0, 3});
    auto rows = std::move(page->rows);
    while (page && page->next != 0) {
        page = ask(shm::PageQuery{page->next, 3});
        std::ranges::move(page->rows, std::back_inserter(rows));
    }
    return rows;
}

inline std::vector<shm::SocketRow> all_sockets(shm::Roster &roster, bool with_handshake = false) {
    return all_pages([&](shm::PageQuery page) {
        return roster.sockets({.page = page, .with_handshake = with_handshake});
    });
}

inline std::vector<shm::ConnectionRow> all_connections(shm::Roster &roster) {
    return all_pages([&](shm::PageQuery page) { return roster.connections({page, {}}); });
}

inline std::vector<shm::RoomRow> all_rooms(shm::Roster &roster) {
    return all_pages([&](shm::PageQuery page) { return roster.rooms({page, {}}); });
}

// Everything in the roster, in an order of its own: two equal texts are two equal rosters.
inline std::string contents(shm::Roster &roster) {
    std::multiset<std::string> lines;
    for (const shm::ConnectionRow &row : all_connections(roster)) {
        const Result<shm::Handshake> handshake = roster.handshake_of(row.at.ref);
        lines.insert(
            "connection " + row.sid + " at " + std::to_string(row.at.home.index) + "/" +
            std::to_string(row.at.home.generation) + " by " +
            std::to_string(static_cast<int>(row.at.transport)) + " from " +
            (handshake ? handshake->address + " with " + std::to_string(handshake->headers.size()) : "?"));
    }
    for (shm::SocketRow &row : all_sockets(roster)) {
        std::string line = "socket " + row.id + " in " + row.nsp + " of " + row.user + " pid " + row.pid +
                           " auth " + row.auth + " rooms";
        std::ranges::sort(row.rooms);
        for (const std::string &room : row.rooms) {
            line += " " + room;
        }
        lines.insert(line);
    }
    for (const shm::RoomRow &row : all_rooms(roster)) {
        lines.insert("room " + row.nsp + " " + row.name + " " + std::to_string(row.members));
    }
    // Nobody's claim shows which are there.
    for (std::uint32_t i = 0; i < 40; ++i) {
        if (roster.claim({id_of(i), "nobody", "", ""}, 0).code() == Code::forbidden) {
            lines.insert("kept " + id_of(i));
        }
    }
    lines.insert("all kept " + std::to_string(roster.counts().kept));
    std::string text;
    for (const std::string &line : lines) {
        text += line + "\n";
    }
    return text;
}

// The first thing that does not fit together, or nothing.
inline std::string flaw(shm::Roster &roster) {
    std::multiset<std::string> joined;
    for (const shm::SocketRow &row : all_sockets(roster, true)) {
        const auto found = roster.find_socket(row.id);
        if (!found || found->ref != row.at.ref || !row.handshake) {
            return "socket " + row.id + " is listed and not found";
        }
        const auto siblings = roster.sockets_of(row.at.connection.ref);
        if (!siblings || std::ranges::count(*siblings, row.id, &shm::SocketRow::id) != 1) {
            return "socket " + row.id + " is not among its connection's";
        }
        for (const std::string &room : row.rooms) {
            joined.insert(row.nsp + " " + room);
        }
    }
    for (const shm::ConnectionRow &row : all_connections(roster)) {
        const auto found = roster.find_connection(row.sid);
        if (!found || found->ref != row.at.ref) {
            return "connection " + row.sid + " is listed and not found";
        }
    }
    const auto rooms = all_rooms(roster);
    for (const shm::RoomRow &row : rooms) {
        if (joined.erase(row.nsp + " " + row.name) != row.members) {
            return "room " + row.name + " has another number of members";
        }
    }
    return joined.empty() ? "" : "a room with members is not listed";
}

// Removes all connections and what is kept. Nothing may be left: no record, no name, no used cell.
inline std::string leak(shm::Roster &roster) {
    for (const shm::ConnectionRow &row : all_connections(roster)) {
        if (!roster.remove_connection(row.at.ref)) {
            return "connection " + row.sid + " cannot be removed";
        }
    }
    static_cast<void>(roster.sweep_kept(UINT64_MAX, UINT32_MAX));
    const shm::RosterCounts left = roster.counts();
    return left.connections + left.kept + left.sockets + left.rooms + left.cells_used == 0
               ? ""
               : std::to_string(left.cells_used) + " cells leaked";
}

} // namespace rt::test
