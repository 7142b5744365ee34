// SPDX-License-Identifier: BSD-2-Clause
// Writes JSON scalars byte for byte as JavaScript's JSON.stringify does.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <string>

namespace rt::wire::json {

// Quoted. Escapes only `"`, `\` and control characters. Takes any bytes and writes valid
// UTF-8: a surrogate in its three-byte form becomes its \u escape, other ill-formed bytes
// become U+FFFD.
void append_string(std::string &out, Text text);

// Shortest text that reads back as the same double; NaN and infinities are null.
void append_number(std::string &out, double value);

void append_integer(std::string &out, std::int64_t value);

} // namespace rt::wire::json
