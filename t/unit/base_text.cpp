// SPDX-License-Identifier: BSD-2-Clause
// Text: numbers, case, trimming, splitting, lists of tokens, percent-decoding, queries.
#include "base/text.hpp"

#include "tap.hpp"

#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

std::string named(const char *what, Text input) { return std::string(what) + ": " + std::string(input); }

void test_numbers() {
    struct Case {
        Text text;
        Code code;
        std::uint64_t value;
    };
    const Case cases[] = {
        {"0", Code::ok, 0},
        {"007", Code::ok, 7},
        {"18446744073709551615", Code::ok, UINT64_MAX},
        {"18446744073709551616", Code::too_big, 0},
        {"99999999999999999999999999", Code::too_big, 0},
        {"99999999999999999999999999x", Code::protocol, 0},
        {"", Code::protocol, 0},
        {"-1", Code::protocol, 0},
        {"+1", Code::protocol, 0},
        {" 1", Code::protocol, 0},
        {"1 ", Code::protocol, 0},
        {"1.5", Code::protocol, 0},
        {"0x10", Code::protocol, 0},
        {"1e3", Code::protocol, 0},
        {Text("1\0", 2), Code::protocol, 0},
    };
    for (const Case &each : cases) {
        const Result<std::uint64_t> number = parse_number(each.text);
        ok(number.code() == each.code && (!number || *number == each.value), named("number", each.text));
    }
    ok(!parse_number(Text()), "number: no text at all");

    std::string out = "n=";
    append_number(out, 0);
    append_number(out, UINT64_MAX);
    is(out, "n=018446744073709551615", "numbers are appended");
}

void test_case() {
    ok(iequals("Upgrade", "uPGRADE") && iequals("", ""), "iequals: case apart");
    ok(!iequals("a", "ab") && !iequals("ab", "a"), "iequals: a prefix is not equal");
    ok(!iequals("@[`{", "`{@["), "iequals: only letters fold");
    ok(!iequals("\xC4", "\xE4"), "iequals: only ASCII folds");
    is(lower("AZ az @[ 09 \xC4"), "az az @[ 09 \xC4", "lower: only ASCII letters");
}

void test_trim() {
    is(trim(" \t a b\t "), "a b", "trim: both ends");
    is(trim(" \t "), "", "trim: nothing but blanks");
    is(trim("a\r\n"), "a\r\n", "trim: line ends stay");
    is(trim(""), "", "trim: empty");
}

void test_split() {
    struct Case {
        Text text, first, second;
    };
    const Case cases[] = {
        {"a=b", "a", "b"}, {"a=b=c", "a", "b=c"}, {"a", "a", ""},
        {"=b", "", "b"},   {"a=", "a", ""},       {"", "", ""},
    };
    for (const Case &each : cases) {
        const auto [first, second] = split_once(each.text, '=');
        ok(first == each.first && second == each.second, named("split_once", each.text));
    }

    const std::pair<Text, Text> lists[] = {{"a,,b", "<a><><b>"}, {"", "<>"}, {",", "<><>"}, {"ab", "<ab>"}};
    for (const auto &[text, expected] : lists) {
        std::string parts;
        split_each(text, ',', [&](Text part) { parts += "<" + std::string(part) + ">"; });
        is(parts, expected, named("split_each", text));
    }
}

void test_tokens() {
    struct Case {
        Text list, token;
        bool found;
    };
    const Case cases[] = {
        {"upgrade", "Upgrade", true},
        {"keep-alive, Upgrade", "upgrade", true},
        {"keep-alive ,\tUpgrade\t, x", "upgrade", true},
        {",, upgrade ,,", "upgrade", true},
        {"upgraded, up", "upgrade", false},
        {"keep-alive upgrade", "upgrade", false},
        {"", "upgrade", false},
        {"a,,b", "", false},
    };
    for (const Case &each : cases) {
        is(has_token(each.list, each.token), each.found, named("has_token", each.list));
    }
}

void test_percent() {
    struct Case {
        Text text, plain, form;
    };
    const Case cases[] = {
        {"a%20b+c", "a b+c", "a b c"},
        {"%2B%2b", "++", "++"},
        {"%41%4", "A%4", "A%4"},
        {"%", "%", "%"},
        {Text("%41").substr(0, 2), "%4", "%4"},
        {"%%41", "%A", "%A"},
        {"%zz%4g%g4", "%zz%4g%g4", "%zz%4g%g4"},
        {"%D0%BF", "\xD0\xBF", "\xD0\xBF"},
        {"%00x", Text("\0x", 2), Text("\0x", 2)},
        {"%2541", "%41", "%41"},
        {"", "", ""},
    };
    for (const Case &each : cases) {
        is(percent_decode(each.text, false), each.plain, named("percent_decode", each.text));
        is(percent_decode(each.text, true), each.form, named("percent_decode of a form", each.text));
    }
}

void test_query() {
    struct Case {
        Text query, value;
    };
    const Case cases[] = {
        {"sid=abc", "abc"},
        {"EIO=4&transport=polling&sid=a%20b&t=1", "a%20b"},
        {"sid=first&sid=second", "first"},
        {"xsid=no&sid=yes", "yes"},
        {"sidx=no", ""},
        {"sid", ""},
        {"sid&sid=yes", "yes"},
        {"sid=a=b", "a=b"},
        {"sid=", ""},
        {"a=1&&sid=x&", "x"},
        {"SID=no", ""},
        {"", ""},
    };
    for (const Case &each : cases) {
        is(query_value(each.query, "sid"), each.value, named("query_value", each.query));
    }
}

} // namespace

int main() {
    test_numbers();
    test_case();
    test_trim();
    test_split();
    test_tokens();
    test_percent();
    test_query();
    return test::done();
}
