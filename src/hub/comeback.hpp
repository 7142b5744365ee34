// SPDX-License-Identifier: BSD-2-Clause
// A client that asks for an earlier session of its in its CONNECT, until that is found, or not.
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "hub/attention.hpp"
#include "hub/cut.hpp"
#include "hub/socket.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::hub {

class Hub;

// A client that came back at another host to a socket that was here: its CONNECT, as far as it
// matters.
struct Guest {
    std::uint64_t number = 0; // at Takeovers
    std::string nsp;
    std::string user;
    std::string pid;
    std::string offset;
    bool has_offset = false;
    std::uint64_t most = 0; // bytes that it may have missed
    std::uint64_t most_rooms = 0;
};

// What another host knows of a socket up to the cut between both.
struct Returned {
    Cut cut;
    std::vector<std::string> rooms;
    std::vector<Ref<wire::Frame>> missed;
    PutOut put_out = PutOut::no; // while it was away
};

// What a client's CONNECT says of its earlier session.
struct Comeback final : Deadline {
    Comeback(Hub &hub_, Handle connection_, Text nsp_) : hub(hub_), connection(connection_), nsp(nsp_) {}

    void on_deadline(Millis now) override; // looks again

    // The host that the client was at last, as far as it knows: that of its offset, or, if it had no
    // event yet, of its pid. Shorter than a host's name if the client made it up.
    [[nodiscard]] Text last_host() const noexcept;

    Hub &hub;
    Handle self;
    Handle connection;
    std::string nsp;
    std::string auth; // without what is told here
    std::string pid;
    std::string offset;
    bool has_offset = false;
    bool asked = false; // the home of the session, to end its transport
    enum class Abroad : std::uint8_t { unasked, asked, refused };
    Abroad abroad = Abroad::unasked;    // the host that it was at last
    std::unique_ptr<Returned> returned; // its answer
    std::unique_ptr<Guest> guest;       // then there is no connection here
    Attention::Hold hold;               // its rooms stand nowhere between its claim and its place
    Millis until = 0;                   // then it is a new client
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
