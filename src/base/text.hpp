// SPDX-License-Identifier: BSD-2-Clause
// Small tools on text: numbers, ASCII case, splitting, percent-decoding.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace rt {

// Decimal digits only, the whole text, no sign, no overflow.
Result<std::uint64_t> parse_number(Text text);

void append_number(std::string &out, std::uint64_t value);

// ASCII only: header names, tokens, schemes.
bool iequals(Text a, Text b) noexcept;
std::string lower(Text text);

// Without spaces and tabs at both ends.
Text trim(Text text) noexcept;

// "a=b" -> {"a","b"}; without the separator the second part is empty and whole text first.
std::pair<Text, Text> split_once(Text text, char separator) noexcept;

// RFC 9110 5.6.1: is the token in this comma-separated list? Case-insensitive.
bool has_token(Text list, Text token) noexcept;

// Decodes %XX (a lone % stays as it is) and, if asked, '+' as a space.
std::string percent_decode(Text text, bool plus_is_space);

// The value of the first `name=` in a query string, still encoded; empty if missing.
Text query_value(Text query, Text name) noexcept;

// Calls visit(Text part) for each part between separators, also empty ones.
template <class Visitor> void split_each(Text text, char separator, Visitor visit) {
    for (;;) {
        const std::size_t at = text.find(separator);
        visit(text.substr(0, at));
        if (at == Text::npos) {
            return;
        }
        text.remove_prefix(at + 1);
    }
}

} // namespace rt
