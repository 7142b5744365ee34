// SPDX-License-Identifier: BSD-2-Clause
// Which texts are JSON.
#include "wire/json.hpp"
#include "tap.hpp"
#include "vectors.hpp"

#include <chrono>
#include <string>

using namespace rt;
using namespace rt::wire;
using rt::test::Exact;
using rt::test::is;
using rt::test::ok;
using rt::test::shown;

namespace {

constexpr unsigned kDepth = json::kDefaultDepth;

Code verdict(Text text, unsigned depth = kDepth) { return json::validate(Exact(text).text(), depth).code(); }

std::string repeat(Text piece, std::size_t times) {
    std::string out;
    for (; times > 0; --times) {
        out += piece;
    }
    return out;
}

void accepts() {
    const Text texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "10",
        "-1.5",
        "1e3",
        "1E-3",
        "0.0e+0",
        R"("")",
        R"("a")",
        "[]",
        "{}",
        " [ ] ",
        "\t{\r\n}\n",
        "[1]",
        "[1 , 2]",
        R"({"a":1})",
        R"({ "a" : { "b" : [ ] } , "c" : "" })",
        R"({"a":1,"a":2})",
        R"("\"\\\/\b\f\n\r\t\u0000\uD83d\ude00")",
        R"("\ud800")",
        "\"\x7f\"",
        "\"\xc3\xa9 \xf0\x9f\x98\x80\"",
        "\"12345678\u20ac90\"",
        R"([[],[[]],{"":[{}]}])",
    };
    for (const Text text : texts) {
        ok(verdict(text) == Code::ok, "accepts " + shown(text));
    }
}

constexpr Text kRefused[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "NaN",
    "Infinity",
    "undefined",
    "00",
    "01",
    "-",
    "+1",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1",
    "1 2",
    "--1",
    "-a",
    "1.e1",
    "'a'",
    "\"",
    "\"a",
    R"("\x")",
    R"("\u12")",
    R"("\u12g4")",
    R"("\)",
    R"("\u)",
    R"("a""b")",
    "\"a\nb\"",
    "\"\x1f\"",
    "\"1234567\x01\"",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1}",
    "{",
    "}",
    R"({"a"})",
    R"({"a":})",
    R"({"a":1,})",
    R"({"a" 1})",
    "{1:2}",
    "{a:1}",
    R"({,"a":1})",
    R"({"a":1 "b":2})",
    R"({"a":1])",
    R"({"a":1,2})",
    "[]]",
    "[][]",
    "{}{}",
    "[],",
    "//",
    "[1]//",
    "\v1",
    "\u00a01",
    Text("\"a\0b\"", 5),
    Text("\"\\\0\"", 4),
    Text("1\0", 2),
};

void refuses() {
    for (const Text text : kRefused) {
        ok(verdict(text) == Code::protocol, "refuses " + shown(text));
    }
}

void refuses_bad_utf8() {
    const Text texts[] = {"\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"", "\"\xc0\xaf\"", "\"\xf5\x80\x80\x80\"",
                          "\xef\xbb"};
    for (const Text text : texts) {
        ok(verdict(text) == Code::bad_utf8, "refuses ill-formed UTF-8");
    }
}

// Of a text that only its last byte completes, no prefix is a value.
void refuses_every_prefix() {
    const Text texts[] = {
        R"({"a":[1,2.5e-3,true,null,{"b":"\u00e9\\"}],"c":{"d":"long enough for a whole word"}})",
        R"(["\ud83d\ude00",{"_placeholder":true,"num":0},[[[]]],-0.0])",
        R"("text with \"quotes\" and more than sixteen bytes")",
    };
    for (const Text text : texts) {
        bool all = true;
        for (std::size_t size = 0; size < text.size(); ++size) {
            all = all && verdict(text.substr(0, size)) != Code::ok;
        }
        ok(all && verdict(text) == Code::ok, "whole, but no prefix of it: " + shown(text));
    }
}

// A special character is found wherever in a word it stands.
void finds_at_any_offset() {
    bool all = true;
    for (std::size_t at = 0; at < 40; ++at) {
        for (const char bad : {'\x01', '\x1f', '"', '\\'}) {
            std::string text = '"' + std::string(40, '\x7f') + '"';
            text[at + 1] = bad;
            all = all && verdict(text) == Code::protocol;
        }
    }
    ok(all, "a bad character is found at any offset of a long string");
}

void bounds_depth() {
    is(verdict(repeat("[", 64) + repeat("]", 64)) == Code::ok, true, "depth 64 of 64");
    is(verdict(repeat("[", 65) + repeat("]", 65)) == Code::too_deep, true, "depth 65 of 64");
    is(verdict(repeat(R"({"a":)", 64) + "1" + repeat("}", 64)) == Code::ok, true, "64 objects");
    is(verdict(repeat(R"({"a":)", 65) + "1" + repeat("}", 65)) == Code::too_deep, true, "65 objects");
    is(verdict("1", 0) == Code::ok, true, "a scalar has no depth");
    is(verdict("[]", 0) == Code::too_deep, true, "an array has depth 1");
    const std::string mixed = repeat(R"([{"a":)", 512) + "1" + repeat("}]", 512);
    is(verdict(mixed, json::kMaxDepth) == Code::ok, true, "the greatest depth");
    is(verdict("[" + mixed + "]", UINT32_MAX) == Code::too_deep, true, "and no more, whatever is asked");
    const std::string wrong = repeat("[{\"a\":", 100) + "1" + repeat("]}", 100);
    is(verdict(wrong, json::kMaxDepth) == Code::protocol, true, "brackets of the wrong kind, deep down");
}

void is_linear() {
    const std::string texts[] = {
        repeat("[", 400'000),
        repeat(R"({"a":)", 80'000),
        "[" + repeat("[],", 130'000) + "[]]",
        '"' + repeat(R"(\")", 200'000) + '"',
        repeat("9", 100'000),
        repeat("\"\xe2\x82\xac\",", 100'000),
    };
    const auto start = std::chrono::steady_clock::now();
    unsigned good = 0;
    for (const std::string &text : texts) {
        good += verdict(text) == Code::ok ? 1 : 0;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    is(good, 3U, "huge texts get their verdicts");
    ok(took.count() < 1, "in no time");
}

void knows_values() {
    for (const Text text : {"{}", "[1]", "7", "-7.5", "true", "false", "null", R"("7")", " 7 "}) {
        ok(json::is_json_value(text), "a value: " + shown(text));
    }
    for (const Text text : {"", "hello", "007", "7 apples", "True", "{", "nullable", "'7'", "\xff"}) {
        ok(!json::is_json_value(text), "a string: " + shown(text));
    }
}

} // namespace

int main() {
    accepts();
    refuses();
    refuses_bad_utf8();
    refuses_every_prefix();
    finds_at_any_offset();
    bounds_depth();
    is_linear();
    knows_values();
    return rt::test::done();
}
