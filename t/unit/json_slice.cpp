// SPDX-License-Identifier: BSD-2-Clause
// Slices of valid JSON.
#include "wire/json_slice.hpp"
#include "tap.hpp"
#include "vectors.hpp"
#include "wire/json.hpp"

#include <string>

using namespace rt;
using namespace rt::wire;
using rt::test::Exact;
using rt::test::is;
using rt::test::ok;
using rt::test::shown;

namespace {

std::string elements(Text array) {
    std::string out;
    for (json::Elements each(array); each.next();) {
        out += std::string(each.value()) + '|';
    }
    return out;
}

std::string members(Text object) {
    std::string out;
    for (json::Members each(object); each.next();) {
        out += std::string(each.key()) + '=' + std::string(each.value()) + '|';
    }
    return out;
}

void walks_arrays() {
    struct {
        Text array;
        Text expected;
    } const cases[] = {
        {"[]", ""},
        {"[ ]", ""},
        {"[1]", "1|"},
        {"[1,-2.5e3,true,null]", "1|-2.5e3|true|null|"},
        {"[ 1 ,\n2 , [ 3 , 4 ] ]", "1|2|[ 3 , 4 ]|"},
        {R"(["a,]\"",{"b":[1,{"c":"}"}]},[]])", R"("a,]\""|{"b":[1,{"c":"}"}]}|[]|)"},
        {R"(["\\",""])", R"("\\"|""|)"},
        {R"({"a":1})", ""},
        {"7", ""},
        {"", ""},
    };
    for (const auto &each : cases) {
        is(elements(Exact(each.array).text()), each.expected, "elements of " + shown(each.array));
    }
    is(json::element("[1,[2],3]", 1), "[2]", "element 1");
    is(json::element("[1,[2],3]", 3), "", "no element 3");
    is(json::element("{}", 0), "", "no element of an object");
}

void walks_objects() {
    struct {
        Text object;
        Text expected;
    } const cases[] = {
        {"{}", ""},
        {R"({"a":1})", R"("a"=1|)"},
        {R"({ "a" : [ 1 , 2 ] , "b" : { "c" : 3 } })", R"("a"=[ 1 , 2 ]|"b"={ "c" : 3 }|)"},
        {R"({"a:\"":",}","":null})", R"("a:\""=",}"|""=null|)"},
        {"[1]", ""},
        {"", ""},
    };
    for (const auto &each : cases) {
        is(members(Exact(each.object).text()), each.expected, "members of " + shown(each.object));
    }
}

void finds_members() {
    struct {
        Text object;
        Text name;
        Text expected;
    } const cases[] = {
        {R"({"a":1,"b":2})", "b", "2"},
        {R"({"a":1,"a":2,"b":3})", "a", "2"},
        {R"({"a":{"b":1}})", "b", ""},
        {R"({"a":1})", "A", ""},
        {R"({"":1})", "", "1"},
        {R"({"\u0061":1})", "a", "1"},
        {R"({"a":1,"\u0061":2})", "a", "2"},
        {R"({"\u00e9":1})", "\xc3\xa9", "1"},
        {R"({"\ud83d\ude00":1})", "\xf0\x9f\x98\x80", "1"},
        {R"({"a\tb":1})", "a\tb", "1"},
        {R"({"a\tb":1})", "a\tbc", ""},
        {R"({"a\tbc":1})", "a\tb", ""},
        {R"({"\\":1})", "\\", "1"},
        {R"({"__proto__":1})", "__proto__", "1"},
        {R"(["a"])", "a", ""},
        {"", "a", ""},
    };
    for (const auto &each : cases) {
        is(json::member(Exact(each.object).text(), each.name), each.expected,
           shown(each.name) + " of " + shown(each.object));
    }
}

void unescapes() {
    struct {
        Text raw;
        Text expected;
    } const cases[] = {
        {R"("")", ""},
        {R"("plain")", "plain"},
        {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
        {R"("\u0041\u00e9\u20ac\uFFFD")", "A\xc3\xa9\xe2\x82\xac\xef\xbf\xbd"},
        {R"("\ud83d\ude00!")", "\xf0\x9f\x98\x80!"},
        {R"("\udbff\udfff")", "\xf4\x8f\xbf\xbf"},
        {R"("\ud800")", "\xef\xbf\xbd"},
        {R"("\ud800x")", "\xef\xbf\xbdx"},
        {R"("\ud800\ud83d\ude00")", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {R"("\udc00\ud800")", "\xef\xbf\xbd\xef\xbf\xbd"},
        {R"("\udc00\udc00")", "\xef\xbf\xbd\xef\xbf\xbd"},
        {R"("\ud800\uffff")", "\xef\xbf\xbd\xef\xbf\xbf"},
        {R"("\ud800\n")", "\xef\xbf\xbd\n"},
        {R"("\ud800\u0041")", "\xef\xbf\xbd"
                              "A"},
        {R"("\ud8000")", "\xef\xbf\xbd"
                         "0"},
    };
    for (const auto &each : cases) {
        const Exact raw(each.raw);
        is(json::unescape(raw.text()), each.expected, "unescapes " + shown(each.raw));
        is(json::Plain(raw.text()).text(), each.expected, "the plain text of it");
        ok(json::equals(raw.text(), each.expected), "equals it");
        ok(!json::equals(raw.text(), std::string(each.expected) + "x"), "equals nothing longer");
        ok(!json::equals(raw.text(), "other"), "equals nothing else");
    }
    is(json::unescape(R"("\u0000")").size(), 1U, "a zero byte is a character");
    const Text plain = R"("plain")";
    ok(json::Plain(plain).text().data() == plain.data() + 1, "text without escapes is not copied");
}

void tells_kinds() {
    using json::Kind;
    struct {
        Text value;
        Kind kind;
    } const cases[] = {
        {"", Kind::none},         {"null", Kind::null}, {"true", Kind::boolean},
        {"false", Kind::boolean}, {"-1", Kind::number}, {"0", Kind::number},
        {R"("a")", Kind::string}, {"[1]", Kind::array}, {R"({"a":1})", Kind::object},
    };
    for (const auto &each : cases) {
        ok(json::kind(each.value) == each.kind, "kind of " + shown(each.value));
    }
    is(json::trim(" \t\r\n[ 1 ] \n"), "[ 1 ]", "trim");
    is(json::trim("  "), "", "trim of nothing");
    is(json::inside("[ 1, 2 ]"), "1, 2", "inside an array");
    is(json::inside("{}"), "", "inside nothing");
}

// Text that was never validated: any answer will do, but it must come, and from these bytes.
void survives_anything() {
    const Text text = R"([1,{"a\u0061":"\ud83d\ude00","b":[true,"\\"]},"x",,:}{]]"\)";
    std::size_t seen = 0;
    for (std::size_t from = 0; from < text.size(); ++from) {
        for (std::size_t size = 0; size <= text.size() - from; ++size) {
            const Exact part(text.substr(from, size));
            seen += elements(part.text()).size() + members(part.text()).size();
            seen += json::unescape(part.text()).size() + json::member(part.text(), "a").size();
            seen += json::inside(part.text()).size() + json::element(part.text(), 1).size();
        }
    }
    ok(seen > 0, "every part of a mess is walked within its bounds");
}

} // namespace

int main() {
    walks_arrays();
    walks_objects();
    finds_members();
    unescapes();
    tells_kinds();
    survives_anything();
    return rt::test::done();
}
