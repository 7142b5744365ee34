// SPDX-License-Identifier: BSD-2-Clause
// Whom an action reaches: the rooms that its values name. A room without a name is nobody's:
// it is left out, and what then has no room left reaches nobody.
#pragma once

#include "hub/bus.hpp"
#include "hub/scope.hpp"
#include "hub/value.hpp"

#include <string>
#include <vector>

namespace rt::hub {

class Audience {
public:
    void add_rooms(const std::vector<Value> &rooms, const Scope &scope) { take(to_, "", rooms, scope); }

    // A user is the room `user:<user>` (decisions.md, ruling 19).
    void add_users(const std::vector<Value> &users, const Scope &scope) { take(to_, "user:", users, scope); }

    void except_rooms(const std::vector<Value> &rooms, const Scope &scope) {
        take(except_, "", rooms, scope);
    }

    [[nodiscard]] bool empty() const noexcept { return to_.empty(); }

    // The envelope views this audience. A socket's id is a room; empty: nobody is excepted.
    void address(Envelope &envelope, Text except_socket) const {
        envelope.to.assign(to_.begin(), to_.end());
        envelope.except.assign(except_.begin(), except_.end());
        if (!except_socket.empty()) {
            envelope.except.push_back(except_socket);
        }
    }

private:
    static void take(std::vector<std::string> &names, Text prefix, const std::vector<Value> &values,
                     const Scope &scope) {
        for (const Value &value : values) {
            if (const std::string name = value.text(scope); !name.empty()) {
                names.push_back(std::string(prefix) + name);
            }
        }
    }

    std::vector<std::string> to_;
    std::vector<std::string> except_;
};

} // namespace rt::hub
