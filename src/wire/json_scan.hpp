// SPDX-License-Identifier: BSD-2-Clause
// What the JSON reader and writer share: white space, and fast runs of plain characters.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rt::wire::json {

[[nodiscard]] inline bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The first place at or after `at` that is no white space.
[[nodiscard]] inline std::size_t skip_space(Text text, std::size_t at) noexcept {
    while (at < text.size() && is_space(text[at])) {
        ++at;
    }
    return at;
}

// Must the character be escaped inside a string?
[[nodiscard]] inline bool is_special(char c) noexcept {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
}

// The same for any of eight characters at once. Borrows may mark a wrong byte, but only
// when some byte is marked rightly: as a yes or no the answer is exact.
[[nodiscard]] inline bool any_special(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t tops = 0x8080808080808080;
    const std::uint64_t quotes = word ^ (ones * '"');
    const std::uint64_t slashes = word ^ (ones * '\\');
    const std::uint64_t found =
        ((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes) | ((word - ones * 0x20) & ~word);
    return (found & tops) != 0;
}

// The first place at or after `at` that holds a special character, or the end.
[[nodiscard]] inline std::size_t skip_plain(Text text, std::size_t at) noexcept {
    std::uint64_t word = 0;
    while (text.size() - at >= sizeof(word)) {
        std::memcpy(&word, text.data() + at, sizeof(word));
        if (any_special(word)) {
            break;
        }
        at += sizeof(word);
    }
    while (at < text.size() && !is_special(text[at])) {
        ++at;
    }
    return at;
}

// Behind the string whose opening quote stands at `at`; the text's end if it does not end.
[[nodiscard]] inline std::size_t skip_string(Text text, std::size_t at) noexcept {
    ++at;
    while ((at = skip_plain(text, at)) < text.size()) {
        const char c = text[at++];
        if (c == '"') {
            return at;
        }
        if (c == '\\' && at < text.size()) {
            ++at;
        }
    }
    return at;
}

} // namespace rt::wire::json
