// SPDX-License-Identifier: BSD-2-Clause
#include "wire/eio.hpp"

#include "base/base64.hpp"
#include "base/text.hpp"

#include <utility>

namespace rt::wire::eio {

Result<Packet> Decoder::decode(Text packet) {
    if (packet.empty()) {
        return {Code::protocol, "empty Engine.IO packet"};
    }
    const char type = packet.front();
    packet.remove_prefix(1);
    if (type == 'b') {
        RT_TRY(bytes, decode_base64(packet));
        bytes_ = std::move(bytes);
        return Packet{PacketType::message, true, bytes_};
    }
    if (type < '0' || type > '6') {
        return {Code::protocol, "unknown Engine.IO packet type"};
    }
    return Packet{static_cast<PacketType>(type - '0'), false, packet};
}

void append_open(std::string &out, const Open &open) {
    out += R"(0{"sid":")";
    out += open.sid;
    out += open.may_upgrade ? R"(","upgrades":["websocket"],"pingInterval":)"
                            : R"(","upgrades":[],"pingInterval":)";
    append_number(out, static_cast<std::uint64_t>(open.ping_interval));
    out += R"(,"pingTimeout":)";
    append_number(out, static_cast<std::uint64_t>(open.ping_timeout));
    out += R"(,"maxPayload":)";
    append_number(out, open.max_payload);
    out += '}';
}

} // namespace rt::wire::eio
