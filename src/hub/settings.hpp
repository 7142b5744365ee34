// SPDX-License-Identifier: BSD-2-Clause
// The immutable configuration of one realtime_app as the core sees it. Built by the shell
// after nginx has parsed everything; lives as long as the cycle; tests build it directly.
#pragma once

#include "base/ports.hpp"
#include "hub/action.hpp"
#include "hub/pattern.hpp"
#include "hub/value.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace rt::hub {

// Actions run top to bottom; the first failure ends the chain (decisions.md, ruling 20).
struct Chain {
    std::vector<std::unique_ptr<const Action>> actions;
};

struct EventRule {
    std::string event;                // exact name, or empty with
    std::unique_ptr<Pattern> pattern; // `on ~ regex`
    Chain chain;
};

struct NamespaceSettings {
    std::string path;                 // exact, with its leading '/', or empty with
    std::unique_ptr<Pattern> pattern; // `namespace ~ regex`
    Chain connect;
    Chain disconnect;
    std::vector<EventRule> events; // exact names first, then patterns in their order
    bool keeps_auth = false;       // some value mentions $realtime_auth
};

struct AppSettings {
    std::string name;
    std::string zone;                  // shared memory zone; its log is "<zone>.log"
    std::size_t zone_size = 32u << 20; // bytes of both together
    Millis recovery = 0;               // for how long a lost transport's sockets are kept; 0: not at all
    Value user;                        // who a connection is; empty = nobody
    std::vector<std::string> captured; // nginx variables kept from the handshake, by name
    std::vector<std::unique_ptr<NamespaceSettings>> namespaces; // exact first, then patterns

    // Of the exact ones.
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> exact;
        for (const auto &nsp : namespaces) {
            if (nsp->pattern == nullptr) {
                exact.push_back(nsp->path);
            }
        }
        return exact;
    }
};

} // namespace rt::hub
