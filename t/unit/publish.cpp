// SPDX-License-Identifier: BSD-2-Clause
// The document of an HTTP publish: what it means, and what is told of one that means nothing.
#include "hub/publish.hpp"

#include "tap.hpp"

using namespace rt;
using namespace rt::test;

namespace {

std::string list(const char *name, const std::vector<Text> &texts) {
    std::string out;
    for (const Text text : texts) {
        out += std::string(" ") + name + "=" + std::string(text);
    }
    return out;
}

// Its envelopes, or the fault as `400 code: message`.
std::string read(Text body, const wire::DomLimits &limits) {
    hub::PublishRequest request;
    const auto fault = request.read(body, limits);
    if (const auto *bad = std::get_if<hub::PublishFault>(&fault); bad != nullptr) {
        return std::to_string(bad->status) + " " + bad->code + ": " + bad->message +
               (request.envelopes().empty() ? "" : " but something is left");
    }
    std::string out = request.batch() ? "batch" : "";
    for (const hub::Envelope &envelope : request.envelopes()) {
        out += (out.empty() ? "" : " | ") + std::string(envelope.nsp) + " " + std::string(envelope.data) +
               list("to", envelope.to) + list("except", envelope.except) +
               (envelope.is_volatile ? " volatile" : "");
    }
    return out;
}

struct Case {
    const char *body;
    const char *told;
};

constexpr Case kGood[] = {
    {R"({"event":"e"})", R"(/ ["e"])"},
    {R"({"event":"e","args":[]})", R"(/ ["e"])"},
    {R"( { "event" : "e" , "args" : [ 1 , {"a" : [ ]} , 1.50 , 12345678901234567890 ] } )",
     R"(/ ["e",1,{"a":[]},1.50,12345678901234567890])"},
    {R"({"event":"a\"b","namespace":"/chat","volatile":true})", R"(/chat ["a\"b"] volatile)"},
    {R"({"event":"e","volatile":false})", R"(/ ["e"])"},
    {R"({"event":"e","rooms":["a","b"],"users":["7"],"except":["c"]})",
     R"(/ ["e"] to=a to=b to=user:7 except=c)"},
    {R"({"event":"e","except":[]})", R"(/ ["e"])"},
    {R"({"event":"e","rooms":["\u00e9"]})", "/ [\"e\"] to=\xC3\xA9"},
    {R"([])", R"(batch)"},
    {R"([{"event":"a"},{"event":"b","rooms":["r"]}])", R"(batch | / ["a"] | / ["b"] to=r)"},
};

constexpr Case kBad[] = {
    {R"({})", R"(400 bad_message: "event" is missing)"},
    {R"(7)", R"(400 bad_message: a message is an object)"},
    {R"([7])", R"(400 bad_message: message 0: a message is an object)"},
    {R"([{"event":"a"},{}])", R"(400 bad_message: message 1: "event" is missing)"},
    {R"({"event":7})", R"(400 bad_message: "event" is a string, and none of the reserved names)"},
    {R"({"event":"disconnect"})", R"(400 bad_message: "event" is a string, and none of the reserved names)"},
    {R"({"event":"e","args":{}})", R"(400 bad_message: "args" is an array)"},
    {R"({"event":"e","namespace":"chat"})", R"(400 bad_message: "namespace" is a string that begins with /)"},
    {R"({"event":"e","namespace":7})", R"(400 bad_message: "namespace" is a string that begins with /)"},
    {R"({"event":"e","volatile":1})", R"(400 bad_message: "volatile" is true or false)"},
    {R"({"event":"e","rooms":"a"})", R"(400 bad_message: "rooms" is an array of strings)"},
    {R"({"event":"e","rooms":[1]})", R"(400 bad_message: "rooms" is an array of strings)"},
    {R"({"event":"e","rooms":[]})", R"(400 bad_message: "rooms" is empty: leave it out to reach everybody)"},
    {R"({"event":"e","users":[]})", R"(400 bad_message: "users" is empty: leave it out to reach everybody)"},
    {R"({"event":"e","users":[7]})", R"(400 bad_message: "users" is an array of strings)"},
    {R"({"event":"e","room":"a"})", R"(400 bad_message: "room" is no member of a message)"},
};

void check() {
    for (const Case &one : kGood) {
        is(read(one.body, {}), one.told, one.body);
    }
    for (const Case &one : kBad) {
        is(read(one.body, {}), one.told, one.body);
    }
    for (const char *body : {"", "{", "{\"event\":\"e\"", "[1,]", "nul"}) {
        ok(read(body, {}).starts_with("400 bad_json: line "), std::string("no JSON: ") + body);
    }
    wire::DomLimits limits;
    limits.depth = 4;
    ok(read(R"({"event":"e","args":[[[[1]]]]})", limits).starts_with("400 bad_json") &&
           read(R"({"event":"e","args":[[[1]]]})", limits).starts_with("/"),
       "nested too deep");
}

} // namespace

int main() {
    check();
    return rt::test::done();
}
