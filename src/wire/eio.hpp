// SPDX-License-Identifier: BSD-2-Clause
// Engine.IO v4 packets: one per WebSocket message, or several in the body of a polling
// request. (engine.io-protocol, Encoding) What HTTP adds stands in wire/eio_http.hpp.
#pragma once

#include "base/bytes.hpp"
#include "base/ports.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>

namespace rt::wire::eio {

enum class PacketType : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

struct Packet {
    PacketType type;
    bool binary; // a message of bytes
    Text data;   // valid as long as the input and the decoder's last packet are
};

// Stands between two packets of a polling payload. JSON escapes it, so no packet of
// Socket.IO contains it.
inline constexpr char kSeparator = '\x1e';

// More packets than this in one payload are a parse error.
inline constexpr std::uint32_t kMaxPackets = 10000;

inline constexpr Text kClose = "1";
inline constexpr Text kPing = "2";
inline constexpr Text kPong = "3";
inline constexpr Text kUpgrade = "5";
inline constexpr Text kNoop = "6";
inline constexpr Text kProbe = "2probe";
inline constexpr Text kProbeAnswer = "3probe";

// Decodes text packets. `b<base64>` is a binary message on either transport; its bytes
// stay in the decoder until the next packet.
class Decoder {
public:
    // Error: protocol (empty packet, unknown type, bad base64).
    Result<Packet> decode(Text packet);

private:
    std::string bytes_;
};

// Decodes a polling payload: calls `visit(const Packet &) -> Result<void>` for each packet
// in order and stops at the first error, its own or the visitor's. Packets before a bad one
// have then been delivered.
template <class Visitor> Result<void> decode_payload(Text body, Visitor visit) {
    Decoder decoder;
    for (std::uint32_t count = 0; count < kMaxPackets; ++count) {
        const std::size_t end = body.find(kSeparator);
        RT_TRY(packet, decoder.decode(body.substr(0, end)));
        if (Result<void> done = visit(packet); !done) {
            return done;
        }
        if (end == Text::npos) {
            return {};
        }
        body.remove_prefix(end + 1);
    }
    return {Code::protocol, "too many packets in one payload"};
}

struct Open {
    Text sid; // of characters that JSON need not escape
    bool may_upgrade;
    Millis ping_interval;
    Millis ping_timeout;
    std::uint64_t max_payload; // bytes
};

// The whole first packet, its type included.
void append_open(std::string &out, const Open &open);

} // namespace rt::wire::eio
