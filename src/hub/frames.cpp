// SPDX-License-Identifier: BSD-2-Clause
#include "hub/frames.hpp"

#include "wire/json_slice.hpp"
#include "wire/sio.hpp"

#include <string>

namespace rt::hub {

namespace sio = wire::sio;

std::array<Text, 5> event_pieces(Text header, Text data, Text offset) noexcept {
    data = wire::json::trim(data);
    if (offset.empty() || !data.ends_with(']')) {
        return {header, data, {}, {}, {}};
    }
    return {header, data.substr(0, data.size() - 1), ",\"", offset, "\"]"};
}

Ref<wire::Frame> event_frame(const Envelope &envelope, std::optional<std::uint64_t> id, Text offset) {
    std::string header = "4";
    const auto attached = static_cast<std::uint32_t>(envelope.attachments.size());
    sio::append_header(header, {sio::Type::event, envelope.nsp, id, attached});
    return wire::Frame::packet(event_pieces(header, envelope.data, offset), envelope.attachments);
}

bool carries_offset(const Envelope &envelope) noexcept {
    if (is_recoverable(envelope)) {
        return true;
    }
    return envelope.op == Op::emit && !envelope.asker &&
           wire::json::inside(wire::json::trim(envelope.data)).ends_with('"');
}

} // namespace rt::hub
