// SPDX-License-Identifier: BSD-2-Clause
// Slices of text that json::validate accepted: values pass through as the bytes the client
// sent, never as a tree. Views into the input; values carry no white space around them. On
// other text the answers mean nothing, but no byte outside it is read.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace rt::wire::json {

enum class Kind : std::uint8_t { none, null, boolean, number, string, array, object };

// Told by the first byte; none if the slice is empty.
[[nodiscard]] Kind kind(Text value) noexcept;

// Without white space at both ends.
[[nodiscard]] Text trim(Text text) noexcept;

// What stands between the brackets of an array or object, trimmed.
[[nodiscard]] Text inside(Text container) noexcept;

// Walks an array: `for (Elements each(array); each.next();) use(each.value());`
class Elements {
public:
    explicit Elements(Text array) noexcept;
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] Text value() const noexcept { return value_; }

private:
    Text text_;
    std::size_t at_;
    Text value_;
};

// Walks an object, duplicates included. The key is the raw string with its quotes.
class Members {
public:
    explicit Members(Text object) noexcept;
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] Text key() const noexcept { return key_; }
    [[nodiscard]] Text value() const noexcept { return value_; }

private:
    Text text_;
    std::size_t at_;
    Text key_;
    Text value_;
};

// Empty if there is none, or if the container is of another kind.
[[nodiscard]] Text element(Text array, std::size_t index) noexcept;

// The last member of that name, as in JavaScript. `name` is plain text; escapes in the
// object's keys are seen through. Empty if there is none, or if it is no object.
[[nodiscard]] Text member(Text object, Text name) noexcept;

// Does this raw string, escapes resolved, say `plain`?
[[nodiscard]] bool equals(Text raw_string, Text plain) noexcept;

// The text of a raw string. A lone surrogate escape, which no UTF-8 can say, becomes U+FFFD.
[[nodiscard]] std::string unescape(Text raw_string);
void append_unescaped(std::string &out, Text raw_string);

// The text of a raw string without a copy where there is nothing to resolve. It may view
// the input: it lives no longer.
class Plain {
public:
    explicit Plain(Text raw_string);
    [[nodiscard]] Text text() const noexcept { return copied_ ? Text(copy_) : view_; }

private:
    Text view_;
    std::string copy_;
    bool copied_;
};

} // namespace rt::wire::json
