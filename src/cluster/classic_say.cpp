// SPDX-License-Identifier: BSD-2-Clause
// What is said in the classic dialect. A Node server ends when it hears a broadcast that it cannot
// decode, or that lacks its options: all parts are always there.
#include "cluster/classic_wire.hpp"

#include "base/text.hpp"
#include "cluster/opts_writer.hpp"

namespace rt::cluster {

namespace {

using wire::msgpack::Writer;

constexpr Text kRequest = "-request";
constexpr Text kResponse = "-response";

void put_texts(Writer &out, const std::vector<Text> &texts) {
    out.array(texts.size());
    for (const Text text : texts) {
        out.text(text);
    }
}

void put_opts(Writer &out, const hub::Envelope &envelope) {
    out.map(3);
    out.text("rooms");
    put_texts(out, envelope.to);
    out.text("except");
    put_texts(out, envelope.except);
    out.text("flags");
    out.map(envelope.is_volatile ? 1 : 0);
    if (envelope.is_volatile) {
        out.text("volatile");
        out.boolean(true);
    }
}

void append_packet(std::string &out, const hub::Envelope &envelope) {
    ObjectWriter packet(out);
    packet.number("type", 2);
    packet.raw("data", envelope.data);
    packet.text("nsp", envelope.nsp);
}

// Nobody answers it.
bool is_order(Says says) noexcept {
    return says == Says::join || says == Says::leave || says == Says::disconnect;
}

unsigned request_type(Says says) noexcept {
    switch (says) {
    case Says::list_ids:
        return 0;
    case Says::list_rooms:
        return 1;
    case Says::join:
        return 2;
    case Says::leave:
        return 3;
    case Says::disconnect:
        return 4;
    case Says::fetch:
        return 5;
    case Says::server_emit:
        return 6;
    default:
        return 7;
    }
}

// 0: none is written.
unsigned response_type(Says says) noexcept {
    switch (says) {
    case Says::server_answer:
        return 6;
    case Says::client_count:
        return 8;
    case Says::client_ack:
        return 9;
    default:
        return 0;
    }
}

// A value that is not there leaves its name out, as undefined does.
void put_answer(ObjectWriter &response, const PeerMessage &message) {
    const Text data = message.envelope.data;
    switch (message.says) {
    case Says::client_count:
        response.number("clientCount", message.count);
        return;
    case Says::ids:
        response.texts("sockets", message.texts);
        return;
    case Says::rooms:
        response.texts("rooms", message.texts);
        return;
    case Says::fetched:
        response.raw("sockets", data.empty() ? "[]" : data);
        return;
    default:
        if (!data.empty()) {
            response.raw(message.says == Says::client_ack ? "packet" : "data", data);
        }
    }
}

} // namespace

void ClassicWire::say(const PeerMessage &message, Text to, Publication &into) {
    into.channel.clear();
    into.payload.clear();
    if (message.says == Says::broadcast) {
        if (!say_broadcast(message, into)) {
            into.channel.clear();
        }
        return;
    }
    if (is_answer(message.says)) {
        say_response(message, to, into);
    } else {
        say_request(message, into);
    }
    const bool packed = message.says == Says::ask || message.says == Says::client_ack ||
                        !message.envelope.attachments.empty();
    if (packed && !to_msgpack(message, into.payload)) {
        into.channel.clear();
    }
}

bool ClassicWire::say_broadcast(const PeerMessage &message, Publication &into) {
    const hub::Envelope &envelope = message.envelope;
    put_channel(into.channel, {}, message.nsp);
    if (envelope.to.size() == 1) {
        into.channel += envelope.to.front();
        into.channel += '#';
    }
    scratch_ = settings_.uid;
    if (message.number != 0) {
        append_number(scratch_, message.number);
    }
    Writer out(into.payload);
    out.array(3);
    out.text(scratch_);
    out.map(3);
    out.text("type");
    out.natural(2);
    out.text("data");
    if (!packer_.append(into.payload, envelope.data, envelope.attachments)) {
        return false;
    }
    out.text("nsp");
    out.text(message.nsp);
    put_opts(out, envelope);
    return true;
}

void ClassicWire::say_request(const PeerMessage &message, Publication &into) {
    const hub::Envelope &envelope = message.envelope;
    put_channel(into.channel, kRequest, message.nsp);
    ObjectWriter request(into.payload);
    request.text("uid", settings_.uid);
    if (!is_order(message.says) && !message.request_id.empty()) {
        request.text("requestId", message.request_id);
    }
    request.number("type", request_type(message.says));
    switch (message.says) {
    case Says::list_ids:
        request.texts("rooms", envelope.to);
        break;
    case Says::list_rooms:
        break;
    case Says::server_emit:
        request.raw("data", envelope.data);
        break;
    case Says::ask:
        append_packet(request.member("packet"), envelope);
        append_opts(request.member("opts"), envelope, true);
        break;
    default:
        append_opts(request.member("opts"), envelope, false);
    }
    if (message.says == Says::join || message.says == Says::leave) {
        request.texts("rooms", envelope.rooms);
    } else if (message.says == Says::disconnect) {
        request.boolean("close", envelope.close);
    }
}

// Every server listens on the shared channel, and only hosts of ours surely on their own.
void ClassicWire::say_response(const PeerMessage &message, Text to, Publication &into) {
    put_channel(into.channel, kResponse, message.nsp);
    if (to.size() == kHostUid) {
        into.channel += to;
        into.channel += '#';
    }
    ObjectWriter response(into.payload);
    if (const unsigned type = response_type(message.says); type != 0) {
        response.number("type", type);
    }
    response.text("requestId", message.request_id);
    put_answer(response, message);
}

// What has been written as JSON becomes MessagePack, and its placeholders bytes.
bool ClassicWire::to_msgpack(const PeerMessage &message, std::string &payload) {
    scratch_ = payload;
    payload.clear();
    return packer_.append(payload, scratch_, message.envelope.attachments);
}

} // namespace rt::cluster
