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
    static constexpr std::size_t kMaxAuth =
        Cells::kMaxPayload - prefix_size(kMaxPid); // the caller's bound is lower
    static constexpr std::uint64_t kLayout = layout_of({0x726f7374, 3, Cells::kLayout});

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
    // What other hosts say to the room is heard here. Nothing, if it has no member.
    void set_heard(Text nsp, Text room);

    // Kept sockets (roster_kept.cpp): found by nothing but claim(), and in nobody's way: where the
    // zone is full they give their room to whatever comes, the oldest first. `until` and `now` in
    // milliseconds of the monotonic clock.

    // In place of remove_socket. not_found: it has no pid, and nothing changed. too_big: its names
    // take more than one record holds.
    Result<void> keep(SocketRef ref, std::uint64_t until);

    // Takes a kept socket out of the roster: of those who ask, one gets it. not_found: there is
    // none, or its time is over; forbidden: it is another's, and stays.
    Result<KeptSocket> claim(const Claim &claim, std::uint64_t now);

    // The same socket while it still lives. not_found; forbidden.
    Result<LiveSocket> find_claimed(const Claim &claim);

    // A kept record of no socket: everything concerns this host until let_go(), or that time, or until
    // it gives room to another record.
    Result<AttentionRef> attend(std::uint64_t until);
    [[nodiscard]] bool attends(AttentionRef ref);
    // False: it had gone.
    bool let_go(AttentionRef ref);

    // Removes kept ones whose time is over, `most` at most. Returns how many there were.
    std::size_t sweep_kept(std::uint64_t now, std::size_t most);

    // How many kept ones gave room by this process since the last call.
    [[nodiscard]] std::uint32_t take_evicted() noexcept { return std::exchange(evicted_, 0); }

    // Could anybody of this host mean something by it? A room's member, a socket of this id, a kept
    // socket, whose rooms are not known here, or who attends to everything.
    bool concerns(Text nsp, Text room);

    // Pages. Start with cursor 0 and go on with `next` until it is 0; pages may be empty in
    // between. What exists all the while is seen once; what comes or goes meanwhile, perhaps.
    Result<SocketPage> sockets(const SocketQuery &query);
    Result<ConnectionPage> connections(const ConnectionQuery &query);
    Result<RoomPage> rooms(const RoomQuery &query);
    Result<NamePage> namespaces(const PageQuery &query); // that have a socket, or had one just now

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
    [[nodiscard]] CellIndex room_cell(Text nsp, Text room) const noexcept;
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

    [[nodiscard]] CellIndex kept_cell(Text id) const noexcept;
    [[nodiscard]] bool is_attention(AttentionRef ref) const noexcept;
    void link_kept(CellIndex cell) noexcept;
    void erase_kept(CellIndex cell) noexcept;
    [[nodiscard]] bool evict();
    // What is made under the lock; kept sockets go until there is room for it.
    template <class Make> auto with_room(Make make) {
        auto made = make();
        while (made.code() == Code::full && evict()) {
            made = make();
        }
        return made;
    }

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
    CellIndex scan_namespaces(const PageQuery &query);
    template <class Put> CellIndex scan(CellKind kind, PageQuery page, Put put);

    void rebuild();
    [[nodiscard]] bool recount_connection(CellIndex cell);
    [[nodiscard]] bool recount_socket(CellIndex cell);
    [[nodiscard]] bool recount_kept(CellIndex cell);
    void sort_kept() noexcept;
    [[nodiscard]] CellIndex merge_kept(CellIndex a, CellIndex b) noexcept;

    Lock *lock_;
    Region region_;
    Cells cells_;
    Table table_;
    Names names_;
    std::string scratch_; // reserved: nothing is allocated under the lock
    std::string image_;   // the same, for one packed handshake
    std::uint32_t evicted_ = 0;
    bool repaired_ = false;
};

} // namespace rt::shm
