// SPDX-License-Identifier: BSD-2-Clause
#include "wire/json_write.hpp"

#include "base/utf8.hpp"
#include "wire/json_scan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace rt::wire::json {

namespace {

constexpr Text kHex = "0123456789abcdef";
constexpr Text kReplacement = "\xef\xbf\xbd";
constexpr double kExact = 9007199254740992; // 2^53: below it a whole double is written digit for digit

void append_unit(std::string &out, unsigned unit) {
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) {
        out += kHex[unit >> shift & 0xf];
    }
}

void append_special(std::string &out, char c) {
    constexpr Text special = "\"\\\b\f\n\r\t";
    constexpr Text letters = "\"\\bfnrt";
    const std::size_t at = special.find(c);
    if (at == Text::npos) {
        append_unit(out, static_cast<unsigned char>(c));
        return;
    }
    out += '\\';
    out += letters[at];
}

// Escapes text that is valid UTF-8.
void append_escaped(std::string &out, Text text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = skip_plain(text, at);
        out += text.substr(at, end - at);
        at = end;
        if (at < text.size()) {
            append_special(out, text[at++]);
        }
    }
}

// Is it a surrogate in the three-byte form, which UTF-8 forbids? (U+D800 is ED A0 80.)
bool is_surrogate(Text text) noexcept {
    const Bytes bytes = as_bytes(text);
    return bytes.size() == 3 && bytes[0] == 0xed && bytes[1] >= 0xa0 && bytes[1] <= 0xbf &&
           (bytes[2] & 0xc0) == 0x80;
}

// Bytes of the character at the front, or 0 if it is ill-formed.
std::size_t character_size(Text text) noexcept {
    for (std::size_t size = 1; size <= std::min<std::size_t>(4, text.size()); ++size) {
        if (is_utf8(as_bytes(text.substr(0, size)))) {
            return size;
        }
    }
    return 0;
}

void append_ill_formed(std::string &out, Text text) {
    while (!text.empty()) {
        std::size_t size = character_size(text);
        if (size != 0) {
            append_escaped(out, text.substr(0, size));
        } else if (is_surrogate(text.substr(0, 3))) {
            size = 3;
            append_unit(out, 0xd000u | (as_bytes(text)[1] & 0x3fu) << 6 | (as_bytes(text)[2] & 0x3fu));
        } else {
            size = 1;
            out += kReplacement;
        }
        text.remove_prefix(size);
    }
}

// ECMA-262 6.1.6.1.20, Number::toString: the digits, and where the point stands behind the
// first of them (`point` may lie outside the digits).
void append_decimal(std::string &out, Text digits, int point) {
    const int count = static_cast<int>(digits.size());
    const auto zeros = [&](int n) { out.append(static_cast<std::size_t>(n), '0'); };
    if (point >= count && point <= 21) {
        out += digits;
        zeros(point - count);
    } else if (point > 0 && point <= 21) {
        out += digits.substr(0, static_cast<std::size_t>(point));
        out += '.';
        out += digits.substr(static_cast<std::size_t>(point));
    } else if (point > -6 && point <= 0) {
        out += "0.";
        zeros(-point);
        out += digits;
    } else {
        out += digits.front();
        if (count > 1) {
            out += '.';
            out += digits.substr(1);
        }
        out += point > 0 ? "e+" : "e-";
        append_integer(out, std::abs(point - 1));
    }
}

} // namespace

void append_string(std::string &out, Text text) {
    out += '"';
    if (is_utf8(as_bytes(text))) {
        append_escaped(out, text);
    } else {
        append_ill_formed(out, text);
    }
    out += '"';
}

void append_number(std::string &out, double value) {
    if (!std::isfinite(value)) {
        out += "null";
        return;
    }
    if (std::fabs(value) < kExact && std::trunc(value) == value) { // most are whole; -0 is 0 here
        append_integer(out, static_cast<std::int64_t>(value));
        return;
    }
    if (value < 0) {
        out += '-';
    }
    // The shortest digits come as d[.ddd]e+XX.
    std::array<char, 32> buffer;
    const auto end =
        std::to_chars(buffer.begin(), buffer.end(), std::fabs(value), std::chars_format::scientific);
    Text text(buffer.data(), static_cast<std::size_t>(end.ptr - buffer.begin()));
    const std::size_t e = text.find('e');
    int exponent = 0;
    const char *sign = text.data() + e + 1;
    std::from_chars(*sign == '+' ? sign + 1 : sign, end.ptr, exponent);
    const auto digits_end = std::remove(buffer.begin(), buffer.begin() + e, '.');
    append_decimal(out, {buffer.data(), static_cast<std::size_t>(digits_end - buffer.begin())}, exponent + 1);
}

void append_integer(std::string &out, std::int64_t value) {
    std::array<char, 24> buffer;
    const auto end = std::to_chars(buffer.begin(), buffer.end(), value);
    out.append(buffer.begin(), end.ptr);
}

} // namespace rt::wire::json
