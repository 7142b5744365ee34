// SPDX-License-Identifier: BSD-2-Clause
// Dom: navigation, slices that keep the text as it came, limits, and errors with their place.
#include "wire/dom.hpp"

#include "base/utf8.hpp"

#include "tap.hpp"

#include <string>

using namespace rt;
using namespace rt::wire;
using json::Kind;
using test::is;
using test::ok;

namespace {

constexpr Text kPublish = R"({ "namespace": "/chat", "event": "x",
  "args": [ 1, {"b": 2.50, "a": [ ]}, "t \u00e9\n\" ,", 18446744073709551616, null ],
  "rooms": ["a", "b"], "users": ["7"], "except": [], "volatile": true, "ack": {"timeout": 5e3} })";

std::string quoted(const char *what, Text text) { return std::string(what) + ": " + std::string(text); }

void test_navigation() {
    const Dom dom = Dom::parse(kPublish, {});
    ok(dom && dom.fault().code == Code::ok, "a publish body is parsed");
    const DomNode root = dom.root();
    ok(root.is(Kind::object) && root.size() == 8, "an object of eight members");
    is(root.member("namespace").text(), "/chat", "text of a member");
    is(root.member("rooms").element(1).text(), "b", "text of an element");
    ok(root.member("volatile").boolean() && root.member("volatile").is(Kind::boolean), "a boolean");
    is(*root.member("ack").member("timeout").integer(), 5000, "a number by a path");
    is(root.member("except").size(), 0U, "an empty array");
    ok(root.member("except").is(Kind::array) && root.member("except"), "is there all the same");
    const DomNode args = root.member("args");
    is(args.element(2).text(), "t \u00e9\n\" ,", "escapes are resolved");
    ok(args.element(4).is(Kind::null) && args.element(4), "null is a value");
}

void test_absent() {
    const Dom dom = Dom::parse(kPublish, {});
    const DomNode root = dom.root();
    const DomNode absent[] = {
        DomNode(),
        root.member("missing"),
        root.member(""),
        root.element(0),
        root.member("rooms").member(""),
        root.member("rooms").element(2),
        Dom::parse("[", {}).root(),
    };
    for (const DomNode &node : absent) {
        const bool nothing = !node && node.is(Kind::none) && node.text().empty() && node.size() == 0;
        const bool silent = !node.boolean() && !node.integer() && node.raw().empty() && node.dump().empty();
        ok(nothing && silent && !node.member("a") && !node.element(0) && !DomItems(node).next(),
           "what is missing answers with nothing");
    }
    ok(root.text().empty() && !root.boolean() && !root.integer(), "so does what is of another kind");
    ok(root.member("event").size() == 0 && !DomItems(root.member("event")).next(), "a string has no parts");
}

void test_slices() {
    const Dom dom = Dom::parse(kPublish, {});
    const DomNode args = dom.root().member("args");
    is(args.element(1).raw(), "{\"b\": 2.50, \"a\": [ ]}", "raw is the text as it stands");
    is(args.element(3).raw(), "18446744073709551616", "also of an integer over 64 bits");
    is(args.dump(), "[1,{\"b\":2.50,\"a\":[]},\"t \\u00e9\\n\\\" ,\",18446744073709551616,null]",
       "dump is compact, and keeps order, digits and escapes");
    ok(args.raw().data() > kPublish.data() && args.raw().data() < kPublish.data() + kPublish.size(),
       "slices view the caller's text");
    std::string out = "2";
    args.element(4).append_compact(out);
    is(out, "2null", "appending appends");
    is(Dom::parse(" \r\n\t[ ] \n", {}).root().raw(), "[ ]", "the root without white space around it");
}

void test_items() {
    const Dom dom = Dom::parse(R"({"z": 1, "a": [true], "\u006d": "x", "": {}, "k\"": 2})", {});
    std::string seen;
    for (DomItems each(dom.root()); each.next();) {
        seen += std::string(each.key()) + "=" + each.value().dump() + ";";
    }
    is(seen, "z=1;a=[true];m=\"x\";={};k\"=2;", "members in the order of the text, keys resolved");
    is(dom.root().member("m").raw(), "\"x\"", "a key with escapes is found");
    is(dom.root().member("").raw(), "{}", "so is the empty key");

    const Dom list = Dom::parse(R"(["a" , [1,"]"] ,{"b":"}"}, -0.0])", {});
    seen.clear();
    for (DomItems each(list.root()); each.next();) {
        ok(each.key().empty(), "elements have no key");
        seen += std::string(each.value().raw()) + ";";
    }
    is(seen, "\"a\";[1,\"]\"];{\"b\":\"}\"};-0.0;", "elements in order");
}

// More members than one table of jansson's holds: the order is still that of the text.
void test_order_of_many() {
    std::string text = "{";
    for (int i = 0; i < 1000; ++i) {
        text += "\"k" + std::to_string(i * 7919 % 1000) + "\":" + std::to_string(i) + ",";
    }
    text.back() = '}';
    const Dom dom = Dom::parse(text, {});
    int wrong = 0;
    int next = 0;
    for (DomItems each(dom.root()); each.next(); ++next) {
        wrong += each.key() == "k" + std::to_string(next * 7919 % 1000) ? 0 : 1;
        wrong += *each.value().integer() == next ? 0 : 1;
    }
    ok(wrong == 0 && next == 1000, "a thousand members in order");
}

void test_integers() {
    struct Case {
        Text text;
        bool good;
        std::int64_t value;
    };
    const Case cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"-17", true, -17},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"5.0", true, 5},
        {"5e3", true, 5000},
        {"-2E+1", true, -20},
        {"9007199254740992.0", true, 9007199254740992},
        {"1e16", false, 0},
        {"1.5", false, 0},
        {"1e-3", false, 0},
        {"\"5\"", false, 0},
        {"true", false, 0},
        {"null", false, 0},
        {"[5]", false, 0},
    };
    for (const Case &each : cases) {
        const Dom dom = Dom::parse(each.text, {});
        const Result<std::int64_t> number = dom.root().integer();
        ok(dom && static_cast<bool>(number) == each.good && (!number || *number == each.value),
           quoted("integer", each.text));
    }
}

void test_text() {
    const Dom dom = Dom::parse(R"(["a\u0000b", "\ud83d\ude00", "\u001e", ""])", {});
    ok(dom.root().element(0).text() == Text("a\0b", 3), "NUL in a string");
    is(dom.root().element(1).text(), "\xF0\x9F\x98\x80", "a pair of surrogates");
    is(dom.root().element(2).dump(), "\"\\u001e\"", "an escaped separator stays escaped");
    ok(dom.root().element(3).is(Kind::string) && dom.root().element(3), "an empty string is there");
}

void test_scalars() {
    const std::pair<Text, Kind> cases[] = {{"1", Kind::number},     {"\"x\"", Kind::string},
                                           {"true", Kind::boolean}, {"null", Kind::null},
                                           {" [] ", Kind::array},   {"{}", Kind::object}};
    for (const auto &[text, kind] : cases) {
        const Dom dom = Dom::parse(text, {});
        ok(dom && dom.root().is(kind), quoted("any value may be a document", text));
    }
    ok(!Dom::parse("false", {}).root().boolean(), "false is false");
}

struct Bad {
    Text text;
    Code code;
    std::uint32_t line, column;
    Text message; // its beginning
};

const Bad kBad[] = {
    {"", Code::protocol, 1, 1, "the document is empty"},
    {Text(), Code::protocol, 1, 1, "the document is empty"},
    {" ", Code::protocol, 1, 1, "unexpected token near end of file"},
    {"[1,]", Code::protocol, 1, 4, "unexpected token near ']'"},
    {"[\n  1,\n  ]", Code::protocol, 3, 3, "unexpected token"},
    {"[\"\xC3\xA9\xC3\xA9\",]", Code::protocol, 1, 7, "unexpected token"},
    {"[1] x", Code::protocol, 1, 5, "end of file expected near 'x'"},
    {"[1][2]", Code::protocol, 1, 4, "end of file expected"},
    {"{\"a\":1,\n\"a\":2}", Code::protocol, 2, 3, "duplicate object key"},
    {"{\"a\":1,\"\\u0061\":2}", Code::protocol, 1, 15, "duplicate object key"},
    {"{\"a\\u0000\":1}", Code::protocol, 1, 10, "NUL byte in object key"},
    {"[\"\xFF\"]", Code::bad_utf8, 1, 2, "unable to decode byte 0xff"},
    {"[\"\xC0\x80\"]", Code::bad_utf8, 1, 2, "unable to decode byte 0xc0"},
    {"[\"\xED\xA0\x80\"]", Code::bad_utf8, 1, 2, "unable to decode byte 0xed"},
    {"[\"\\ud800\"]", Code::protocol, 1, 9, "invalid Unicode"},
    {"[\"a\nb\"]", Code::protocol, 1, 3, "unexpected newline"},
    {"[\"\x1F\"]", Code::protocol, 1, 2, "control character 0x1f"},
    {"[\"\\x\"]", Code::protocol, 1, 4, "invalid escape"},
    {"[1e400]", Code::protocol, 1, 6, "real number overflow"},
    {"[01]", Code::protocol, 1, 2, "invalid token"},
    {"[+1]", Code::protocol, 1, 2, "invalid token"},
    {"[1.]", Code::protocol, 1, 3, "invalid token"},
    {"[NaN]", Code::protocol, 1, 4, "invalid token"},
    {"[nul]", Code::protocol, 1, 4, "invalid token"},
    {"{a:1}", Code::protocol, 1, 2, "string or '}' expected"},
    {"{\"a\" 1}", Code::protocol, 1, 6, "':' expected"},
    {"{\"a\":1", Code::protocol, 1, 6, "'}' expected near end of file"},
    {"[\"abc", Code::protocol, 1, 5, "premature end of input"},
    {"[/**/1]", Code::protocol, 1, 2, "invalid token"},
    {Text("[\0]", 3), Code::protocol, 1, 2, "NUL in the text"},
    {Text("[1\0]", 4), Code::protocol, 1, 3, "NUL in the text"},
    {Text("\nnull\0", 6), Code::protocol, 2, 5, "NUL in the text"},
    {Text("[\"\0\"]", 5), Code::protocol, 1, 3, "NUL in the text"},
    {"\xEF\xBB\xBF[]", Code::protocol, 1, 1, "invalid token"},
};

void test_faults() {
    for (const Bad &each : kBad) {
        const Dom dom = Dom::parse(each.text, {});
        const DomFault &fault = dom.fault();
        ok(!dom && fault.code == each.code, quoted("refuses", each.text));
        is(std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " +
               fault.message.substr(0, each.message.size()),
           std::to_string(each.line) + ":" + std::to_string(each.column) + " " + std::string(each.message),
           "and says where and why");
    }
}

// jansson quotes the token it refuses, behind a bad escape the first byte of a character too.
void test_quotes() {
    is(Dom::parse("[\xE2\x82\xAC]", {}).fault().message, "invalid token near '\xE2\x82\xAC'",
       "a quoted character");
    is(Dom::parse("[\"\\u\xE2\x82\xAC\"]", {}).fault().message, "invalid escape near '\"\\u",
       "never a part of one");
    int wrong = 0;
    for (std::size_t count = 0; count < 100; ++count) {
        std::string text = "[1 \"";
        for (std::size_t i = 0; i < count; ++i) {
            text += "\xE2\x82\xAC";
        }
        const Dom dom = Dom::parse(text + "\"]", {});
        wrong += !dom && is_utf8(as_bytes(dom.fault().message)) && dom.fault().message.size() < 80 ? 0 : 1;
    }
    is(wrong, 0, "a quoted string of any length");
}

Code code_of(Text text, const DomLimits &limits) { return Dom::parse(text, limits).fault().code; }

void test_limits() {
    ok(code_of("[1,2]", {5, 1, 3}) == Code::ok, "all limits just met");
    ok(code_of("[1,2]", {4, 1, 3}) == Code::too_big, "a byte too many");
    ok(code_of("[1,2]", {5, 0, 3}) == Code::too_big, "a level too many");
    ok(code_of("[1,2]", {5, 1, 2}) == Code::too_big, "a value too many");
    ok(code_of("7", {5, 0, 1}) == Code::ok, "a scalar has no depth");
    ok(code_of("[[],[],{}]", {99, 2, 9}) == Code::ok, "depth is not the number of brackets");
    ok(code_of(R"(["[[[[{{{{,,,,\"[[[\\"])", {99, 1, 2}) == Code::ok, "brackets in strings do not count");
    ok(code_of(R"(["\\",[1]])", {99, 1, 9}) == Code::too_big, "but those behind an escaped backslash do");

    const Dom dom = Dom::parse("[1,\n \"\xC3\xA9\", [[2]]]", {99, 2, 9});
    ok(dom.fault().line == 2 && dom.fault().column == 8, "the place of a limit");
    is(dom.fault().message, "nested too deep", "and its name");

    std::string deep(100'000, '[');
    ok(code_of(deep, {}) == Code::too_big, "a hundred thousand brackets");
    deep = std::string(300, '[') + std::string(300, ']');
    ok(code_of(deep, {999, 300, 999}) == Code::ok, "three hundred, where they are allowed");
    ok(code_of(std::string(50'000, '{'), {}) == Code::too_big, "braces too");
    ok(code_of("]]]]", {}) == Code::protocol && code_of("[\"\\", {}) == Code::protocol, "ends of nothing");
}

// Every beginning of a good document, copied so that a read past its end is seen.
void test_truncated() {
    int accepted = 0;
    int silent = 0;
    for (std::size_t size = 0; size < kPublish.size(); ++size) {
        const std::string cut(kPublish.substr(0, size));
        const Dom dom = Dom::parse(cut, {});
        accepted += dom ? 1 : 0;
        silent += dom.fault().message.empty() || dom.fault().line == 0 ? 1 : 0;
    }
    is(accepted, 0, "no document is good before its end");
    is(silent, 0, "and none is refused without a reason");
}

void test_moves() {
    Dom first = Dom::parse("[1]", {});
    const DomNode root = first.root();
    Dom second = std::move(first);
    ok(!first && second && root.element(0).integer().code() == Code::ok, "nodes outlive a move");
    second = Dom::parse("{}", {});
    ok(second.root().is(Kind::object), "a document may be replaced");
}

} // namespace

int main() {
    test_navigation();
    test_absent();
    test_slices();
    test_items();
    test_order_of_many();
    test_integers();
    test_text();
    test_scalars();
    test_faults();
    test_quotes();
    test_limits();
    test_truncated();
    test_moves();
    return test::done();
}
