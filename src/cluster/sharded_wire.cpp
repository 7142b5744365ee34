// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/sharded_wire.hpp"

#include "wire/json_slice.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

namespace {

namespace json = wire::json;
namespace msgpack = wire::msgpack;

enum Type : std::uint32_t {
    broadcast = 3,
    sockets_join,
    sockets_leave,
    disconnect_sockets,
    fetch_sockets,
    fetch_sockets_response,
    server_side_emit,
    server_side_emit_response,
    broadcast_client_count,
    broadcast_ack,
};

// For Node a room whose name is as long as a socket's id is one.
constexpr std::size_t kIdUnits = 20;

// As JavaScript counts: characters beyond U+FFFF, of four bytes, count twice.
std::size_t utf16_size(Text text) noexcept {
    std::size_t units = 0;
    for (const std::uint8_t byte : as_bytes(text)) {
        units += (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

// 0: the dialect has no such message.
std::uint32_t type_of(Says says) noexcept {
    switch (says) {
    case Says::broadcast:
    case Says::ask:
        return Type::broadcast;
    case Says::join:
        return Type::sockets_join;
    case Says::leave:
        return Type::sockets_leave;
    case Says::disconnect:
        return Type::disconnect_sockets;
    case Says::fetch:
        return Type::fetch_sockets;
    case Says::fetched:
        return Type::fetch_sockets_response;
    case Says::server_emit:
        return Type::server_side_emit;
    case Says::server_answer:
        return Type::server_side_emit_response;
    case Says::client_count:
        return Type::broadcast_client_count;
    case Says::client_ack:
        return Type::broadcast_ack;
    default:
        return 0;
    }
}

void put_packet(std::string &out, Text data) {
    ObjectWriter packet(out);
    packet.number("type", 2);
    packet.raw("data", data);
}

void put_broadcast(ObjectWriter &data, const PeerMessage &message) {
    put_packet(data.member("packet"), message.envelope.data);
    if (message.says == Says::ask) {
        data.text("requestId", message.request_id);
    }
    append_opts(data.member("opts"), message.envelope, true);
}

void put_order(ObjectWriter &data, const PeerMessage &message) {
    append_opts(data.member("opts"), message.envelope, true);
    if (message.says == Says::disconnect) {
        data.boolean("close", message.envelope.close);
    } else {
        data.texts("rooms", message.envelope.rooms);
    }
}

void put_reply(ObjectWriter &data, const PeerMessage &message) {
    const Text value = message.envelope.data;
    if (!message.request_id.empty()) {
        data.text("requestId", message.request_id);
    }
    if (message.says == Says::client_count) {
        data.number("clientCount", message.count);
    } else if (message.says == Says::fetched) {
        data.raw("sockets", value.empty() ? "[]" : value);
    } else if (!value.empty()) {
        data.raw("packet", value);
    }
}

void put_data(std::string &out, const PeerMessage &message) {
    ObjectWriter data(out);
    switch (message.says) {
    case Says::broadcast:
    case Says::ask:
        put_broadcast(data, message);
        break;
    case Says::join:
    case Says::leave:
    case Says::disconnect:
        put_order(data, message);
        break;
    case Says::fetch:
        append_opts(data.member("opts"), message.envelope, true);
        data.text("requestId", message.request_id);
        break;
    default:
        put_reply(data, message);
    }
}

} // namespace

ShardedWire::ShardedWire(DialectSettings settings)
    : settings_(std::move(settings)), reader_(settings_.uid, settings_.depth) {}

ChannelPlace ShardedWire::place_of(Text channel) const noexcept {
    if (!channel.starts_with(settings_.prefix)) {
        return {};
    }
    channel.remove_prefix(settings_.prefix.size());
    ChannelPlace place =
        channel.empty() ? ChannelPlace() : split_channel(channel, ChannelPlace::Kind::broadcast);
    if (place.room == settings_.uid) {
        place = {ChannelPlace::Kind::response, place.nsp, {}};
    }
    return place;
}

// The last member but one, and what is behind it is the namespace's.
PeerUid ShardedWire::sender_of(Bytes payload) const noexcept {
    constexpr Text json_key = R"("uid":")";
    constexpr Text json_next = R"(","nsp":")";
    constexpr Text packed_key = "\xa3uid";
    const Text text = as_text(payload);
    if (!text.starts_with('{')) {
        const std::size_t key = text.rfind(packed_key);
        msgpack::Reader in(key == Text::npos ? Bytes() : payload.subspan(key + packed_key.size()));
        const bool good = in.next() && in.token().kind == msgpack::Kind::text;
        return good ? reader_.split_uid(as_text(in.token().bytes)) : PeerUid();
    }
    const std::size_t next = text.rfind(json_next);
    const std::size_t key = text.rfind(json_key, next);
    if (next == Text::npos || key == Text::npos) {
        return {};
    }
    const std::size_t begin = key + json_key.size();
    return reader_.split_uid(text.substr(begin, next - begin));
}

// {type,data,uid,nsp}, whichever channel it came on.
Result<const PeerMessage *> ShardedWire::hear(Text channel, Bytes payload) {
    const ChannelPlace place = place_of(channel);
    if (place.kind == ChannelPlace::Kind::foreign) {
        return {Code::not_found, "a channel of nobody"};
    }
    reader_.begin(place.nsp);
    RT_TRY(text, reader_.as_json(payload));
    const PeerFields message = reader_.fields(text);
    if (reader_.text_of(message.nsp) != place.nsp) {
        return {Code::not_found, "a message of another namespace than its channel"};
    }
    reader_.set_uid(reader_.text_of(message.uid));
    if (Result<void> heard = hear_data(count_of(message.type), reader_.fields(message.data)); !heard) {
        return heard.error();
    }
    return reader_.finish();
}

Result<void> ShardedWire::hear_data(std::uint32_t type, const PeerFields &data) {
    if (type < Type::broadcast || type > Type::broadcast_ack) {
        return {Code::not_found, "a message of an unknown type"};
    }
    const bool is_request = type == Type::fetch_sockets || type == Type::fetch_sockets_response ||
                            type >= Type::server_side_emit_response || !data.request_id.empty();
    if (is_request) {
        if (Result<void> done = reader_.set_request(data.request_id); !done) {
            return done;
        }
    }
    switch (type) {
    case Type::broadcast:
        return hear_broadcast(data);
    case Type::sockets_join:
        return hear_order(Says::join, data);
    case Type::sockets_leave:
        return hear_order(Says::leave, data);
    case Type::disconnect_sockets:
        return hear_order(Says::disconnect, data);
    case Type::fetch_sockets:
        reader_.set_says(Says::fetch);
        return reader_.read_opts(data.opts);
    case Type::fetch_sockets_response:
        reader_.set_says(Says::fetched);
        return reader_.set_value(json::kind(data.sockets) == json::Kind::array ? data.sockets : "[]");
    case Type::server_side_emit:
        return hear_server_emit(data);
    case Type::broadcast_client_count:
        reader_.set_says(Says::client_count);
        reader_.message().count = count_of(data.client_count);
        return {};
    default:
        reader_.set_says(type == Type::broadcast_ack ? Says::client_ack : Says::server_answer);
        return reader_.set_value(data.packet);
    }
}

Result<void> ShardedWire::hear_broadcast(const PeerFields &data) {
    reader_.set_says(reader_.message().request_id.empty() ? Says::broadcast : Says::ask);
    if (Result<void> done = reader_.read_packet(data.packet); !done) {
        return done;
    }
    return reader_.read_opts(data.opts);
}

Result<void> ShardedWire::hear_order(Says says, const PeerFields &data) {
    reader_.set_says(says);
    reader_.message().envelope.close = data.close == "true";
    if (Result<void> done = reader_.read_opts(data.opts); !done) {
        return done;
    }
    return reader_.read_texts(data.rooms, reader_.message().envelope.rooms);
}

Result<void> ShardedWire::hear_server_emit(const PeerFields &data) {
    reader_.set_says(Says::server_emit);
    if (json::kind(data.packet) != json::Kind::array) {
        return {Code::protocol, "a server's event that is no array"};
    }
    return reader_.set_value(data.packet);
}

void ShardedWire::say(const PeerMessage &message, Text to, Publication &into) {
    const hub::Envelope &envelope = message.envelope;
    into.channel.clear();
    into.payload.clear();
    const std::uint32_t type = type_of(message.says);
    if (type == 0) {
        return;
    }
    scratch_ = settings_.uid;
    if (message.says == Says::broadcast && message.number != 0) {
        append_number(scratch_, message.number);
    }
    {
        ObjectWriter object(into.payload);
        object.number("type", type);
        put_data(object.member("data"), message);
        object.text("uid", scratch_);
        object.text("nsp", message.nsp);
    }
    if (!envelope.attachments.empty()) {
        scratch_ = into.payload;
        into.payload.clear();
        if (!packer_.append(into.payload, scratch_, envelope.attachments)) {
            return;
        }
    }
    put_channel(into.channel, message.nsp);
    const bool to_room =
        message.says == Says::broadcast && envelope.to.size() == 1 && has_channel(envelope.to.front());
    const Text behind = to_room ? envelope.to.front() : to;
    if (to_room || !to.empty()) {
        into.channel += behind;
        into.channel += '#';
    }
}

std::vector<Subscription> ShardedWire::of_namespace(Text nsp) const {
    std::string all;
    put_channel(all, nsp);
    return {{Subscription::Kind::shard, all}, {Subscription::Kind::shard, all + settings_.uid + '#'}};
}

std::optional<Subscription> ShardedWire::of_room(Text nsp, Text room, bool own) const {
    if (!follows_rooms() || (own && settings_.mode != DialectSettings::Mode::dynamic_private)) {
        return {};
    }
    Subscription one{Subscription::Kind::shard, {}};
    put_channel(one.name, nsp);
    one.name += room;
    one.name += '#';
    return one;
}

bool ShardedWire::follows_rooms() const noexcept { return settings_.mode != DialectSettings::Mode::fixed; }

std::string ShardedWire::count_channel(Text nsp) const {
    std::string name;
    put_channel(name, nsp);
    return name;
}

void ShardedWire::put_channel(std::string &out, Text nsp) const {
    out += settings_.prefix;
    out += '#';
    out += nsp;
    out += '#';
}

// Does everybody who has a member of the room listen there?
bool ShardedWire::has_channel(Text room) const noexcept {
    return settings_.mode == DialectSettings::Mode::dynamic_private ||
           (settings_.mode == DialectSettings::Mode::dynamic && utf16_size(room) != kIdUnits);
}

std::unique_ptr<Dialect> make_sharded(DialectSettings settings) {
    return std::make_unique<ShardedWire>(std::move(settings));
}

} // namespace rt::cluster
