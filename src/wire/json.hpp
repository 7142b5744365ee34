// SPDX-License-Identifier: BSD-2-Clause
// Is this text valid JSON (RFC 8259), nested no deeper than allowed? Iterative, linear, and
// allocates nothing. What may be done with valid text stands in wire/json_slice.hpp.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace rt::wire::json {

// The bound where nothing else is configured (realtime_limits depth=).
inline constexpr unsigned kDefaultDepth = 64;

// Nothing nested deeper is accepted, whatever bound the caller names.
inline constexpr unsigned kMaxDepth = 1024;

// One value, with white space around it or not. A scalar has depth 0, `[]` has depth 1.
// Errors: bad_utf8; too_deep; protocol for bad syntax.
Result<void> validate(Text text, unsigned max_depth);

// The type rule of configured values: text that is JSON is that value, any other text is a
// string. `"7"` with its quotes is JSON: a string.
[[nodiscard]] bool is_json_value(Text text);

} // namespace rt::wire::json
