// SPDX-License-Identifier: BSD-2-Clause
// What the servers of a cluster say to each other, in whatever dialect: broadcasts, orders for
// sockets, questions and their answers (@socket.io/redis-adapter, classic and sharded).
#pragma once

#include "hub/bus.hpp"

#include <cstdint>
#include <vector>

namespace rt::cluster {

enum class Says : std::uint8_t {
    // Nobody answers. Whom it means stands in envelope.to and envelope.except.
    broadcast,  // envelope.data and envelope.attachments
    join,       // envelope.rooms
    leave,      // envelope.rooms
    disconnect, // envelope.close

    // Questions; request_id is theirs.
    ask,         // a broadcast whose acks are wanted, envelope.asker.timeout milliseconds long at most
    list_ids,    // of the sockets in the rooms of envelope.to
    list_rooms,  // of all sockets
    fetch,       // the sockets that envelope.to and envelope.except mean
    server_emit, // envelope.data; an answer is wanted if there is a request_id

    // Answers; request_id is the question's.
    client_count,  // how many clients were asked, in `count`
    client_ack,    // envelope.data is the client's first argument, with envelope.attachments; may be empty
    ids,           // texts; classic: an empty list comes as `fetched`, which looks the same
    rooms,         // texts
    fetched,       // envelope.data is a JSON array of sockets
    server_answer, // envelope.data is one JSON value
    done,          // of an order in the old form
};

[[nodiscard]] constexpr bool is_answer(Says says) noexcept { return says >= Says::client_count; }

struct PeerMessage {
    Says says = Says::broadcast;
    Text nsp;
    Text uid; // whoever said it; "emitter" of no server
    // Of a broadcast of a host of ours, whose uid this is then without the number: 1, 2, 3, ...
    // (decisions.md, ruling 4). 0: none.
    std::uint64_t number = 0;
    Text request_id;
    hub::Envelope envelope; // heard: as it goes into the log, `remote`
    std::uint32_t count = 0;
    std::vector<Text> texts;
    // An order in the form that versions before 6 sent: for one socket, envelope.to, whose server
    // alone answers `done`.
    bool old_form = false;

    // Keeps the capacity.
    void clear() noexcept;
};

// Of a host of ours: as long as no Node server's uid is (6 or 16 characters), in base64url.
inline constexpr std::size_t kHostUid = 11;

} // namespace rt::cluster
