// SPDX-License-Identifier: BSD-2-Clause
// Reading the roster: rows are copied flat into the scratch under the lock, without allocating,
// and made into values after it.
#include "shm/roster.hpp"

#include <algorithm>

namespace rt::shm {

namespace {

// In one locked section: states that are looked at (a fraction of a millisecond), records of them
// that are compared with what is wanted, and bytes after which a page is full.
constexpr CellIndex kMaxScan = 65536;
constexpr std::uint32_t kMaxCompared = 2048;
constexpr std::uint32_t kMaxRows = 1024;
constexpr std::size_t kMaxPage = 48 * 1024;

FoundConnection read_found_connection(Reader &in) noexcept {
    const ConnectionRef ref{in.get<CellIndex>(), in.get<std::uint32_t>()};
    const SeatRef home = seat_of(in.get<std::uint64_t>());
    return {ref, home, in.get<Transport>()};
}

std::vector<std::string> read_rooms(Reader &in) {
    std::vector<std::string> rooms;
    while (in.get<bool>()) {
        rooms.emplace_back(in.get_text());
    }
    return rooms;
}

SocketRow read_socket(Reader &in) {
    SocketRow row;
    row.at.ref = SocketRef{in.get<CellIndex>(), in.get<std::uint32_t>()};
    row.at.connection = read_found_connection(in);
    row.id = in.get_text();
    row.nsp = in.get_text();
    row.user = in.get_text();
    row.connected = in.get<bool>();
    const auto pid_size = in.get<std::uint8_t>();
    const Text payload = in.get_text();
    row.pid = payload.substr(0, pid_size);
    Reader behind(payload.substr(row.pid.size()));
    row.since = row.pid.empty() ? 0 : behind.get<std::uint64_t>();
    row.auth = behind.at_end() ? kNoAuth : behind.rest();
    row.rooms = read_rooms(in);
    if (in.get<bool>()) {
        if (Result<Handshake> handshake = unpack_handshake(in.get_text()); handshake) {
            row.handshake = std::move(*handshake);
        }
    }
    return row;
}

ConnectionRow read_connection(Reader &in) {
    const FoundConnection at = read_found_connection(in);
    return {at, std::string(in.get_text())};
}

RoomRow read_room(Reader &in) {
    std::string nsp(in.get_text());
    std::string name(in.get_text());
    return {std::move(nsp), std::move(name), in.get<std::uint32_t>()};
}

std::string read_name(Reader &in) { return std::string(in.get_text()); }

template <class Read> auto read_rows(Text flat, Read read) {
    std::vector<decltype(read(std::declval<Reader &>()))> rows;
    for (Reader in(flat); !in.at_end();) {
        rows.push_back(read(in));
    }
    return rows;
}

} // namespace

Result<Handshake> Roster::handshake_of(ConnectionRef ref) {
    {
        const Section held(*this);
        if (!is_live(ref)) {
            return kGone;
        }
        scratch_.clear();
        put_handshake(ref.cell);
    }
    return unpack_handshake(Reader(scratch_).get_text());
}

Result<ConnectionRow> Roster::connection(ConnectionRef ref) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto head = cells_.load<ConnectionHead>(ref.cell);
    return ConnectionRow{found_connection(ref.cell), std::string(id_text(head.sid))};
}

Result<SocketRow> Roster::socket(SocketRef ref) {
    {
        const Section held(*this);
        if (!is_live(ref)) {
            return kGone;
        }
        scratch_.clear();
        put_socket(ref.cell, false);
    }
    Reader in(scratch_);
    return read_socket(in);
}

Result<std::vector<SocketRow>> Roster::sockets_of(ConnectionRef ref) {
    {
        const Section held(*this);
        if (!is_live(ref)) {
            return kGone;
        }
        scratch_.clear();
        CellIndex cell = cells_.load<ConnectionHead>(ref.cell).first_socket;
        for (CellIndex steps = 0; cell != 0 && steps < cells_.count(); ++steps) {
            put_socket(cell, false);
            cell = cells_.load<SocketHead>(cell).next_socket;
        }
    }
    return read_rows(scratch_, read_socket);
}

Result<std::vector<std::string>> Roster::rooms_of(SocketRef ref) {
    {
        const Section held(*this);
        if (!is_live(ref)) {
            return kGone;
        }
        scratch_.clear();
        put_rooms(ref.cell);
    }
    Reader in(scratch_);
    return read_rooms(in);
}

Result<SocketPage> Roster::sockets(const SocketQuery &query) {
    const CellIndex next = scan_sockets(query);
    return SocketPage{read_rows(scratch_, read_socket), next};
}

Result<ConnectionPage> Roster::connections(const ConnectionQuery &query) {
    const CellIndex next = scan_connections(query);
    return ConnectionPage{read_rows(scratch_, read_connection), next};
}

Result<RoomPage> Roster::rooms(const RoomQuery &query) {
    const CellIndex next = scan_rooms(query);
    return RoomPage{read_rows(scratch_, read_room), next};
}

Result<NamePage> Roster::namespaces(const PageQuery &query) {
    const CellIndex next = scan_namespaces(query);
    return NamePage{read_rows(scratch_, read_name), next};
}

CellIndex Roster::scan_sockets(const SocketQuery &query) {
    const Section held(*this);
    scratch_.clear();
    const CellIndex nsp = names_.find({CellKind::nsp, query.nsp});
    if (!query.nsp.empty() && nsp == 0) {
        return 0;
    }
    return scan(CellKind::socket, query.page, [&](CellIndex cell) {
        const bool wanted = matches(cell, query, nsp);
        if (wanted) {
            put_socket(cell, query.with_handshake);
        }
        return wanted;
    });
}

CellIndex Roster::scan_connections(const ConnectionQuery &query) {
    const Section held(*this);
    scratch_.clear();
    return scan(CellKind::connection, query.page, [&](CellIndex cell) {
        const auto head = cells_.load<ConnectionHead>(cell);
        const bool wanted = !query.home || head.home == packed(query.home);
        if (wanted) {
            put_connection(cell);
            Writer(scratch_).put_text(id_text(head.sid));
        }
        return wanted;
    });
}

CellIndex Roster::scan_rooms(const RoomQuery &query) {
    const Section held(*this);
    scratch_.clear();
    const CellIndex nsp = names_.find({CellKind::nsp, query.nsp});
    return scan(CellKind::room, query.page, [&](CellIndex room) {
        const bool wanted = query.nsp.empty() || names_.nsp_of(room) == nsp;
        if (wanted) {
            put_name(names_.nsp_of(room));
            put_name(room);
            Writer(scratch_).put(names_.holders(room));
        }
        return wanted;
    });
}

CellIndex Roster::scan_namespaces(const PageQuery &query) {
    const Section held(*this);
    scratch_.clear();
    return scan(CellKind::nsp, query, [&](CellIndex nsp) {
        put_name(nsp);
        return true;
    });
}

// Calls put(cell), which says whether it put a row, for the committed heads of a kind. The
// cursor of the next page, or 0.
template <class Put> CellIndex Roster::scan(CellKind kind, PageQuery page, Put put) {
    const CellIndex from = std::max(page.cursor, CellIndex{1});
    const CellIndex end = from < cells_.count() ? from + std::min(kMaxScan, cells_.count() - from) : from;
    const std::uint32_t limit = std::clamp(page.limit, 1U, kMaxRows);
    std::uint32_t rows = 0;
    std::uint32_t compared = 0;
    for (CellIndex cell = cells_.next(kind, from, end); cell != 0; cell = cells_.next(kind, cell + 1, end)) {
        if (rows == limit || compared == kMaxCompared || scratch_.size() >= kMaxPage) {
            return cell;
        }
        ++compared;
        rows += put(cell) ? 1 : 0;
    }
    return end < cells_.count() ? end : 0;
}

bool Roster::matches(CellIndex socket, const SocketQuery &query, CellIndex nsp) const noexcept {
    const auto head = cells_.load<SocketHead>(socket);
    if (!query.nsp.empty() && head.nsp != nsp) {
        return false;
    }
    if (query.connected && (head.record.tag & kConnected) == 0) {
        return false;
    }
    const auto is_in = [&](Text room) {
        return id_text(head.id) == room ||
               RoomSlots(cells_, socket).contains(names_.find({CellKind::room, room, head.nsp}));
    };
    return (query.to.empty() || std::ranges::any_of(query.to, is_in)) &&
           std::ranges::none_of(query.except, is_in);
}

// Appends a text whose size is known afterwards.
template <class Append> void Roster::put_sized(Append append) {
    const std::size_t at = scratch_.size();
    Writer(scratch_).put(std::uint32_t{0});
    append();
    const auto size = static_cast<std::uint32_t>(scratch_.size() - at - sizeof(std::uint32_t));
    std::memcpy(scratch_.data() + at, &size, sizeof size);
}

void Roster::put_name(CellIndex name) {
    put_sized([&] { names_.append(scratch_, name); });
}

void Roster::put_connection(CellIndex cell) {
    const FoundConnection found = found_connection(cell);
    Writer out(scratch_);
    out.put(found.ref.cell);
    out.put(found.ref.serial);
    out.put(packed(found.home));
    out.put(found.transport);
}

void Roster::put_handshake(CellIndex connection) {
    image_.clear();
    const bool whole = cells_.read(connection, image_);
    put_sized([&] {
        const std::size_t at = scratch_.size();
        if (!whole || !flatten_handshake(scratch_, image_, names_)) {
            scratch_.resize(at);
        }
    });
}

void Roster::put_socket(CellIndex cell, bool with_handshake) {
    const auto head = cells_.load<SocketHead>(cell);
    Writer out(scratch_);
    out.put(cell);
    out.put(head.record.serial);
    put_connection(head.connection);
    out.put_text(id_text(head.id));
    put_name(head.nsp);
    put_name(head.user);
    out.put((head.record.tag & kConnected) != 0);
    out.put(static_cast<std::uint8_t>(pid_size(head)));
    put_sized([&] { cells_.read(cell, scratch_); });
    put_rooms(cell);
    out.put(with_handshake);
    if (with_handshake) {
        put_handshake(head.connection);
    }
}

void Roster::put_rooms(CellIndex socket) {
    RoomSlots(cells_, socket).each([this](CellIndex room) {
        Writer(scratch_).put(true);
        put_name(room);
    });
    Writer(scratch_).put(false);
}

} // namespace rt::shm
