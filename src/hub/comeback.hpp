// SPDX-License-Identifier: BSD-2-Clause
// A client that asks for an earlier session of its in its CONNECT, until that is found, or not.
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "hub/socket.hpp"

#include <optional>
#include <string>

namespace rt::hub {

class Hub;

// What a client's CONNECT says of its earlier session.
struct Comeback final : Deadline {
    Comeback(Hub &hub_, Handle connection_, Text nsp_) : hub(hub_), connection(connection_), nsp(nsp_) {}

    void on_deadline(Millis now) override; // looks again

    Hub &hub;
    Handle self;
    Handle connection;
    std::string nsp;
    std::string auth; // without what is told here
    std::string pid;
    std::string offset;
    bool has_offset = false;
    bool asked = false; // the home of the session, to end its transport
    Millis until = 0;   // then it is a new client
    SocketId id{};
};

// Pids are secrets; the id that everybody sees tells nothing of them, and is found from them.
// Nothing if the crypto library refuses.
[[nodiscard]] std::optional<SocketId> id_of_pid(Text host, Text pid);

// "pid" and "offset" of a CONNECT's auth object, and the object without them.
struct RecoveryAuth {
    std::string pid; // empty: there is none
    std::string offset;
    bool has_offset = false;
    std::string rest;
};
[[nodiscard]] RecoveryAuth split_auth(Text auth);

} // namespace rt::hub
