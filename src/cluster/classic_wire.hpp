// SPDX-License-Identifier: BSD-2-Clause
// The dialect of @socket.io/redis-adapter 8 without sharding, byte for byte. Broadcasts are
// MessagePack, requests and responses JSON; of the latter each may be the other.
#pragma once

#include "cluster/dialect.hpp"
#include "cluster/peer_reader.hpp"
#include "wire/transcode.hpp"

namespace rt::cluster {

class ClassicWire : public Dialect {
public:
    explicit ClassicWire(DialectSettings settings);

    [[nodiscard]] PeerUid sender_of(Bytes payload) const noexcept override;
    [[nodiscard]] ChannelPlace place_of(Text channel) const noexcept override;
    Result<const PeerMessage *> hear(Text channel, Bytes payload) override;
    void say(const PeerMessage &message, Text to, Publication &into) override;
    [[nodiscard]] std::vector<Subscription> always() const override;
    [[nodiscard]] std::vector<Subscription> of_namespace(Text nsp) const override;
    [[nodiscard]] std::optional<Subscription> of_room(Text nsp, Text room, bool own) const override;
    [[nodiscard]] bool hears_all() const noexcept override { return !settings_.rooms; }
    [[nodiscard]] bool follows_rooms() const noexcept override { return settings_.rooms; }
    [[nodiscard]] Text count_verb() const noexcept override { return "NUMSUB"; }
    [[nodiscard]] std::string count_channel(Text nsp) const override;
    [[nodiscard]] Text publish_verb() const noexcept override { return "PUBLISH"; }

private:
    Result<void> hear_broadcast(Bytes payload);
    Result<void> hear_packet();
    Result<void> each_member(Result<void> (ClassicWire::*read)(Text key));
    Result<void> packet_member(Text key);
    Result<void> opts_member(Text key);
    Result<void> flags_member(Text key);
    Result<void> hear_request(Bytes payload);
    Result<void> hear_question(std::uint32_t type, const PeerFields &request);
    Result<void> hear_order(Says says, const PeerFields &request);
    Result<void> hear_response(Bytes payload);
    Result<void> hear_list(const PeerFields &response);

    [[nodiscard]] bool say_broadcast(const PeerMessage &message, Publication &into);
    void say_request(const PeerMessage &message, Publication &into);
    void say_response(const PeerMessage &message, Text to, Publication &into);
    void put_channel(std::string &out, Text kind, Text nsp) const;
    [[nodiscard]] bool to_msgpack(const PeerMessage &message, std::string &payload);

    struct Packet {
        Text nsp = "/";
        Text data;
        bool is_event = false;
    };

    DialectSettings settings_;
    PeerReader reader_;
    wire::msgpack::Reader in_{{}}; // of the broadcast that is heard
    Packet packet_;
    wire::JsonToMsgpack packer_;
    std::string scratch_;
};

} // namespace rt::cluster
