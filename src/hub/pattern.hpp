// SPDX-License-Identifier: BSD-2-Clause
// A compiled regular expression. The shell implements it with nginx's PCRE, so that a
// pattern means the same here as in a location; tests implement their own.
#pragma once

#include "base/bytes.hpp"

#include <string>
#include <vector>

namespace rt::hub {

class Pattern {
public:
    virtual ~Pattern() = default;

    // Names of the named captures, in the order of the values that match() fills.
    [[nodiscard]] virtual const std::vector<std::string> &names() const noexcept = 0;

    // One view into `subject` per name; nullptr if it does not match. Valid until the next
    // call on this pattern.
    [[nodiscard]] virtual const std::vector<Text> *match(Text subject) const = 0;
};

} // namespace rt::hub
