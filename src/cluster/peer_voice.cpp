// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/peer_voice.hpp"

#include "wire/resp.hpp"

#include <array>

namespace rt::cluster {

bool PeerVoice::say(const PeerMessage &message, Text to) {
    dialect_.say(message, to, scratch_);
    if (scratch_.channel.empty()) {
        return false;
    }
    const std::array<Text, 3> command = {dialect_.publish_verb(), scratch_.channel, scratch_.payload};
    const std::size_t size = scratch_.payload.size();
    if (!line_.send(command, {LineUser::voice, size})) {
        return false;
    }
    ++unanswered_;
    pace_.said(size);
    return true;
}

bool PeerVoice::count(Text nsp, Cookie cookie) {
    const std::string channel = dialect_.count_channel(nsp);
    const std::array<Text, 3> command = {"PUBSUB", dialect_.count_verb(), channel};
    return line_.send(command, cookie);
}

// The channel, and its number of subscriptions.
std::optional<std::uint32_t> PeerVoice::servers_in(const wire::RespValue &reply) {
    const wire::RespValue count = reply[1];
    if (reply.size() != 2 || !count.is(wire::RespKind::integer) || count.integer() < 0 ||
        count.integer() > UINT32_MAX) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(count.integer());
}

} // namespace rt::cluster
