// SPDX-License-Identifier: BSD-2-Clause
// One action of a chain, and the table of all actions: a row is the directive's name
// inside connect { }, disconnect { } and on event { }.
#pragma once

#include "hub/value.hpp"

#include <memory>
#include <span>
#include <string>
#include <variant>

namespace rt::hub {

class Run;

enum class Step : std::uint8_t {
    next, // go on with the next action
    wait, // the run was suspended; who took its handle resumes it
    stop, // the chain ends here; a failure has been recorded in the run
};

// Immutable, shared by all runs.
class Action {
public:
    virtual ~Action() = default;
    virtual Step run(Run &run) const = 0;
    // May it run before the rooms are heard that the chain has joined? Nothing that tells anybody.
    [[nodiscard]] virtual bool is_silent() const noexcept { return false; }
    // Every value of this action, so that the settings know what sockets must keep.
    [[nodiscard]] virtual bool uses(Variable kind) const noexcept = 0;
};

using MadeAction = std::variant<std::unique_ptr<const Action>, Complaint>;

// Where a chain stands; some actions have no meaning in some places.
enum class Place : std::uint8_t { connect, disconnect, event };

// The words behind an action's name, and what is known where it stands.
struct Words {
    std::span<const Text> all; // without the name
    const CompileScope &names;
    Place place;
};

inline constexpr unsigned kManyWords = 100; // an action without a bound of its own

struct ActionKind {
    Text name;
    unsigned min_args; // without the name itself
    unsigned max_args;
    bool in_connect;
    bool in_disconnect; // in `on event { }` all have a meaning
    MadeAction (*make)(const Words &words);
};

// All actions, in alphabetical order.
[[nodiscard]] std::span<const ActionKind> action_kinds() noexcept;

[[nodiscard]] const ActionKind *find_action(Text name) noexcept;

// What the configuration wrote, checked and made. The complaint names the word that is wrong.
[[nodiscard]] MadeAction make_action(const ActionKind &kind, const Words &words);

} // namespace rt::hub
