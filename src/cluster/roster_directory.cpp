// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/roster_directory.hpp"

#include <utility>
#include <vector>

namespace rt::cluster {

namespace {

constexpr std::uint32_t kSweepPage = 256;

shm::ConnectionRef connection_ref(hub::RecordRef ref) noexcept { return {ref.cell, ref.serial}; }

shm::SocketRef socket_ref(hub::RecordRef ref) noexcept { return {ref.cell, ref.serial}; }

shm::Claim claim_of(const hub::ClaimText &claim) noexcept {
    return {claim.id, claim.pid, claim.nsp, claim.user};
}

shm::Transport transport_of(engine::TransportKind kind) noexcept {
    return kind == engine::TransportKind::websocket ? shm::Transport::websocket : shm::Transport::polling;
}

} // namespace

RosterDirectory::RosterDirectory(shm::Roster roster, shm::SeatRef me) : roster_(std::move(roster)), me_(me) {}

Result<hub::RecordRef> RosterDirectory::add_connection(Text sid, const hub::Handshake &handshake,
                                                       engine::TransportKind transport) {
    std::vector<shm::HeaderText> headers;
    headers.reserve(handshake.headers.size());
    for (const auto &[name, value] : handshake.headers) {
        headers.push_back({name, value});
    }
    shm::NewConnection row;
    row.sid = sid;
    row.home = me_;
    row.transport = transport_of(transport);
    row.handshake = {handshake.issued,
                     handshake.address,
                     handshake.url,
                     handshake.query,
                     handshake.secure,
                     handshake.xdomain,
                     handshake.counts_address,
                     handshake.captured.names,
                     handshake.captured.values,
                     headers};
    row.most = handshake.most;
    RT_TRY(ref, roster_.add_connection(row));
    return hub::RecordRef{ref.cell, ref.serial};
}

// A record that has gone meanwhile was removed by whoever found this worker dead: nothing is
// left to keep in step.
void RosterDirectory::set_transport(hub::RecordRef connection, engine::TransportKind transport) {
    static_cast<void>(roster_.set_transport(connection_ref(connection), transport_of(transport)));
}

void RosterDirectory::settle(hub::RecordRef connection) {
    static_cast<void>(roster_.set_home(connection_ref(connection), me_));
}

void RosterDirectory::hand_over(hub::RecordRef connection, std::uint32_t seat,
                                std::uint32_t seat_generation) {
    static_cast<void>(roster_.set_home(connection_ref(connection), {seat, seat_generation}));
}

void RosterDirectory::remove_connection(hub::RecordRef connection) {
    static_cast<void>(roster_.remove_connection(connection_ref(connection)));
}

Result<hub::RecordRef> RosterDirectory::add_socket(hub::RecordRef connection, const hub::SocketText &socket) {
    const Text auth = socket.auth.size() <= shm::Roster::kMaxAuth ? socket.auth : Text();
    const shm::NewSocket row{socket.id, socket.nsp, socket.user, socket.pid, auth, socket.since};
    RT_TRY(ref, roster_.add_socket(connection_ref(connection), row));
    if (watch_ != nullptr) {
        watch_->on_socket_added(socket.nsp, socket.id);
    }
    return hub::RecordRef{ref.cell, ref.serial};
}

void RosterDirectory::set_connected(hub::RecordRef socket) {
    static_cast<void>(roster_.set_connected(socket_ref(socket)));
}

void RosterDirectory::remove_socket(hub::RecordRef socket) {
    static_cast<void>(roster_.remove_socket(socket_ref(socket)));
}

Result<void> RosterDirectory::keep(hub::RecordRef socket, Millis until) {
    return roster_.keep(socket_ref(socket), static_cast<std::uint64_t>(until));
}

Result<hub::KeptSocket> RosterDirectory::claim(const hub::ClaimText &claim, Millis now) {
    RT_TRY(kept, roster_.claim(claim_of(claim), static_cast<std::uint64_t>(now)));
    return hub::KeptSocket{kept.since, std::move(kept.rooms)};
}

Result<hub::LiveSession> RosterDirectory::find_claimed(const hub::ClaimText &claim) {
    RT_TRY(live, roster_.find_claimed(claim_of(claim)));
    return hub::LiveSession{std::move(live.sid), live.at.home.index, live.at.home.generation};
}

Result<std::uint32_t> RosterDirectory::join(hub::RecordRef socket, Text room) {
    RT_TRY(joined, roster_.join(socket_ref(socket), room));
    if (watches_rooms_ && joined.changed && !joined.heard) {
        if (const Result<shm::SocketRow> row = roster_.socket(socket_ref(socket)); row) {
            watch_->on_room_unheard(row->nsp, room, joined.members == 1);
        }
    }
    return joined.members;
}

void RosterDirectory::leave(hub::RecordRef socket, Text room) {
    static_cast<void>(roster_.leave(socket_ref(socket), room));
}

Result<hub::RecordRef> RosterDirectory::attend(Millis until) {
    if (watch_ == nullptr) {
        return hub::RecordRef{};
    }
    RT_TRY(ref, roster_.attend(static_cast<std::uint64_t>(until)));
    return hub::RecordRef{ref.cell, ref.serial};
}

bool RosterDirectory::attends(hub::RecordRef attention) {
    return watch_ == nullptr || roster_.attends({attention.cell, attention.serial});
}

bool RosterDirectory::let_go(hub::RecordRef attention) {
    return watch_ == nullptr || roster_.let_go({attention.cell, attention.serial});
}

bool RosterDirectory::knows_socket(Text id) { return static_cast<bool>(roster_.find_socket(id)); }

std::optional<shm::SeatRef> RosterDirectory::home_of(Text sid) {
    if (sid.empty() || sid.size() > shm::Roster::kMaxSid) {
        return std::nullopt;
    }
    const Result<shm::FoundConnection> found = roster_.find_connection(sid);
    if (!found) {
        return std::nullopt;
    }
    return found->home;
}

void RosterDirectory::disown(Text sid) {
    const Result<shm::FoundConnection> found = roster_.find_connection(sid);
    if (found && found->home == me_) {
        static_cast<void>(roster_.remove_connection(found->ref));
    }
}

std::size_t RosterDirectory::sweep(shm::SeatRef dead) {
    std::size_t swept = 0;
    shm::ConnectionQuery query{{0, kSweepPage}, dead};
    do {
        const Result<shm::ConnectionPage> page = roster_.connections(query);
        if (!page) {
            break;
        }
        for (const shm::ConnectionRow &row : page->rows) {
            static_cast<void>(roster_.remove_connection(row.at.ref));
        }
        swept += page->rows.size();
        query.page.cursor = page->next;
    } while (query.page.cursor != 0);
    return swept;
}

} // namespace rt::cluster
