// SPDX-License-Identifier: BSD-2-Clause
// How servers of one cluster write what they say: channels, payloads, and what has to be
// subscribed to. Two are spoken: classic and sharded. No state but scratch.
#pragma once

#include "base/result.hpp"
#include "cluster/peer_message.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::cluster {

struct Publication {
    std::string channel;
    std::string payload;
};

struct Subscription {
    enum class Kind : std::uint8_t { channel, pattern, shard };
    Kind kind = Kind::channel;
    std::string name;

    bool operator==(const Subscription &) const = default;
};

// Told by a channel's name alone.
struct ChannelPlace {
    enum class Kind : std::uint8_t { foreign, broadcast, request, response };
    Kind kind = Kind::foreign;
    Text nsp;
    // Of a broadcast to exactly one room: who has no member there need not decode it. Empty:
    // nothing is known (a room may have the empty name, too).
    Text room;
};

// Whose a message is. Empty: it takes decoding to know.
struct PeerUid {
    Text uid;
    std::uint64_t number = 0; // as PeerMessage has it
};

class Dialect {
public:
    virtual ~Dialect() = default;

    // Of a broadcast that is not decoded. Of one that is not as all servers write it, anything.
    [[nodiscard]] virtual PeerUid sender_of(Bytes) const noexcept { return {}; }

    [[nodiscard]] virtual ChannelPlace place_of(Text channel) const noexcept = 0;

    // The message, whose views live until the next call, as long as channel and payload do.
    // Errors: protocol, too_deep, bad_utf8 and the like: malformed, whoever sent it. not_found: of
    // no concern to us (an unknown type, of a namespace that the channel does not say). The echo of
    // a broadcast of our own may come with no more than its uid and number.
    virtual Result<const PeerMessage *> hear(Text channel, Bytes payload) = 0;

    // Overwrites `into`. `to`: the uid of the one that is answered; empty for anything but answers.
    // A channel that is left empty: there is nothing to send, for the dialect has no such message,
    // or the data is no valid JSON. The uid is that of this host, whatever the message names.
    virtual void say(const PeerMessage &message, Text to, Publication &into) = 0;

    // What a host has to hear in any case; for one of its namespaces; and for a room with its
    // first member here (`own`: the room is the id of a socket of ours).
    [[nodiscard]] virtual std::vector<Subscription> always() const = 0;
    [[nodiscard]] virtual std::vector<Subscription> of_namespace(Text nsp) const = 0;
    [[nodiscard]] virtual std::optional<Subscription> of_room(Text nsp, Text room, bool own) const = 0;

    // Is every broadcast heard, of whatever namespace and room? Only then a number that does not
    // come is a message that was missed.
    [[nodiscard]] virtual bool hears_all() const noexcept { return false; }

    // Does of_room() ever name one?
    [[nodiscard]] virtual bool follows_rooms() const noexcept = 0;

    // Counting the servers of a namespace: `PUBSUB <verb> <channel>`.
    [[nodiscard]] virtual Text count_verb() const noexcept = 0;
    [[nodiscard]] virtual std::string count_channel(Text nsp) const = 0;

    // PUBLISH or SPUBLISH.
    [[nodiscard]] virtual Text publish_verb() const noexcept = 0;
};

struct DialectSettings {
    std::string prefix = "socket.io"; // of all channels
    std::string uid = {};             // of this host: kHostUid characters
    std::string host = {};            // with which the ids of its sockets begin: 4 characters
    bool rooms = false;               // classic: `subscribe rooms`
    enum class Mode : std::uint8_t { fixed, dynamic, dynamic_private };
    Mode mode = Mode::dynamic; // sharded
    unsigned depth = 64;       // of what is accepted
};

[[nodiscard]] std::unique_ptr<Dialect> make_classic(DialectSettings settings);
[[nodiscard]] std::unique_ptr<Dialect> make_sharded(DialectSettings settings);

} // namespace rt::cluster
