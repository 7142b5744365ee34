// SPDX-License-Identifier: BSD-2-Clause
#include "shm/roster.hpp"

namespace rt::shm {

namespace {

// The largest page with its last row, in most cases.
constexpr std::size_t kScratch = 128 * 1024;

} // namespace

Roster::Section::Section(Roster &roster) : held_(*roster.lock_, roster.region_), cells_(roster.cells_) {
    if (cells_.whole_at() != held_.wounds()) {
        if (!cells_.undo()) {
            roster.rebuild();
        }
        cells_.set_whole_at(held_.wounds());
        roster.repaired_ = true;
    }
}

Roster::Roster(const RosterPlace &place, Cells cells)
    : lock_(&place.lock), region_(place.region), cells_(cells), table_(cells), names_(cells) {
    scratch_.reserve(kScratch);
    image_.reserve(kMaxHandshake);
}

Result<Roster> Roster::create(const RosterPlace &place, std::uint64_t key) {
    RT_TRY(cells, Cells::create(place.area, key));
    return Roster(place, cells);
}

Result<Roster> Roster::attach(const RosterPlace &place) {
    RT_TRY(cells, Cells::attach(place.area));
    return Roster(place, cells);
}

Result<ConnectionRef> Roster::add_connection(const NewConnection &connection) {
    const Section held(*this);
    if (connection_cell(connection.sid) != 0) {
        return Error{Code::exists, "session is in the roster already"};
    }
    if (connection.most != 0 && rivals(connection) >= connection.most) {
        return Error{Code::too_many, "as many connections as there may be"};
    }
    RT_TRY(cell, with_room([&] { return store_connection(connection); }));
    return ConnectionRef{cell, cells_.load<RecordHead>(cell).serial};
}

// The connections that share the bound of this one.
std::uint32_t Roster::rivals(const NewConnection &connection) const noexcept {
    if (!connection.handshake.counts_address) {
        return cells_.records(CellKind::connection);
    }
    const CellIndex name = names_.find({CellKind::value, AddressKey(connection.handshake.address).text()});
    return name == 0 ? 0 : names_.holders(name);
}

Result<CellIndex> Roster::store_connection(const NewConnection &connection) {
    ConnectionHead head{};
    if (!set_id(head.sid, connection.sid)) {
        return Error{Code::too_big, "session id of a wrong size"};
    }
    image_.clear();
    if (const Result<void> packed = pack_handshake(image_, connection.handshake, names_); !packed) {
        release_values(image_);
        return packed.error();
    }
    const Result<CellIndex> cell = cells_.make(CellKind::connection, image_.size());
    if (!cell) {
        release_values(image_);
        return cell.error();
    }
    head.record = cells_.load<RecordHead>(*cell);
    head.record.tag = static_cast<std::uint8_t>(connection.transport);
    head.home = packed(connection.home);
    cells_.store(*cell, head);
    cells_.write(*cell, image_);
    table_.insert(*cell, table_.hash(CellKind::connection, connection.sid));
    cells_.commit(*cell);
    return cell;
}

Result<FoundConnection> Roster::find_connection(Text sid) {
    const Section held(*this);
    const CellIndex cell = connection_cell(sid);
    if (cell == 0) {
        return Error{Code::not_found, "no such session"};
    }
    return found_connection(cell);
}

Result<void> Roster::set_home(ConnectionRef ref, SeatRef home) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    cells_.patch(ref.cell, &ConnectionHead::home, packed(home));
    return {};
}

Result<void> Roster::set_transport(ConnectionRef ref, Transport transport) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    cells_.patch(ref.cell, &RecordHead::tag, static_cast<std::uint8_t>(transport));
    return {};
}

Result<void> Roster::take_over(ConnectionRef ref, SeatRef from, SeatRef to) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    if (cells_.load<ConnectionHead>(ref.cell).home != packed(from)) {
        return Error{Code::busy, "session has another home by now"};
    }
    cells_.patch(ref.cell, &ConnectionHead::home, packed(to));
    return {};
}

// A kill after retract() leaves sockets without a connection: the rebuild drops them.
Result<void> Roster::remove_connection(ConnectionRef ref) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto head = cells_.load<ConnectionHead>(ref.cell);
    image_.clear();
    cells_.read(ref.cell, image_);
    table_.remove(ref.cell);
    cells_.retract(ref.cell);
    CellIndex socket = head.first_socket;
    while (cells_.is_committed(socket, CellKind::socket)) {
        const CellIndex next = cells_.load<SocketHead>(socket).next_socket;
        erase_socket(socket);
        socket = next;
    }
    release_values(image_);
    cells_.reclaim(ref.cell);
    return {};
}

Result<SocketRef> Roster::add_socket(ConnectionRef connection, const NewSocket &socket) {
    const Section held(*this);
    if (!is_live(connection)) {
        return kGone;
    }
    if (socket_cell(socket.id) != 0) {
        return Error{Code::exists, "socket is in the roster already"};
    }
    RT_TRY(cell, with_room([&] { return store_socket(connection.cell, socket); }));
    return SocketRef{cell, cells_.load<RecordHead>(cell).serial};
}

Result<CellIndex> Roster::store_socket(CellIndex connection, const NewSocket &socket) {
    SocketHead head{};
    if (!set_id(head.id, socket.id) || socket.pid.size() > kMaxPid || socket.auth.size() > kMaxAuth) {
        return Error{Code::too_big, "socket's id, pid or auth of a wrong size"};
    }
    scratch_.assign(socket.pid);
    if (!socket.pid.empty()) {
        Writer(scratch_).put(socket.since);
    }
    scratch_.append(socket.auth == kNoAuth ? Text() : socket.auth);
    RT_TRY(names, hold_names(socket));
    const Result<CellIndex> cell = cells_.make(CellKind::socket, scratch_.size());
    if (!cell) {
        names_.release(names.user);
        names_.release(names.nsp);
        return cell.error();
    }
    head.record = cells_.load<RecordHead>(*cell);
    head.record.tag = static_cast<std::uint8_t>(socket.pid.size());
    head.connection = connection;
    head.next_socket = cells_.load<ConnectionHead>(connection).first_socket;
    head.nsp = names.nsp;
    head.user = names.user;
    cells_.store(*cell, head);
    cells_.write(*cell, scratch_);
    table_.insert(*cell, table_.hash(CellKind::socket, socket.id));
    cells_.patch(connection, &ConnectionHead::first_socket, *cell);
    cells_.commit(*cell);
    return cell;
}

// The namespace first: a room or user of it is never held without.
Result<Roster::SocketNames> Roster::hold_names(const NewSocket &socket) {
    RT_TRY(nsp, names_.hold({CellKind::nsp, socket.nsp}));
    if (socket.user.empty()) {
        return SocketNames{nsp, 0};
    }
    const Result<CellIndex> user = names_.hold({CellKind::user, socket.user});
    if (!user) {
        names_.release(nsp);
        return user.error();
    }
    return SocketNames{nsp, *user};
}

Result<FoundSocket> Roster::find_socket(Text id) {
    const Section held(*this);
    const CellIndex cell = socket_cell(id);
    if (cell == 0) {
        return Error{Code::not_found, "no such socket"};
    }
    return found_socket(cell);
}

Result<void> Roster::set_connected(SocketRef ref) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto tag = cells_.load<RecordHead>(ref.cell).tag;
    cells_.patch(ref.cell, &RecordHead::tag, static_cast<std::uint8_t>(tag | kConnected));
    return {};
}

Result<void> Roster::remove_socket(SocketRef ref) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    unlink(ref.cell);
    erase_socket(ref.cell);
    return {};
}

Result<Membership> Roster::join(SocketRef ref, Text room) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto head = cells_.load<SocketHead>(ref.cell);
    if (id_text(head.id) == room) {
        return Membership{false, 1};
    }
    RoomSlots slots(cells_, ref.cell);
    const Names::Key key{CellKind::room, room, head.nsp};
    if (const CellIndex known = names_.find(key); slots.contains(known)) {
        return Membership{false, names_.holders(known), names_.is_marked(known)};
    }
    RT_TRY(name, with_room([&] { return names_.hold(key); }));
    if (const Result<void> added = with_room([&] { return slots.add(name); }); !added) {
        names_.release(name);
        return added.error();
    }
    return Membership{true, names_.holders(name), names_.is_marked(name)};
}

bool Roster::concerns(Text nsp, Text room) {
    const Section held(*this);
    if (cells_.records(CellKind::kept) != 0 || socket_cell(room) != 0) {
        return true;
    }
    return room_cell(nsp, room) != 0;
}

CellIndex Roster::room_cell(Text nsp, Text room) const noexcept {
    const CellIndex name = names_.find({CellKind::nsp, nsp});
    return name != 0 ? names_.find({CellKind::room, room, name}) : 0;
}

void Roster::set_heard(Text nsp, Text room) {
    const Section held(*this);
    names_.mark(room_cell(nsp, room));
}

Result<Membership> Roster::leave(SocketRef ref, Text room) {
    const Section held(*this);
    if (!is_live(ref)) {
        return kGone;
    }
    const auto head = cells_.load<SocketHead>(ref.cell);
    if (id_text(head.id) == room) {
        return Membership{false, 1};
    }
    const CellIndex name = names_.find({CellKind::room, room, head.nsp});
    const std::uint32_t members = name != 0 ? names_.holders(name) : 0;
    if (!RoomSlots(cells_, ref.cell).remove(name)) {
        return Membership{false, members};
    }
    names_.release(name);
    return Membership{true, members - 1};
}

RosterCounts Roster::counts() {
    const Section held(*this);
    return {.connections = cells_.records(CellKind::connection),
            .sockets = cells_.records(CellKind::socket),
            .rooms = cells_.records(CellKind::room),
            .kept = cells_.records(CellKind::kept),
            .cells_used = cells_.used(),
            .cells_free = cells_.free()};
}

std::uint32_t Roster::connections_from(Text address) {
    const Section held(*this);
    const CellIndex name = names_.find({CellKind::value, AddressKey(address).text()});
    return name == 0 ? 0 : names_.holders(name);
}

FoundConnection Roster::found_connection(CellIndex cell) const noexcept {
    const auto head = cells_.load<ConnectionHead>(cell);
    const auto transport = head.record.tag == 0 ? Transport::polling : Transport::websocket;
    return {{cell, head.record.serial}, seat_of(head.home), transport};
}

FoundSocket Roster::found_socket(CellIndex cell) const noexcept {
    const auto head = cells_.load<SocketHead>(cell);
    return {{cell, head.record.serial}, found_connection(head.connection)};
}

CellIndex Roster::connection_cell(Text sid) const noexcept {
    return table_.find(CellKind::connection, table_.hash(CellKind::connection, sid),
                       [&](CellIndex cell) { return id_text(cells_.load<ConnectionHead>(cell).sid) == sid; });
}

CellIndex Roster::socket_cell(Text id) const noexcept {
    return table_.find(CellKind::socket, table_.hash(CellKind::socket, id),
                       [&](CellIndex cell) { return id_text(cells_.load<SocketHead>(cell).id) == id; });
}

bool Roster::is_live(ConnectionRef ref) const noexcept {
    return cells_.is_committed(ref.cell, CellKind::connection) &&
           cells_.load<RecordHead>(ref.cell).serial == ref.serial;
}

bool Roster::is_live(SocketRef ref) const noexcept {
    return cells_.is_committed(ref.cell, CellKind::socket) &&
           cells_.load<RecordHead>(ref.cell).serial == ref.serial;
}

void Roster::release_values(Text image) noexcept {
    PackedHandshake packed(image);
    while (packed.next()) {
        names_.release(packed.entry().interned);
    }
}

// Takes a socket out of its connection's list.
void Roster::unlink(CellIndex socket) noexcept {
    const auto head = cells_.load<SocketHead>(socket);
    CellIndex at = cells_.load<ConnectionHead>(head.connection).first_socket;
    if (at == socket) {
        cells_.patch(head.connection, &ConnectionHead::first_socket, head.next_socket);
        return;
    }
    for (CellIndex steps = 0; at != 0 && steps < cells_.count(); ++steps) {
        const CellIndex next = cells_.load<SocketHead>(at).next_socket;
        if (next == socket) {
            cells_.patch(at, &SocketHead::next_socket, head.next_socket);
            return;
        }
        at = next;
    }
}

void Roster::erase_socket(CellIndex socket) noexcept {
    const auto head = cells_.load<SocketHead>(socket);
    table_.remove(socket);
    cells_.retract(socket);
    RoomSlots(cells_, socket).each([this](CellIndex room) { names_.release(room); });
    names_.release(head.user);
    names_.release(head.nsp);
    cells_.reclaim(socket);
}

} // namespace rt::shm
