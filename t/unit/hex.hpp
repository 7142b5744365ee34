// SPDX-License-Identifier: BSD-2-Clause
// Bytes as text in tests.
#pragma once

#include "base/bytes.hpp"

#include <string>

namespace rt::test {

inline std::string from_hex(Text hex) {
    std::string out;
    for (; hex.size() >= 2; hex.remove_prefix(2)) {
        out += static_cast<char>(std::stoul(std::string(hex.substr(0, 2)), nullptr, 16));
    }
    return out;
}

inline std::string to_hex(Text bytes) {
    std::string out;
    for (const std::uint8_t byte : as_bytes(bytes)) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 0xf];
    }
    return out;
}

} // namespace rt::test
