// SPDX-License-Identifier: BSD-2-Clause
// Server-to-client acks: what the worker that has the sockets tells whoever asks them
// (Envelope::asker). An asker that has gone hears nothing.
#pragma once

#include "hub/bus.hpp"
#include "hub/payload.hpp"

#include <span>

namespace rt::hub {

// All views are valid during the call.
class Replies {
public:
    virtual ~Replies() = default;

    // This worker has read the question, and asked these sockets of it; maybe none. Once.
    virtual void asked(const AskerId &asker, std::span<const Text> sids) = 0;

    // A socket that owes an answer came from another worker, or was asked when it came.
    virtual void arrived(const AskerId &asker, Text sid) = 0;

    // A socket that owes an answer goes to another host, and may answer from there.
    virtual void departed(const AskerId &asker, Text sid) = 0;

    // `args.json` is the array of what the client answered.
    virtual void answered(const AskerId &asker, Text sid, const Payload &args) = 0;
};

} // namespace rt::hub
