// SPDX-License-Identifier: BSD-2-Clause
// One Socket.IO socket of this worker: one connection in one namespace.
#pragma once

#include "base/ref.hpp"
#include "base/slots.hpp"
#include "hub/directory.hpp"
#include "hub/pending_acks.hpp"
#include "wire/frame.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace rt::hub {

class Connection;
class Namespace;
struct Room;

inline constexpr std::size_t kIdLength = 20; // the sharded adapter takes such a room for a private one

using SocketId = std::array<char, kIdLength>;

// Where a socket stands in a room; the index makes leaving O(1).
struct Membership {
    Room *room;
    std::uint32_t index;
};

// By the server.
enum class PutOut : std::uint8_t { no, socket, connection };

// Frames for a socket whose CONNECT is not answered: they leave behind the answer.
struct Held {
    std::vector<Ref<wire::Frame>> frames;
    std::size_t bytes = 0;
    std::string pid;                           // with recovery
    bool recovered = false;                    // and then
    PutOut put_out = PutOut::no;               // while it was away
    std::vector<Ref<wire::Frame>> missed = {}; // leave before the answer
};

struct Socket {
    Socket(Connection &connection_, Namespace &nsp_, const SocketId &id_)
        : connection(connection_), nsp(nsp_), id(id_) {}

    [[nodiscard]] Text id_text() const noexcept { return {id.data(), id.size()}; }

    // What a broadcast touches stands together.
    Connection &connection;
    std::unique_ptr<Held> held; // while the CONNECT is not answered
    std::uint32_t mark = 0;     // the fan-out that last met it
    std::uint32_t place = 0;    // in its namespace's list
    Namespace &nsp;
    Handle self;
    RecordRef record;
    std::uint32_t waiting = 0; // chains of its that are suspended
    SocketId id;
    bool connected = false; // CONNECT is answered
    std::string user;       // empty: nobody
    std::vector<Membership> memberships;
    std::unique_ptr<std::string> auth; // only if the configuration asks
    PendingAcks pending_acks;          // of events that went to this client
};

} // namespace rt::hub
