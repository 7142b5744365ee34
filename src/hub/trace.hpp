// SPDX-License-Identifier: BSD-2-Clause
// Lines of the debug log. Each begins with what speaks: engine (transports and sessions),
// socket (namespaces), adapter (who gets an event) or parser.
#pragma once

#include "base/ports.hpp"

#include <initializer_list>
#include <string>

namespace rt::hub {

// Joins the words only if somebody wants to read them.
inline void trace(Log &log, std::initializer_list<Text> words) {
    if (!log.enabled(Level::debug)) {
        return;
    }
    std::string line;
    for (const Text word : words) {
        line += word;
    }
    log.write(Level::debug, line);
}

// Enough of a session's id to follow it, and not enough to use it.
inline Text shown(Text sid) noexcept { return sid.substr(0, 10); }

} // namespace rt::hub
