// SPDX-License-Identifier: BSD-2-Clause
// JSON text exactly as JSON.stringify writes it.
#include "wire/json_write.hpp"
#include "base/utf8.hpp"
#include "tap.hpp"
#include "vectors.hpp"
#include "wire/json.hpp"
#include "wire/json_slice.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <string>

using namespace rt;
using namespace rt::wire;
using rt::test::field;
using rt::test::is;
using rt::test::ok;

namespace {

std::string quoted(Text text) {
    std::string out;
    json::append_string(out, text);
    return out;
}

std::string number(double value) {
    std::string out;
    json::append_number(out, value);
    return out;
}

// UTF-16 units as UTF-8; a lone surrogate takes the three-byte form.
std::string from_units(Text array) {
    std::string text;
    std::string escapes = "\"";
    for (json::Elements each(array); each.next();) {
        const std::string hex = json::unescape(each.value());
        escapes += "\\u" + std::string(4 - hex.size(), '0') + hex;
        const std::uint64_t unit = std::stoull(hex, nullptr, 16);
        text += static_cast<char>(0xe0 | unit >> 12);
        text += static_cast<char>(0x80 | (unit >> 6 & 0x3f));
        text += static_cast<char>(0x80 | (unit & 0x3f));
    }
    const std::string proper = json::unescape(escapes + '"');
    // A lone surrogate stands before or instead of plain characters in these cases.
    const std::size_t lone = proper.find("\xef\xbf\xbd");
    return lone == std::string::npos ? proper : text.substr(0, 3) + proper.substr(3);
}

std::string from_hex(const std::string &hex) {
    std::string out;
    for (std::size_t at = 0; at < hex.size(); at += 2) {
        out += static_cast<char>(std::stoul(hex.substr(at, 2), nullptr, 16));
    }
    return out;
}

void writes_strings() {
    for (const std::string &each : test::vectors("json_strings")) {
        const std::string text = from_units(json::member(each, "utf16"));
        is(quoted(text), from_hex(field(each, "json_utf8_hex")), "string: " + field(each, "what"));
    }
}

void mends_bad_utf8() {
    struct {
        Text text;
        Text expected;
    } const cases[] = {
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\xc3", "\"a\xef\xbf\xbd\""},
        {"\xc3\xa9\xff\"", "\"\xc3\xa9\xef\xbf\xbd\\\"\""},
        {"\xf0\x9f\x98\x80\x80", "\"\xf0\x9f\x98\x80\xef\xbf\xbd\""},
        {"\xed\xb0\x80\xed\xa0\x80", R"("\udc00\ud800")"},
        {"\xed\xa0", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (const auto &each : cases) {
        is(quoted(each.text), each.expected, "ill-formed UTF-8 is mended");
    }
}

// Whatever the bytes, what is written is valid and reads back.
void round_trips_every_pair() {
    bool valid = true;
    bool same = true;
    for (unsigned a = 0; a < 256; ++a) {
        for (unsigned b = 0; b < 256; ++b) {
            const std::string text{'p', 'a', 'd', static_cast<char>(a), static_cast<char>(b), 'd',
                                   'i', 'n', 'g'};
            const std::string json = quoted(text);
            valid = valid && json::validate(json, 0);
            same = same && (!is_utf8(as_bytes(text)) || json::unescape(json) == text);
        }
    }
    ok(valid, "every pair of bytes becomes valid JSON");
    ok(same, "and reads back if it was UTF-8");
}

void writes_numbers() {
    for (const std::string &each : test::vectors("json_numbers")) {
        const std::uint64_t bits = std::stoull(field(each, "double_hex"), nullptr, 16);
        is(number(std::bit_cast<double>(bits)), field(each, "json"), "number " + field(each, "double_hex"));
    }
    is(number(-1.5e-9), "-1.5e-9", "a small negative");
    is(number(-123.25), "-123.25", "a negative with a point");
    is(number(-std::numeric_limits<double>::infinity()), "null", "minus infinity");
    std::string out;
    json::append_integer(out, INT64_MIN);
    json::append_integer(out, 7);
    is(out, "-92233720368547758087", "integers are appended");
}

} // namespace

int main() {
    writes_strings();
    mends_bad_utf8();
    round_trips_every_pair();
    writes_numbers();
    return rt::test::done();
}
