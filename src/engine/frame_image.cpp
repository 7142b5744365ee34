// SPDX-License-Identifier: BSD-2-Clause
#include "engine/frame_image.hpp"

#include <string>

namespace rt::engine {

namespace {

constexpr std::size_t kLeastPart = 5; // flag and length: what a part costs in the image

} // namespace

// A frame for WebSocket only has no parts; its bytes are all there is.
void freeze_frame(Writer &out, const wire::Frame &frame) {
    std::uint32_t parts = 0;
    frame.each_part([&](bool, Bytes) { ++parts; });
    out.put(parts);
    if (parts == 0) {
        out.put_text(as_text(frame.ws()));
    }
    frame.each_part([&](bool binary, Bytes payload) {
        out.put(static_cast<std::uint8_t>(binary));
        out.put_text(as_text(payload));
    });
}

Ref<wire::Frame> thaw_frame(Reader &in) {
    const std::uint32_t parts = in.get_count(kLeastPart);
    if (parts == 0) {
        return wire::Frame::raw(as_bytes(in.get_text()));
    }
    std::string messages;
    for (std::uint32_t i = 0; i < parts; ++i) {
        const bool binary = in.get<std::uint8_t>() != 0;
        const Text payload = in.get_text();
        wire::Frame::append_message(messages, binary ? wire::WsOpcode::binary : wire::WsOpcode::text,
                                    {&payload, 1});
    }
    return wire::Frame::joined(messages, parts);
}

} // namespace rt::engine
