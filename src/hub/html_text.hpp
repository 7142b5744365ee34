// SPDX-License-Identifier: BSD-2-Clause
// Text as it may stand in HTML, outside of tags.
#pragma once

#include "base/text.hpp"

#include <string>

namespace rt::hub {

inline void put_escaped(std::string &out, Text text) {
    for (const char c : text) {
        switch (c) {
        case '<':
            out += "&lt;";
            break;
        case '&':
            out += "&amp;";
            break;
        default:
            out += c;
        }
    }
}

} // namespace rt::hub
