// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/reaper.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

namespace {

constexpr std::uint32_t kPage = 128; // connections per turn: about a millisecond

engine::TransportKind transport_of(shm::Transport transport) noexcept {
    return transport == shm::Transport::websocket ? engine::TransportKind::websocket
                                                  : engine::TransportKind::polling;
}

} // namespace

bool Reaper::is_orphan(const shm::ConnectionRow &row) const noexcept {
    return row.at.home != shm::kInTransit && !seats_.is_live(row.at.home);
}

bool Reaper::step(Millis now) {
    if (cursor_ == 0 && !std::exchange(again_, false)) {
        return false;
    }
    const Result<shm::ConnectionPage> page = directory_.roster().connections({{cursor_, kPage}, {}});
    cursor_ = page ? page->next : 0;
    for (std::size_t i = 0; page && i < page->rows.size(); ++i) {
        if (is_orphan(page->rows[i])) {
            reap(page->rows[i], now);
        } else if (page->rows[i].at.home == shm::kInTransit) {
            suspect(page->rows[i].at.ref);
        }
    }
    return cursor_ != 0 || again_;
}

void Reaper::suspect(shm::ConnectionRef ref) {
    const bool known = std::ranges::any_of(suspects_, [&](const Suspect &each) { return each.ref == ref; });
    if (!known) {
        suspects_.push_back({ref});
    }
}

// Whoever receives a session settles it in the same turn.
void Reaper::look(bool arrived, Millis now) {
    for (Suspect &each : suspects_) {
        if (!arrived) {
            each.until = 0;
        } else if (each.until == 0) {
            each.until = now + kGrace;
        }
    }
    std::erase_if(suspects_, [&](const Suspect &each) { return is_over(each, now); });
}

// True: it has arrived, or is reaped. Of several workers one takes it.
bool Reaper::is_over(const Suspect &suspect, Millis now) {
    shm::Roster &roster = directory_.roster();
    const Result<shm::ConnectionRow> row = roster.connection(suspect.ref);
    if (!row || row->at.home != shm::kInTransit) {
        return true;
    }
    if (suspect.until == 0 || now < suspect.until) {
        return false;
    }
    if (roster.take_over(suspect.ref, shm::kInTransit, directory_.me())) {
        reap(*row, now);
    }
    return true;
}

void Reaper::reap(const shm::ConnectionRow &row, Millis now) {
    shm::Roster &roster = directory_.roster();
    const Result<shm::Handshake> handshake = roster.handshake_of(row.at.ref);
    const Result<std::vector<shm::SocketRow>> sockets = roster.sockets_of(row.at.ref);
    for (std::size_t i = 0; sockets && i < sockets->size(); ++i) {
        const shm::SocketRow &socket = (*sockets)[i];
        const hub::RecordRef record{socket.at.ref.cell, socket.at.ref.serial};
        const bool kept = socket.connected && hub_.keep(record, now);
        if (!(kept || roster.remove_socket(socket.at.ref)) || !socket.connected) {
            continue; // another took it, or nobody was told that it is there
        }
        hub_.mourn(
            {socket.nsp, socket.id, socket.user, socket.auth, transport_of(row.at.transport),
             handshake ? hub::Captures{handshake->captured_names, handshake->captured} : hub::Captures()},
            now);
    }
    static_cast<void>(roster.remove_connection(row.at.ref));
}

} // namespace rt::cluster
