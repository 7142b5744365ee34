// SPDX-License-Identifier: BSD-2-Clause
// What the floors below nginx need from the process around them. The shell implements
// these; unit tests implement them with a fake clock. Time is always handed in, in
// milliseconds of the monotonic clock.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace rt {

using Millis = std::int64_t; // monotonic
inline constexpr Millis kNever = INT64_MAX;

// Fills the span from the system's secure generator.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(MutableBytes out) = 0;
};

enum class Level : std::uint8_t { alert, error, warn, notice, info, debug };

// One line: subject, action, reason. The shell adds who (connection, address).
class Log {
public:
    virtual ~Log() = default;
    virtual void write(Level level, Text line) = 0;
    [[nodiscard]] virtual bool enabled(Level level) const noexcept = 0;
};

} // namespace rt
