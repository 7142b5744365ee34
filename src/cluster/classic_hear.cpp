// SPDX-License-Identifier: BSD-2-Clause
// What is heard in the classic dialect.
#include "cluster/classic_wire.hpp"

#include "wire/json_slice.hpp"

namespace rt::cluster {

namespace {

namespace json = wire::json;
using wire::msgpack::Kind;

constexpr Error kMalformed{Code::protocol, "malformed broadcast"};

Text text_of(const wire::msgpack::Token &token) noexcept {
    return token.kind == Kind::text ? as_text(token.bytes) : Text();
}

bool is_event_type(const wire::msgpack::Token &token) noexcept {
    return (token.kind == Kind::natural && token.natural == 2) ||
           (token.kind == Kind::real && token.real == 2);
}

// Of requests; 6, 8 and 9 of responses too.
enum Type : std::uint32_t {
    sockets,
    all_rooms,
    remote_join,
    remote_leave,
    remote_disconnect,
    remote_fetch,
    server_side_emit,
    broadcast_with_ack,
    broadcast_client_count,
    broadcast_ack,
    no_type = UINT32_MAX,
};

std::uint32_t type_of(Text value) noexcept {
    return json::kind(value) == json::Kind::number ? count_of(value) : Type::no_type;
}

} // namespace

PeerUid ClassicWire::sender_of(Bytes payload) const noexcept {
    wire::msgpack::Reader in(payload);
    const bool good =
        in.next() && in.token().kind == Kind::array && in.next() && in.token().kind == Kind::text;
    return good ? reader_.split_uid(as_text(in.token().bytes)) : PeerUid();
}

Result<const PeerMessage *> ClassicWire::hear(Text channel, Bytes payload) {
    const ChannelPlace place = place_of(channel);
    reader_.begin(place.nsp);
    Result<void> heard(Code::not_found, "a channel of nobody");
    switch (place.kind) {
    case ChannelPlace::Kind::broadcast:
        heard = hear_broadcast(payload);
        break;
    case ChannelPlace::Kind::request:
        heard = hear_request(payload);
        break;
    case ChannelPlace::Kind::response:
        heard = hear_response(payload);
        break;
    case ChannelPlace::Kind::foreign:
        break;
    }
    if (!heard) {
        return heard.error();
    }
    return reader_.finish();
}

// [uid, packet, opts]. What a Node server would die of is refused; what it lets pass, passes.
Result<void> ClassicWire::hear_broadcast(Bytes payload) {
    in_ = wire::msgpack::Reader(payload);
    if (!in_.next() || in_.token().kind != Kind::array || in_.token().count < 3) {
        return kMalformed;
    }
    const std::uint32_t more = in_.token().count - 3;
    if (!in_.next() || in_.token().kind != Kind::text) {
        return kMalformed;
    }
    reader_.set_uid(as_text(in_.token().bytes));
    reader_.set_says(Says::broadcast);
    if (reader_.is_own()) {
        return {};
    }
    if (Result<void> done = hear_packet(); !done) {
        return done;
    }
    if (Result<void> done = each_member(&ClassicWire::opts_member); !done) {
        return done;
    }
    for (std::uint32_t i = 0; i < more; ++i) {
        if (!in_.next() || !in_.skip()) {
            return kMalformed;
        }
    }
    return in_.at_end() ? Result<void>() : kMalformed;
}

Result<void> ClassicWire::hear_packet() {
    packet_ = {};
    if (Result<void> done = each_member(&ClassicWire::packet_member); !done) {
        return done;
    }
    if (packet_.nsp != reader_.message().nsp) {
        return {Code::not_found, "a packet of another namespace than its channel"};
    }
    return packet_.is_event ? reader_.set_event(packet_.data) : kMalformed;
}

// Reads a map. `read` reads the value; the key is empty if it is no text.
Result<void> ClassicWire::each_member(Result<void> (ClassicWire::*read)(Text key)) {
    if (!in_.next() || in_.token().kind != Kind::map) {
        return kMalformed;
    }
    for (std::uint32_t left = in_.token().count; left > 0; --left) {
        if (!in_.next()) {
            return kMalformed;
        }
        const Text key = text_of(in_.token());
        if (!in_.skip()) {
            return kMalformed;
        }
        if (Result<void> done = (this->*read)(key); !done) {
            return done;
        }
    }
    return {};
}

Result<void> ClassicWire::packet_member(Text key) {
    if (key == "data") {
        RT_TRY(value, reader_.value_as_json(in_, 0));
        packet_.data = value;
        return {};
    }
    if (!in_.next()) {
        return kMalformed;
    }
    if (key == "type") {
        packet_.is_event = is_event_type(in_.token());
    } else if (key == "nsp") {
        packet_.nsp = text_of(in_.token());
    }
    return in_.skip() ? Result<void>() : kMalformed;
}

Result<void> ClassicWire::opts_member(Text key) {
    hub::Envelope &envelope = reader_.message().envelope;
    if (key == "rooms" || key == "except") {
        std::vector<Text> &into = key == "rooms" ? envelope.to : envelope.except;
        into.clear();
        return reader_.read_texts(in_, into);
    }
    const wire::msgpack::Reader before = in_;
    if (!in_.next()) {
        return kMalformed;
    }
    if (key == "flags" && in_.token().kind == Kind::map) {
        in_ = before;
        return each_member(&ClassicWire::flags_member);
    }
    return in_.skip() ? Result<void>() : kMalformed;
}

Result<void> ClassicWire::flags_member(Text key) {
    if (!in_.next()) {
        return kMalformed;
    }
    if (key == "volatile") {
        reader_.message().envelope.is_volatile = in_.token().kind == Kind::boolean && in_.token().truth;
    }
    return in_.skip() ? Result<void>() : kMalformed;
}

Result<void> ClassicWire::hear_request(Bytes payload) {
    RT_TRY(text, reader_.as_json(payload));
    const PeerFields request = reader_.fields(text);
    reader_.set_uid(reader_.text_of(request.uid));
    const std::uint32_t type = type_of(request.type);
    switch (type) {
    case Type::remote_join:
        return hear_order(Says::join, request);
    case Type::remote_leave:
        return hear_order(Says::leave, request);
    case Type::remote_disconnect:
        return hear_order(Says::disconnect, request);
    case Type::server_side_emit:
        reader_.set_says(Says::server_emit);
        reader_.message().request_id = reader_.text_of(request.request_id);
        if (json::kind(request.data) != json::Kind::array) {
            return {Code::protocol, "a server's event that is no array"};
        }
        return reader_.set_value(request.data);
    default:
        return hear_question(type, request);
    }
}

Result<void> ClassicWire::hear_question(std::uint32_t type, const PeerFields &request) {
    if (type > Type::broadcast_with_ack) {
        return {Code::not_found, "a request of an unknown type"};
    }
    if (Result<void> done = reader_.set_request(request.request_id); !done) {
        return done;
    }
    switch (type) {
    case Type::sockets:
        reader_.set_says(Says::list_ids);
        return reader_.read_texts(request.rooms, reader_.message().envelope.to);
    case Type::all_rooms:
        reader_.set_says(Says::list_rooms);
        return {};
    case Type::remote_fetch:
        reader_.set_says(Says::fetch);
        return reader_.read_opts(request.opts);
    default:
        reader_.set_says(Says::ask);
        if (Result<void> done = reader_.read_packet(request.packet); !done) {
            return done;
        }
        return reader_.read_opts(request.opts);
    }
}

// Versions before 6 name one socket, and want to hear that it was done.
Result<void> ClassicWire::hear_order(Says says, const PeerFields &request) {
    PeerMessage &message = reader_.message();
    reader_.set_says(says);
    message.envelope.close = request.close == "true";
    if (json::kind(request.opts) == json::Kind::object) {
        if (Result<void> done = reader_.read_opts(request.opts); !done) {
            return done;
        }
        return reader_.read_texts(request.rooms, message.envelope.rooms);
    }
    message.old_form = true;
    message.envelope.to.push_back(reader_.text_of(request.sid));
    if (says != Says::disconnect) {
        message.envelope.rooms.push_back(reader_.text_of(request.room));
    }
    if (message.envelope.to.front().empty()) {
        return {Code::protocol, "an order for nobody"};
    }
    return reader_.set_request(request.request_id);
}

Result<void> ClassicWire::hear_response(Bytes payload) {
    RT_TRY(text, reader_.as_json(payload));
    const PeerFields response = reader_.fields(text);
    if (Result<void> done = reader_.set_request(response.request_id); !done) {
        return done;
    }
    switch (type_of(response.type)) {
    case Type::server_side_emit:
        reader_.set_says(Says::server_answer);
        return reader_.set_value(response.data);
    case Type::broadcast_client_count:
        reader_.set_says(Says::client_count);
        reader_.message().count = count_of(response.client_count);
        return {};
    case Type::broadcast_ack:
        reader_.set_says(Says::client_ack);
        return reader_.set_value(response.packet);
    default:
        return hear_list(response);
    }
}

// Told by what it holds: ids and sockets come under one name.
Result<void> ClassicWire::hear_list(const PeerFields &response) {
    PeerMessage &message = reader_.message();
    if (json::kind(response.rooms) == json::Kind::array) {
        reader_.set_says(Says::rooms);
        return reader_.read_texts(response.rooms, message.texts);
    }
    if (json::kind(response.sockets) != json::Kind::array) {
        reader_.set_says(Says::done);
        return {};
    }
    if (json::kind(json::element(response.sockets, 0)) == json::Kind::string) {
        reader_.set_says(Says::ids);
        return reader_.read_texts(response.sockets, message.texts);
    }
    reader_.set_says(Says::fetched);
    return reader_.set_value(response.sockets);
}

} // namespace rt::cluster
