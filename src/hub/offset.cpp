// SPDX-License-Identifier: BSD-2-Clause
#include "hub/offset.hpp"

#include <charconv>

namespace rt::hub {

std::optional<Position> Offsets::read(Text offset) const noexcept {
    if (!offset.starts_with(prefix_)) {
        return std::nullopt;
    }
    const Text digits = offset.substr(prefix_.size());
    Position position = 0;
    const char *end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, position);
    if (read.ec != std::errc() || read.ptr != end || digits.front() == '0') {
        return std::nullopt;
    }
    return position;
}

} // namespace rt::hub
