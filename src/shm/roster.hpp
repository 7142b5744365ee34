// SPDX-License-Identifier: BSD-2-Clause
// The roster: which connections and sockets this host has, where each lives, and what is known of
// it. Any worker reads and writes it; it survives workers, and rebuilds itself after a kill.
#pragma once

#include "shm/handshake.hpp"
#include "shm/roster_rows.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rt::shm {

struct RosterPlace {
    Lock &lock; // of the region; it must outlive the roster
    Region region;
    MutableBytes area; // of the region, on a cache line
};

// Every call is one locked section; texts are copied out of it before they are looked at. Views
// that go in need to live for the call only.
//
// Errors: gone, the reference finds nothing any more; full, the zone has no room, and nothing
// changed; exists; not_found; too_big; too_many.
class Roster {
public:
    static constexpr std::size_t kMaxSid = sizeof(ConnectionHead::sid);
    static constexpr std::size_t kMaxId = sizeof(SocketHead::id);
    static constexpr std::size_t kMaxPid = 64;
    static constexpr std::size_t kMaxAuth = Cells::kMaxPayload - kMaxPid; // the caller's bound is lower
    static constexpr std::uint64_t kLayout = layout_of({0x726f7374, 2, Cells::kLayout});

    // `key`: random, and never shown to a client.
    static Result<Roster> create(const RosterPlace &place, std::uint64_t key);
    static Result<Roster> attach(const RosterPlace &place);

    // Connections. The sid has 1 to 32 characters. too_many: there are `most` already.
    Result<ConnectionRef> add_connection(const NewConnection &connection);
    Result<FoundConnection> find_connection(Text sid);
    Result<Handshake> handshake_of(ConnectionRef ref);
    Result<ConnectionRow> connection(ConnectionRef ref);
    Result<void> set_home(ConnectionRef ref, SeatRef home);
    Result<void> set_transport(ConnectionRef ref, Transport transport);

    // Only if `from` is its home still, else busy: of those who want it, one gets it.
    Result<void> take_over(ConnectionRef ref, SeatRef from, SeatRef to);

    // With all its sockets, at once.
    Result<void> remove_connection(ConnectionRef ref);

    // Sockets. The id has 1 to 20 characters.
    Result<SocketRef> add_socket(ConnectionRef connection, const NewSocket &socket);
    Result<FoundSocket> find_socket(Text id);
    Result<SocketRow> socket(SocketRef ref);
    Result<std::vector<SocketRow>> sockets_of(ConnectionRef ref);
    Result<void> set_connected(SocketRef ref);
    Result<void> remove_socket(SocketRef ref);

    // Rooms. To join again and to leave what was not joined succeed and change nothing; so does
    // anything about the room with the socket's own id, which is never stored and never listed.
    Result<Membership> join(SocketRef ref, Text room);
    Result<Membership> leave(SocketRef ref, Text room);
    Result<std::vector<std::string>> rooms_of(SocketRef ref); // in no order

    // Pages. Start with cursor 0 and go on with `next` until it is 0; pages may be empty in
    // between. What exists all the while is seen once; what comes or goes meanwhile, perhaps.
    Result<SocketPage> sockets(const SocketQuery &query);
    Result<ConnectionPage> connections(const ConnectionQuery &query);
    Result<RoomPage> rooms(const RoomQuery &query);

    RosterCounts counts();

    // Of those that were added with counts_address.
    std::uint32_t connections_from(Text address);

    // True once after a repair by this process: a worker died in a locked section. Log it.
    [[nodiscard]] bool take_repaired() noexcept { return std::exchange(repaired_, false); }

private:
    // The locked section; the roster is whole in it.
    class Section {
    public:
        explicit Section(Roster &roster);
        ~Section() { cells_.settle(); }
        Section(const Section &) = delete;
        Section &operator=(const Section &) = delete;

    private:
        Locked held_;
        Cells cells_;
    };

    Roster(const RosterPlace &place, Cells cells);

    [[nodiscard]] CellIndex connection_cell(Text sid) const noexcept;
    [[nodiscard]] CellIndex socket_cell(Text id) const noexcept;
    [[nodiscard]] bool is_live(ConnectionRef ref) const noexcept;
    [[nodiscard]] bool is_live(SocketRef ref) const noexcept;

    struct SocketNames {
        CellIndex nsp;
        CellIndex user;
    };

    [[nodiscard]] FoundConnection found_connection(CellIndex cell) const noexcept;
    [[nodiscard]] FoundSocket found_socket(CellIndex cell) const noexcept;

    [[nodiscard]] std::uint32_t rivals(const NewConnection &connection) const noexcept;
    Result<CellIndex> store_connection(const NewConnection &connection);
    Result<CellIndex> store_socket(CellIndex connection, const NewSocket &socket);
    Result<SocketNames> hold_names(const NewSocket &socket);
    void release_values(Text image) noexcept;
    void unlink(CellIndex socket) noexcept;
    void erase_socket(CellIndex socket) noexcept;

    // Flat rows, appended to the scratch under the lock and read after it.
    template <class Append> void put_sized(Append append);
    void put_name(CellIndex name);
    void put_connection(CellIndex cell);
    void put_handshake(CellIndex connection);
    void put_socket(CellIndex cell, bool with_handshake);
    void put_rooms(CellIndex socket);
    [[nodiscard]] bool matches(CellIndex socket, const SocketQuery &query, CellIndex nsp) const noexcept;
    CellIndex scan_sockets(const SocketQuery &query);
    CellIndex scan_connections(const ConnectionQuery &query);
    CellIndex scan_rooms(const RoomQuery &query);
    template <class Put> CellIndex scan(CellKind kind, PageQuery page, Put put);

    void rebuild();
    [[nodiscard]] bool recount_connection(CellIndex cell);
    [[nodiscard]] bool recount_socket(CellIndex cell);

    Lock *lock_;
    Region region_;
    Cells cells_;
    Table table_;
    Names names_;
    std::string scratch_; // reserved: nothing is allocated under the lock
    std::string image_;   // the same, for one packed handshake
    bool repaired_ = false;
};

} // namespace rt::shm
