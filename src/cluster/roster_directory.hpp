// SPDX-License-Identifier: BSD-2-Clause
// The hub's view of the roster in shared memory, for one worker: every record it adds is its
// own, and a session's home is found for any sid.
#pragma once

#include "cluster/homes.hpp"
#include "hub/attention.hpp"
#include "shm/roster.hpp"

#include <optional>

namespace rt::cluster {

// Which changes of the roster others have to hear of.
class RosterWatch {
public:
    virtual ~RosterWatch() = default;
    virtual void on_socket_added(Text nsp, Text id) = 0;
    // Somebody joined a room that is not heard yet; `begins`: as its first member on this host.
    virtual void on_room_unheard(Text nsp, Text room, bool begins) = 0;
};

class RosterDirectory final : public hub::Directory, public HomeFinder {
public:
    RosterDirectory(shm::Roster roster, shm::SeatRef me);

    Result<hub::RecordRef> add_connection(Text sid, const hub::Handshake &handshake,
                                          engine::TransportKind transport) override;
    void set_transport(hub::RecordRef connection, engine::TransportKind transport) override;
    void settle(hub::RecordRef connection) override;
    void hand_over(hub::RecordRef connection, std::uint32_t seat, std::uint32_t seat_generation) override;
    void remove_connection(hub::RecordRef connection) override;
    Result<hub::RecordRef> add_socket(hub::RecordRef connection, const hub::SocketText &socket) override;
    void set_connected(hub::RecordRef socket) override;
    void remove_socket(hub::RecordRef socket) override;
    Result<void> keep(hub::RecordRef socket, Millis until) override;
    Result<hub::KeptSocket> claim(const hub::ClaimText &claim, Millis now) override;
    Result<hub::LiveSession> find_claimed(const hub::ClaimText &claim) override;
    Result<std::uint32_t> join(hub::RecordRef socket, Text room) override;
    void leave(hub::RecordRef socket, Text room) override;
    // Without a watch nothing is heard from others, and there is nothing to attend to.
    Result<hub::RecordRef> attend(Millis until) override;
    [[nodiscard]] bool attends(hub::RecordRef attention) override;
    bool let_go(hub::RecordRef attention) override;
    [[nodiscard]] hub::Attention &attention() noexcept override { return attention_; }
    [[nodiscard]] bool knows_socket(Text id) override;

    // Where the session of this sid lives.
    [[nodiscard]] std::optional<shm::SeatRef> home_of(Text sid) override;
    void disown(Text sid) override;

    // A worker died: its connections and sockets leave the roster. Returns how many there were.
    std::size_t sweep(shm::SeatRef dead);

    // From here on it is told; of rooms only if it asks for that. It must outlive this.
    void watch(RosterWatch &watch, bool rooms) noexcept {
        watch_ = &watch;
        watches_rooms_ = rooms;
    }

    [[nodiscard]] shm::Roster &roster() noexcept { return roster_; }
    [[nodiscard]] shm::SeatRef me() const noexcept { return me_; }

private:
    shm::Roster roster_;
    shm::SeatRef me_;
    RosterWatch *watch_ = nullptr;
    bool watches_rooms_ = false;
    hub::Attention attention_{*this};
};

} // namespace rt::cluster
