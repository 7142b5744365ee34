// SPDX-License-Identifier: BSD-2-Clause
// Reading what both dialects say alike: one message at a time, whose views live until the next
// begin(), as long as channel and payload do. Whatever is read may be garbage.
#pragma once

#include "base/result.hpp"
#include "cluster/dialect.hpp"
#include "cluster/peer_message.hpp"
#include "wire/msgpack.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace rt::cluster {

// The members that the objects of both dialects have between them, as raw JSON values; empty where
// missing.
struct PeerFields {
    Text type, uid, nsp, data, packet, request_id;
    Text opts, rooms, except, flags, is_volatile, timeout;
    Text close, sid, room, sockets, client_count;
};

// Where a channel belongs whose prefix has been taken off: `#<nsp>#` or `#<nsp>#<room>#`.
[[nodiscard]] ChannelPlace split_channel(Text rest, ChannelPlace::Kind kind) noexcept;

// A JSON number that counts something: 0 for what does not.
[[nodiscard]] std::uint32_t count_of(Text value) noexcept;

class PeerReader {
public:
    PeerReader(std::string own_uid, unsigned depth) : own_(std::move(own_uid)), depth_(depth) {}

    void begin(Text nsp);
    [[nodiscard]] PeerMessage &message() noexcept { return message_; }
    // Whole: bytes that nothing of it means are gone, and only a broadcast has a number.
    [[nodiscard]] const PeerMessage *finish() noexcept;

    void set_says(Says says);
    void set_uid(Text said);
    // A uid as it stands in a broadcast.
    [[nodiscard]] PeerUid split_uid(Text said) const noexcept;
    [[nodiscard]] bool is_own() const noexcept { return message_.uid == own_; }

    // The payload as valid JSON: itself, or what was MessagePack, with its attachments.
    Result<Text> as_json(Bytes payload);
    // One value of MessagePack, with so many levels more than what clients may send.
    Result<Text> value_as_json(wire::msgpack::Reader &in, unsigned wrapping);

    [[nodiscard]] PeerFields fields(Text object);
    // Of a string; empty for anything else.
    [[nodiscard]] Text text_of(Text value);

    // Into the message. A missing or null list has nobody in it; anything but texts and
    // numbers in one is a room with nobody in it, as in Node: without it all would be meant, and a
    // question without an answer makes its asker wait.
    Result<void> read_texts(Text array, std::vector<Text> &into);
    Result<void> read_texts(wire::msgpack::Reader &in, std::vector<Text> &into);
    Result<void> read_opts(Text object);
    // {type,data,nsp}; the namespace may be missing.
    Result<void> read_packet(Text object);
    Result<void> set_event(Text data);
    // Any value, or none.
    Result<void> set_value(Text data);
    Result<void> set_request(Text id);

private:
    Text keep(std::string text);
    Text room_of(const wire::msgpack::Token &token);
    Result<void> check_attachments(Text data);

    std::string own_;
    unsigned depth_;
    PeerMessage message_;
    Text said_uid_;
    std::string json_;              // what was MessagePack
    std::deque<std::string> texts_; // what stands nowhere as it is meant
};

} // namespace rt::cluster
