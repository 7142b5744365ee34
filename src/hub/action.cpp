// SPDX-License-Identifier: BSD-2-Clause
// The table of actions: a new action is a file in hub/actions/ and a row here.
#include "hub/action.hpp"

#include "hub/actions/make.hpp"

#include <algorithm>
#include <array>

namespace rt::hub {

namespace {

constexpr std::array<ActionKind, 7> kKinds = {{
    {"ack", 1, 1, false, false, make_ack},
    {"close", 0, 1, true, false, make_close},
    {"emit", 1, kManyWords, true, true, make_emit},
    {"join", 1, 3, true, false, make_join},
    {"leave", 1, 3, true, false, make_leave},
    {"relay", 0, kManyWords, false, false, make_relay},
    {"require", 1, kManyWords, true, true, make_require},
}};

const char *name_of(Place place) noexcept {
    switch (place) {
    case Place::connect:
        return "connect";
    case Place::disconnect:
        return "disconnect";
    default:
        return "on";
    }
}

bool means_something(const ActionKind &kind, Place place) noexcept {
    switch (place) {
    case Place::connect:
        return kind.in_connect;
    case Place::disconnect:
        return kind.in_disconnect;
    default:
        return true;
    }
}

std::string quoted(Text word) { return "\"" + std::string(word) + "\""; }

} // namespace

std::span<const ActionKind> action_kinds() noexcept { return kKinds; }

const ActionKind *find_action(Text name) noexcept {
    const auto *found = std::find_if(kKinds.begin(), kKinds.end(),
                                     [name](const ActionKind &kind) { return kind.name == name; });
    return found == kKinds.end() ? nullptr : found;
}

MadeAction make_action(const ActionKind &kind, const Words &words) {
    if (words.all.size() < kind.min_args || words.all.size() > kind.max_args) {
        return Complaint{"invalid number of arguments in " + quoted(kind.name) + " directive"};
    }
    if (!means_something(kind, words.place)) {
        return Complaint{quoted(kind.name) + " directive is not allowed in " + quoted(name_of(words.place))};
    }
    return kind.make(words);
}

} // namespace rt::hub
