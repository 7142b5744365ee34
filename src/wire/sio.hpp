// SPDX-License-Identifier: BSD-2-Clause
// Socket.IO v5 packets, `<type>[<n>-][<nsp>,][<id>][JSON]`, as they stand in an Engine.IO
// message without its leading `4`. (socket.io-protocol, Packet encoding) What is refused
// here closes the connection; docs/protocol.md lists where the reference is laxer.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/json.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace rt::wire::sio {

enum class Type : std::uint8_t { connect, disconnect, event, ack, connect_error, binary_event, binary_ack };

struct Limits {
    std::uint32_t attachments = 10;
    unsigned depth = json::kDefaultDepth;
};

// Acknowledgement ids are JavaScript numbers; above this they would not come back as sent.
inline constexpr std::uint64_t kMaxId = std::uint64_t{1} << 53;

// Bytes of a namespace's name.
inline constexpr std::size_t kMaxNsp = 1024;

struct Packet {
    Type type;
    std::optional<std::uint64_t> id;
    std::uint32_t attachments; // that follow; 0 unless the type is binary
    Text nsp;                  // "/" if the packet names none
    Text data;                 // valid JSON of the kind that the type asks for; empty if none
};

// All views are into the input. Errors: protocol, bad_utf8, too_deep, too_many.
Result<Packet> decode(Text packet, const Limits &limits);

// Of either kind, plain or binary.
[[nodiscard]] constexpr bool is_event(Type type) noexcept {
    return type == Type::event || type == Type::binary_event;
}

[[nodiscard]] constexpr bool is_ack(Type type) noexcept {
    return type == Type::ack || type == Type::binary_ack;
}

// Do attachments follow it?
[[nodiscard]] constexpr bool is_binary(Type type) noexcept {
    return type == Type::binary_event || type == Type::binary_ack;
}

// The `data` of an event, taken apart. The name is a raw JSON string or number; the
// arguments are what follows it, separated by commas, without brackets. Both are empty for
// an event without data, which names nothing and is to be ignored.
struct Event {
    Text name;
    Text args;
};
[[nodiscard]] Event split_event(Text data) noexcept;

// May this valid JSON be the `data` of an event? An array that begins with a name.
[[nodiscard]] bool is_event_data(Text data);

// Names that both ends keep for themselves: no packet may carry an event of such a name.
[[nodiscard]] bool is_reserved(Text event) noexcept;

// The name as handlers know it: a string's text; a number as JavaScript writes it.
[[nodiscard]] std::string event_name(Text raw_name);

// What an outgoing packet begins with. With attachments an event or ack becomes the binary
// type by itself.
struct Header {
    Type type;
    Text nsp = "/";
    std::optional<std::uint64_t> id = {};
    std::uint32_t attachments = 0;
};

void append_header(std::string &out, const Header &header);

// Whole packets. `args`, `data`: valid JSON text, values separated by commas, may be empty;
// `pid` empty: no recovery.
[[nodiscard]] std::string connect(Text nsp, Text sid, Text pid = {});
[[nodiscard]] std::string connect_error(Text nsp, Text message, Text data = {});
[[nodiscard]] std::string disconnect(Text nsp);
[[nodiscard]] std::string event(const Header &header, Text name, Text args);
[[nodiscard]] std::string ack(const Header &header, Text args);

} // namespace rt::wire::sio
