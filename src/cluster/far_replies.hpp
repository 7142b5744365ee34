// SPDX-License-Identifier: BSD-2-Clause
// The answers of clients that were asked at another host and came here since: they go back to where
// they were asked. All others to who asks on this host.
#pragma once

#include "cluster/relay.hpp"
#include "hub/replies.hpp"

#include <string>

namespace rt::cluster {

class FarReplies final : public hub::Replies {
public:
    // `near`: of this host.
    FarReplies(hub::Replies &near, Relay &relay) noexcept : near_(near), relay_(relay) {}

    void asked(const hub::AskerId &asker, std::span<const Text> sids) override { near_.asked(asker, sids); }
    // A question at another host does not learn where its sockets went; it has its own time.
    void arrived(const hub::AskerId &asker, Text sid) override;
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override;

    // What the other host makes of it. `in`: behind the head.
    static void hear(Reader &in, hub::Replies &near);

private:
    hub::Replies &near_;
    Relay &relay_;
};

} // namespace rt::cluster
