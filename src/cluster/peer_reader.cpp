// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/peer_reader.hpp"

#include "base/text.hpp"
#include "wire/json.hpp"
#include "wire/json_slice.hpp"
#include "wire/json_write.hpp"
#include "wire/placeholders.hpp"
#include "wire/sio.hpp"
#include "wire/transcode.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace rt::cluster {

namespace {

namespace json = wire::json;
namespace msgpack = wire::msgpack;

constexpr Text kNobodysRoom = "\xff"; // no text of a client can say that
constexpr std::uint64_t kEvent = 2;   // socket.io-protocol, Packet types

// The arrays and objects around what a client gets to see.
constexpr unsigned kWrapping = 3;

constexpr std::size_t kMostDigits = 20;
constexpr std::size_t kShardedUid = 16;

struct Field {
    Text name;
    Text PeerFields::*value;
};

constexpr Field kFields[] = {
    {"type", &PeerFields::type},
    {"data", &PeerFields::data},
    {"uid", &PeerFields::uid},
    {"nsp", &PeerFields::nsp},
    {"packet", &PeerFields::packet},
    {"opts", &PeerFields::opts},
    {"rooms", &PeerFields::rooms},
    {"except", &PeerFields::except},
    {"flags", &PeerFields::flags},
    {"requestId", &PeerFields::request_id},
    {"volatile", &PeerFields::is_volatile},
    {"timeout", &PeerFields::timeout},
    {"close", &PeerFields::close},
    {"sid", &PeerFields::sid},
    {"room", &PeerFields::room},
    {"sockets", &PeerFields::sockets},
    {"clientCount", &PeerFields::client_count},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_base64url(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f'); }

bool all(Text text, bool (*is_good)(char) noexcept) noexcept {
    return std::all_of(text.begin(), text.end(), is_good);
}

// Behind `said` as a host of ours says it; 0 if it has no number, or is no host of ours. Sixteen
// hexadecimal digits are a Node server, and ours only if we know that they are.
std::uint64_t number_behind(Text said, Text own) noexcept {
    if (said.size() <= kHostUid || said.size() > kHostUid + kMostDigits) {
        return 0;
    }
    const bool ours = said.starts_with(own) && own.size() == kHostUid;
    const bool host =
        all(said.substr(0, kHostUid), is_base64url) && (said.size() != kShardedUid || !all(said, is_hex));
    const Result<std::uint64_t> number = parse_number(said.substr(kHostUid));
    return (ours || host) && number ? *number : 0;
}

void set_op(hub::Envelope &envelope, Says says) noexcept {
    switch (says) {
    case Says::join:
        envelope.op = hub::Op::join;
        break;
    case Says::leave:
        envelope.op = hub::Op::leave;
        break;
    case Says::disconnect:
        envelope.op = hub::Op::disconnect;
        break;
    case Says::server_emit:
        envelope.op = hub::Op::server_emit;
        break;
    default:
        envelope.op = hub::Op::emit;
    }
}

} // namespace

ChannelPlace split_channel(Text rest, ChannelPlace::Kind kind) noexcept {
    const std::size_t end = rest.find('#', 1);
    if (end == Text::npos || end == 1 || rest.front() != '#' || rest.back() != '#') {
        return {};
    }
    const Text room = rest.substr(end + 1);
    return {kind, rest.substr(1, end - 1), room.empty() ? room : room.substr(0, room.size() - 1)};
}

std::uint32_t count_of(Text value) noexcept {
    double number = 0;
    if (json::kind(value) == json::Kind::number) {
        std::from_chars(value.data(), value.data() + value.size(), number);
    }
    return static_cast<std::uint32_t>(std::clamp(number, 0.0, static_cast<double>(UINT32_MAX)));
}

void PeerReader::begin(Text nsp) {
    message_.clear();
    said_uid_ = {};
    message_.nsp = message_.envelope.nsp = nsp;
    message_.envelope.remote = true;
    json_.clear();
    texts_.clear();
}

const PeerMessage *PeerReader::finish() noexcept {
    if (message_.envelope.data.empty()) {
        message_.envelope.attachments.clear();
    }
    if (message_.says != Says::broadcast) {
        message_.uid = said_uid_;
        message_.number = 0;
    }
    return &message_;
}

void PeerReader::set_says(Says says) {
    message_.says = says;
    set_op(message_.envelope, says);
}

PeerUid PeerReader::split_uid(Text said) const noexcept {
    const std::uint64_t number = number_behind(said, own_);
    return {number == 0 ? said : said.substr(0, kHostUid), number};
}

void PeerReader::set_uid(Text said) {
    const PeerUid uid = split_uid(said);
    said_uid_ = said;
    message_.uid = uid.uid;
    message_.number = uid.number;
}

Result<Text> PeerReader::as_json(Bytes payload) {
    const Text text = as_text(payload);
    if (text.starts_with('{')) {
        if (Result<void> valid = json::validate(text, depth_ + kWrapping); !valid) {
            return valid.error();
        }
        return json::trim(text);
    }
    msgpack::Reader in(payload);
    RT_TRY(value, value_as_json(in, kWrapping));
    if (!in.at_end() || !value.starts_with('{')) {
        return {Code::protocol, "a message that is no MessagePack map"};
    }
    return value;
}

Result<Text> PeerReader::value_as_json(msgpack::Reader &in, unsigned wrapping) {
    json_.clear();
    auto &attachments = message_.envelope.attachments;
    attachments.clear();
    if (Result<void> done = wire::append_json(json_, attachments, in, depth_ + wrapping); !done) {
        return done.error();
    }
    return Text(json_);
}

PeerFields PeerReader::fields(Text object) {
    PeerFields fields;
    for (json::Members each(object); each.next();) {
        const Text key = text_of(each.key());
        const auto is_named = [key](const Field &field) { return field.name == key; };
        const auto field = std::find_if(std::begin(kFields), std::end(kFields), is_named);
        if (field != std::end(kFields)) {
            fields.*field->value = each.value();
        }
    }
    return fields;
}

Text PeerReader::text_of(Text value) {
    if (json::kind(value) != json::Kind::string) {
        return {};
    }
    if (value.find('\\') == Text::npos) {
        return value.substr(1, value.size() - 2);
    }
    return keep(json::unescape(value));
}

Result<void> PeerReader::read_texts(Text array, std::vector<Text> &into) {
    const json::Kind kind = json::kind(array);
    if (kind != json::Kind::array && kind != json::Kind::none && kind != json::Kind::null) {
        return {Code::protocol, "rooms that are no array"};
    }
    for (json::Elements each(array); each.next();) {
        if (json::kind(each.value()) == json::Kind::string) {
            into.push_back(text_of(each.value()));
        } else if (json::kind(each.value()) == json::Kind::number) {
            into.push_back(keep(wire::sio::event_name(each.value())));
        } else {
            into.push_back(kNobodysRoom);
        }
    }
    return {};
}

Result<void> PeerReader::read_texts(msgpack::Reader &in, std::vector<Text> &into) {
    if (!in.next() || (in.token().kind != msgpack::Kind::array && in.token().kind != msgpack::Kind::nil)) {
        return {Code::protocol, "rooms that are no array"};
    }
    const std::uint32_t count = in.token().kind == msgpack::Kind::array ? in.token().count : 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (!in.next()) {
            return {Code::protocol, "malformed MessagePack"};
        }
        into.push_back(room_of(in.token()));
        if (!in.skip()) {
            return {Code::protocol, "malformed MessagePack"};
        }
    }
    return {};
}

// A number as JavaScript writes it.
Text PeerReader::room_of(const msgpack::Token &token) {
    std::string number;
    switch (token.kind) {
    case msgpack::Kind::text:
        return as_text(token.bytes);
    case msgpack::Kind::natural:
        json::append_number(number, static_cast<double>(token.natural));
        break;
    case msgpack::Kind::integer:
        json::append_number(number, static_cast<double>(token.integer));
        break;
    case msgpack::Kind::real:
        json::append_number(number, token.real);
        break;
    default:
        return kNobodysRoom;
    }
    return keep(std::move(number));
}

Result<void> PeerReader::read_opts(Text object) {
    if (json::kind(object) != json::Kind::object) {
        return {Code::protocol, "a message without its options"};
    }
    const PeerFields opts = fields(object);
    if (Result<void> done = read_texts(opts.rooms, message_.envelope.to); !done) {
        return done;
    }
    if (Result<void> done = read_texts(opts.except, message_.envelope.except); !done) {
        return done;
    }
    const PeerFields flags = fields(opts.flags);
    message_.envelope.is_volatile = flags.is_volatile == "true";
    message_.envelope.asker.timeout = count_of(flags.timeout);
    return {};
}

Result<void> PeerReader::read_packet(Text object) {
    const PeerFields packet = fields(object);
    if (json::kind(packet.type) != json::Kind::number || count_of(packet.type) != kEvent) {
        return {Code::protocol, "a packet that is no event"};
    }
    if (!packet.nsp.empty() && text_of(packet.nsp) != message_.nsp) {
        return {Code::not_found, "a packet of another namespace than its channel"};
    }
    return set_event(packet.data);
}

Result<void> PeerReader::set_event(Text data) {
    if (!wire::sio::is_event_data(data)) {
        return {Code::protocol, "a packet that is no event"};
    }
    return set_value(data);
}

Result<void> PeerReader::set_value(Text data) {
    message_.envelope.data = data;
    return check_attachments(data);
}

// A client must never get to see a placeholder of nothing, or bytes that belong nowhere.
Result<void> PeerReader::check_attachments(Text data) {
    const std::size_t count = message_.envelope.attachments.size();
    return count == 0 ? Result<void>() : wire::check_placeholders(data, static_cast<std::uint32_t>(count));
}

Result<void> PeerReader::set_request(Text id) {
    message_.request_id = text_of(id);
    if (message_.request_id.empty()) {
        return {Code::protocol, "a message without its requestId"};
    }
    return {};
}

Text PeerReader::keep(std::string text) { return texts_.emplace_back(std::move(text)); }

} // namespace rt::cluster
