// SPDX-License-Identifier: BSD-2-Clause
// The dialect of @socket.io/redis-adapter's createShardedAdapter (Redis 7), byte for byte. JSON,
// or MessagePack of the same object where bytes are inside.
#pragma once

#include "cluster/dialect.hpp"
#include "cluster/opts_writer.hpp"
#include "cluster/peer_reader.hpp"
#include "wire/transcode.hpp"

namespace rt::cluster {

class ShardedWire : public Dialect {
public:
    explicit ShardedWire(DialectSettings settings);

    [[nodiscard]] PeerUid sender_of(Bytes payload) const noexcept override;
    [[nodiscard]] ChannelPlace place_of(Text channel) const noexcept override;
    Result<const PeerMessage *> hear(Text channel, Bytes payload) override;
    void say(const PeerMessage &message, Text to, Publication &into) override;
    [[nodiscard]] std::vector<Subscription> always() const override { return {}; }
    [[nodiscard]] std::vector<Subscription> of_namespace(Text nsp) const override;
    [[nodiscard]] std::optional<Subscription> of_room(Text nsp, Text room, bool own) const override;
    [[nodiscard]] bool follows_rooms() const noexcept override;
    [[nodiscard]] Text count_verb() const noexcept override { return "SHARDNUMSUB"; }
    [[nodiscard]] std::string count_channel(Text nsp) const override;
    [[nodiscard]] Text publish_verb() const noexcept override { return "SPUBLISH"; }

private:
    Result<void> hear_data(std::uint32_t type, const PeerFields &data);
    Result<void> hear_broadcast(const PeerFields &data);
    Result<void> hear_order(Says says, const PeerFields &data);
    Result<void> hear_server_emit(const PeerFields &data);

    void put_channel(std::string &out, Text nsp) const;
    [[nodiscard]] bool has_channel(Text room) const noexcept;

    DialectSettings settings_;
    PeerReader reader_;
    wire::JsonToMsgpack packer_;
    std::string scratch_;
};

} // namespace rt::cluster
