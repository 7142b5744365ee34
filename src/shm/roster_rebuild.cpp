// SPDX-License-Identifier: BSD-2-Clause
// After a death in a locked section that cannot be undone: what is committed and makes sense stays,
// everything derived from it is made anew. Killed in the middle, the next holder starts it again from the
// top.
#include "shm/roster.hpp"

namespace rt::shm {

void Roster::rebuild() {
    cells_.distrust();
    cells_.mark();
    names_.begin_count();
    cells_.each(CellKind::connection, [this](CellIndex cell) {
        if (!recount_connection(cell)) {
            cells_.reject(cell);
        }
    });
    cells_.each(CellKind::socket, [this](CellIndex cell) {
        if (!recount_socket(cell)) {
            cells_.reject(cell);
        }
    });
    cells_.each(CellKind::kept, [this](CellIndex cell) {
        if (!recount_kept(cell)) {
            cells_.reject(cell);
        }
    });
    sort_kept();
    names_.end_count();
    cells_.sweep();
    cells_.settle();
}

bool Roster::recount_connection(CellIndex cell) {
    const auto head = cells_.load<ConnectionHead>(cell);
    const Text sid = id_text(head.sid);
    image_.clear();
    if (sid.empty() || connection_cell(sid) != 0 || !cells_.read(cell, image_)) {
        return false;
    }
    PackedHandshake check(image_);
    while (check.next()) {
        if (check.entry().interned != 0 && !names_.is(check.entry().interned, CellKind::value)) {
            return false;
        }
    }
    if (!check.ok()) {
        return false;
    }
    PackedHandshake packed(image_);
    while (packed.next()) {
        names_.count(packed.entry().interned);
    }
    cells_.patch(cell, &ConnectionHead::first_socket, 0);
    table_.insert(cell, table_.hash(CellKind::connection, sid));
    return true;
}

bool Roster::recount_socket(CellIndex cell) {
    const auto head = cells_.load<SocketHead>(cell);
    const Text id = id_text(head.id);
    const bool user_fits = head.user == 0 || names_.is(head.user, CellKind::user);
    if (id.empty() || socket_cell(id) != 0 || !cells_.is_committed(head.connection, CellKind::connection) ||
        !names_.is(head.nsp, CellKind::nsp) || !user_fits || prefix_size(pid_size(head)) > head.record.size) {
        return false;
    }
    names_.count(head.nsp);
    names_.count(head.user);
    RoomSlots(cells_, cell).keep_if([&](CellIndex room) {
        const bool fits = names_.is(room, CellKind::room) && names_.nsp_of(room) == head.nsp;
        names_.count(fits ? room : 0);
        return fits;
    });
    cells_.patch(cell, &SocketHead::next_socket, cells_.load<ConnectionHead>(head.connection).first_socket);
    cells_.patch(head.connection, &ConnectionHead::first_socket, cell);
    table_.insert(cell, table_.hash(CellKind::socket, id));
    return true;
}

} // namespace rt::shm
