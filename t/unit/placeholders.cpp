// SPDX-License-Identifier: BSD-2-Clause
// Where the JSON of a binary packet means its attachments.
#include "wire/placeholders.hpp"
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

constexpr Text kZero = R"({"_placeholder":true,"num":0})";

std::string array_of(Text value, std::size_t times) {
    std::string out = "[";
    for (; times > 0; --times) {
        out += value;
        out += times > 1 ? "," : "";
    }
    return out + "]";
}

void checks() {
    struct {
        Text data;
        std::uint32_t attachments;
        bool good;
    } const cases[] = {
        {R"(["a",{"_placeholder":true,"num":0}])", 1, true},
        {R"(["a",{"num":1,"_placeholder":true},{"x":[{"_placeholder":true,"num":0}]}])", 2, true},
        {R"([{ "_placeholder" : true , "num" : 0 }])", 1, true},
        {R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", 1, true},
        {R"([{"\u005fplaceholder":true,"n\u0075m":0}])", 1, true},
        {R"([{"_placeholder":true,"num":7,"num":0}])", 1, true},
        {R"([{"_placeholder":false,"_placeholder":true,"num":0,"more":[1]}])", 1, true},
        {R"([{"_placeholder":true,"num":0,"in":{"_placeholder":true,"num":9}}])", 1, true},
        {R"(["_placeholder",{"_placeholder":true,"num":0},":","num"])", 1, true},
        {R"([{"_placeholder":true,"num":1}])", 1, false},
        {R"([{"_placeholder":true,"num":-1}])", 1, false},
        {R"([{"_placeholder":true,"num":-0}])", 1, false},
        {R"([{"_placeholder":true,"num":0.5}])", 1, false},
        {R"([{"_placeholder":true,"num":0e0}])", 1, false},
        {R"([{"_placeholder":true,"num":"0"}])", 1, false},
        {R"([{"_placeholder":true,"num":[0]}])", 1, false},
        {R"([{"_placeholder":true,"num":18446744073709551616}])", 1, false},
        {R"([{"_placeholder":true,"num":4294967295}])", 1, false},
        {R"([{"_placeholder":true,"num":4294967296}])", 1, false},
        {R"([{"_placeholder":true}])", 1, false},
        {R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":2}])", 2, false},
        {R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])", 1, false},
        {R"([{"_placeholder":true,"num":0}])", 2, false},
        {R"([{"_placeholder":true,"_placeholder":false,"num":0}])", 1, false},
        {R"([{"_placeholder":1,"num":0}])", 1, false},
        {R"([{"_placeholder":"true","num":0}])", 1, false},
        {R"([{"a":{"_placeholder":true},"num":0}])", 1, false},
        {R"(["a"])", 1, false},
        {"", 1, false},
        {R"(["a"])", 0, true},
    };
    for (const auto &each : cases) {
        is(check_placeholders(Exact(each.data).text(), each.attachments).code() == Code::ok, each.good,
           std::to_string(each.attachments) + " for " + shown(each.data));
    }
    ok(has_placeholders(kZero), "a placeholder is seen");
    ok(has_placeholders(R"([[{"a":{"\u005fplaceholder":true,"num":3}}]])"), "an escaped one too");
    ok(!has_placeholders(R"(["_placeholder",{"_placeholder":null},"\\"])"), "what looks like one is none");
}

std::string list(const Renumber &renumber) {
    std::string out;
    for (const std::uint32_t num : renumber.used()) {
        out += std::to_string(num) + ' ';
    }
    return out;
}

void renumbers() {
    struct {
        Text value;
        Text expected;
        Text used;
    } const cases[] = {
        {R"({"_placeholder":true,"num":3})", R"({"_placeholder":true,"num":0})", "3 "},
        {R"({"a":[{"num":2,"_placeholder":true,"x":1}, {"_placeholder":true,"num":0}],"b":1})",
         R"({"a":[{"_placeholder":true,"num":0}, {"_placeholder":true,"num":1}],"b":1})", "2 0 "},
        {R"([{"_placeholder":true,"num":4},{"_placeholder":true,"num":4}])",
         R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", "4 "},
        {R"({"text":"no \"_placeholder\" here"})", R"({"text":"no \"_placeholder\" here"})", ""},
        {"7", "7", ""},
    };
    for (const auto &each : cases) {
        Renumber renumber;
        std::string out = ">";
        renumber.append(out, Exact(each.value).text());
        is(out, ">" + std::string(each.expected), "renumbered: " + shown(each.value));
        is(list(renumber), each.used, "which it used");
    }
    Renumber renumber;
    std::string out;
    renumber.append(out, R"({"_placeholder":true,"num":5})");
    renumber.append(out, R"([1])");
    renumber.append(out, R"({"_placeholder":true,"num":1})");
    renumber.append(out, R"({"_placeholder":true,"num":5})");
    is(out, R"({"_placeholder":true,"num":0}[1]{"_placeholder":true,"num":1}{"_placeholder":true,"num":0})",
       "several values share one numbering");
    is(list(renumber), "5 1 ", "and one list");
}

// A packet of 400 kB is read once, however it nests and repeats.
void is_linear() {
    std::string deep = std::string(kZero);
    for (int level = 0; level < 60; ++level) {
        deep.insert(0, R"({"a":)");
        deep += R"(,"_placeholder":false})";
    }
    const std::string texts[] = {array_of(kZero, 13'000), array_of(deep, 200),
                                 array_of(R"("\u005f")", 40'000)};
    const auto start = std::chrono::steady_clock::now();
    ok(static_cast<bool>(check_placeholders(texts[0], 1)), "13000 placeholders of one attachment");
    ok(static_cast<bool>(check_placeholders(texts[1], 1)), "placeholders 60 levels deep");
    ok(!has_placeholders(texts[2]), "40000 escapes");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    ok(took.count() < 1, "in no time");
}

void survives_anything() {
    const Text text =
        R"(]{"num":1,"_placeholder":true}}[{"\u005fplaceholder":true,"num":"x"}:"_placeholder":true"\)";
    std::size_t seen = 0;
    for (std::size_t from = 0; from < text.size(); ++from) {
        for (std::size_t size = 0; size <= text.size() - from; ++size) {
            const Exact part(text.substr(from, size));
            seen += has_placeholders(part.text()) ? 1U : 0U;
        }
    }
    ok(seen > 0, "every part of a mess is searched within its bounds");
}

} // namespace

int main() {
    checks();
    renumbers();
    is_linear();
    survives_anything();
    return rt::test::done();
}
