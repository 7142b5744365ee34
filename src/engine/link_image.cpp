// SPDX-License-Identifier: BSD-2-Clause
#include "engine/link_image.hpp"

#include <utility>

namespace rt::engine {

void LinkImage::freeze(Writer &out) const {
    out.put_text(app);
    out.put(number);
    out.put(static_cast<std::uint8_t>(deflate));
    out.put(deflate_threshold);
    out.put(decoder.max_payload());
    decoder.freeze(out);
    out.put_text(unread);
}

Result<LinkImage> LinkImage::thaw(Reader &in) {
    std::string app(in.get_text());
    const auto number = in.get<std::uint64_t>();
    const bool deflate = in.get<std::uint8_t>() != 0;
    const auto threshold = in.get<std::uint32_t>();
    const auto max_payload = in.get<std::uint32_t>();
    RT_TRY(decoder, wire::WsDecoder::thaw(in, max_payload));
    LinkImage image{std::move(app), number, deflate, threshold, std::move(decoder), {}};
    image.unread = in.get_text();
    if (!in.ok()) {
        return {Code::protocol, "image of a WebSocket: cut short"};
    }
    return image;
}

} // namespace rt::engine
