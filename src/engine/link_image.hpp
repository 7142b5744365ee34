// SPDX-License-Identifier: BSD-2-Clause
// What a WebSocket takes along to another worker besides its session: where it belongs, what was
// negotiated, and how far its input has been understood.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/ws_frame.hpp"

#include <cstdint>
#include <string>

namespace rt::engine {

struct LinkImage {
    std::string app;          // by name: the next configuration may order them otherwise
    std::uint64_t number = 0; // of the connection, as the log shows it
    bool deflate = false;     // permessage-deflate was negotiated
    std::uint32_t deflate_threshold = 0;
    wire::WsDecoder decoder; // bounded as it was
    std::string unread;      // received and not decoded

    void freeze(Writer &out) const;
    // Leaves the reader behind its end. protocol: not what freeze() writes.
    static Result<LinkImage> thaw(Reader &in);
};

} // namespace rt::engine
