// SPDX-License-Identifier: BSD-2-Clause
#include "net/frames.hpp"

namespace bench {

namespace {

constexpr char kMask[] = {0x12, 0x34, 0x56, 0x78};

} // namespace

std::string text_frame(Text payload, bool masked) {
    std::string out;
    const int mask = masked ? 0x80 : 0;
    out += static_cast<char>(0x81);
    if (payload.size() < 126) {
        out += static_cast<char>(mask | static_cast<int>(payload.size()));
    } else {
        out += static_cast<char>(mask | 126);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xFF);
    }
    if (!masked) {
        return out.append(payload);
    }
    out.append(kMask, sizeof(kMask));
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out += static_cast<char>(payload[i] ^ kMask[i & 3]);
    }
    return out;
}

std::string payload_of(Text whole, const Frame &frame) {
    std::string payload(whole.substr(frame.head));
    if (frame.masked) {
        const Text key = whole.substr(frame.head - 4, 4);
        for (std::size_t i = 0; i < payload.size(); ++i) {
            payload[i] = static_cast<char>(payload[i] ^ key[i & 3]);
        }
    }
    return payload;
}

} // namespace bench
