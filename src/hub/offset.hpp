// SPDX-License-Identifier: BSD-2-Clause
// The offset of an event: `<host>.<epoch>.<position>`, where it ends in which log. Clients send
// back the last one they got; what they send is only believed if we could have written it.
#pragma once

#include "hub/bus.hpp"

#include <optional>
#include <string>

namespace rt::hub {

// In the position of a socket's CONNECT, if that was at another host: what it got there stands in no
// log of this one, so without an offset of this log it does not come back.
inline constexpr Position kCameFromAbroad = Position{1} << 63;

// The text of this position is an offset that nobody believes.
inline constexpr Position kNoOffset = 0;

class Offsets {
public:
    // `log`: "<host>.<epoch>", without characters that JSON escapes.
    explicit Offsets(Text log) : prefix_(std::string(log) + ".") {}

    [[nodiscard]] std::string text(Position position) const { return prefix_ + std::to_string(position); }

    // Nothing if it is of another log, or not as text() writes it. It may still be no position
    // of this log: ask the bus.
    [[nodiscard]] std::optional<Position> read(Text offset) const noexcept;

private:
    std::string prefix_;
};

} // namespace rt::hub
