// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the image of a WebSocket that comes from another worker. What thaws freezes and
// thaws again as the same one, and its decoder takes any input.
#include "engine/link_image.hpp"
#include "wire/ws_deflate.hpp"

using namespace rt;

namespace {

struct Sink {
    bool on_text(Text) { return true; }
    bool on_binary(Bytes) { return true; }
    bool on_ping(Bytes) { return true; }
    bool on_pong(Bytes) { return true; }
    bool on_close(std::uint16_t, Text) { return true; }
};

std::string frozen(const engine::LinkImage &link) {
    std::string image;
    Writer out(image);
    link.freeze(out);
    return image;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Reader in(as_text(Bytes(data, size)));
    const Result<engine::LinkImage> first = engine::LinkImage::thaw(in);
    if (!first) {
        return 0;
    }
    const std::string image = frozen(*first);
    Reader again(image);
    Result<engine::LinkImage> second = engine::LinkImage::thaw(again);
    if (!second || frozen(*second) != image) {
        __builtin_trap();
    }
    Sink sink;
    wire::Inflater inflater;
    std::string more = second->unread + std::string(in.rest());
    static_cast<void>(
        second->decoder.feed(as_mutable_bytes(more), sink, second->deflate ? &inflater : nullptr));
    return 0;
}
