// SPDX-License-Identifier: BSD-2-Clause
#include "base/text.hpp"

#include <algorithm>
#include <charconv>

namespace rt {

namespace {

// Not std::tolower: that asks the locale, and is undefined for bytes above 127.
char lower_char(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// -1 for what is no digit.
int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = lower_char(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

// The byte that "%XX" at the front stands for, or -1.
int escaped_byte(Text text) noexcept {
    if (text.size() < 3 || text[0] != '%') {
        return -1;
    }
    const int high = hex_digit(text[1]);
    const int low = hex_digit(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

} // namespace

Result<std::uint64_t> parse_number(Text text) {
    std::uint64_t value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (stop != end || error == std::errc::invalid_argument) {
        return {Code::protocol, "not a number"};
    }
    if (error != std::errc()) {
        return {Code::too_big, "number over 64 bits"};
    }
    return value;
}

void append_number(std::string &out, std::uint64_t value) {
    char digits[20]; // 2^64 - 1 has 20
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    out.append(digits, end);
}

bool iequals(Text a, Text b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower_char(x) == lower_char(y); });
}

std::string lower(Text text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), lower_char);
    return out;
}

Text trim(Text text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::pair<Text, Text> split_once(Text text, char separator) noexcept {
    const std::size_t at = text.find(separator);
    if (at == Text::npos) {
        return {text, {}};
    }
    return {text.substr(0, at), text.substr(at + 1)};
}

bool has_token(Text list, Text token) noexcept {
    while (!list.empty()) {
        const auto [first, rest] = split_once(list, ',');
        const Text element = trim(first);
        if (!element.empty() && iequals(element, token)) { // empty elements do not count, 5.6.1.2
            return true;
        }
        list = rest;
    }
    return false;
}

std::string percent_decode(Text text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const int byte = escaped_byte(text);
        if (byte >= 0) {
            out.push_back(static_cast<char>(byte));
            text.remove_prefix(3);
            continue;
        }
        const char c = text.front();
        out.push_back(c == '+' && plus_is_space ? ' ' : c);
        text.remove_prefix(1);
    }
    return out;
}

Text query_value(Text query, Text name) noexcept {
    while (!query.empty()) {
        const auto [pair, rest] = split_once(query, '&');
        if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=') {
            return pair.substr(name.size() + 1);
        }
        query = rest;
    }
    return {};
}

} // namespace rt
