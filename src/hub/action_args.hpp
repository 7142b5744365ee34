// SPDX-License-Identifier: BSD-2-Clause
// The words behind an action's name, parsed into plain options. A Complaint names the word
// that is wrong.
#pragma once

#include "hub/action.hpp"
#include "hub/value.hpp"

#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace rt::hub {

template <class Args> using Parsed = std::variant<Args, Complaint>;

// require value … [error=code] [message=text]
struct RequireArgs {
    std::vector<Value> values;
    std::optional<Value> error;
    std::optional<Value> message;
    [[nodiscard]] bool uses(Variable kind) const noexcept;
};

// join, leave: room [when=value] [trusted]
struct RoomArgs {
    Value room;
    std::optional<Value> when;
    bool trusted = false;
    [[nodiscard]] bool uses(Variable kind) const noexcept;
};

// emit event [to=room]… [user=u]… [all] [except=sender|room]… [data=value] [volatile] [when=value]
struct EmitArgs {
    Value event;
    std::vector<Value> to;
    std::vector<Value> users;
    std::vector<Value> except;
    std::optional<Value> data;
    std::optional<Value> when;
    bool all = false;
    bool except_sender = false;
    bool is_volatile = false;
    [[nodiscard]] bool uses(Variable kind) const noexcept;
    [[nodiscard]] bool has_target() const noexcept { return all || !to.empty() || !users.empty(); }
};

// relay [to=room]… [except=sender]
struct RelayArgs {
    std::vector<Value> to;
    bool except_sender = false;
    [[nodiscard]] bool uses(Variable kind) const noexcept;
};

// ack value
struct AckArgs {
    Value value;
    [[nodiscard]] bool uses(Variable kind) const noexcept { return value.uses(kind); }
};

// close [namespace|connection]
struct CloseArgs {
    bool connection = false;
    [[nodiscard]] bool uses(Variable) const noexcept { return false; }
};

[[nodiscard]] Parsed<RequireArgs> parse_require(const Words &words);
[[nodiscard]] Parsed<RoomArgs> parse_room(const Words &words);
[[nodiscard]] Parsed<EmitArgs> parse_emit(const Words &words);
[[nodiscard]] Parsed<RelayArgs> parse_relay(const Words &words);
[[nodiscard]] Parsed<AckArgs> parse_ack(const Words &words);
[[nodiscard]] Parsed<CloseArgs> parse_close(const Words &words);

} // namespace rt::hub
