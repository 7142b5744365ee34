// SPDX-License-Identifier: BSD-2-Clause
// What a handshake left of nginx's variables, on its way to where another configuration may be
// in force: with the names of the variables, for there they may be others, or in another order.
#pragma once

#include "base/bytes.hpp"

#include <span>
#include <string>

namespace rt::hub {

struct Captures {
    Text names;  // as captured_names() makes it
    Text values; // in that order, each written by Writer::put_text
};

// AppSettings::captured as one text.
[[nodiscard]] std::string captured_names(std::span<const std::string> names);

// The values in the order of the wanted names; empty where there is none of that name.
[[nodiscard]] std::string captured_values(Text wanted, const Captures &captures);

} // namespace rt::hub
