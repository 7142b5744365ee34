// SPDX-License-Identifier: BSD-2-Clause
// Values: what each variable gives as text and as JSON, and what is refused.
#include "hub/value.hpp"

#include "hub/payload.hpp"
#include "hub/scope.hpp"
#include "tap.hpp"

#include <array>
#include <utility>

using namespace rt;
using namespace rt::hub;
using rt::test::is;
using rt::test::ok;

namespace {

constexpr Text kData =
    R"(["say", {"id":7,"name":"a\"b","nul":null,"a_b":[1],"zero":0,"empty":""} , "two",{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}])";
constexpr Text kAuth = R"({"token":"t1","bad":{"_placeholder":true,"num":9}})";

const std::vector<std::string> kNspNames = {"org", "shared"};
const std::vector<std::string> kEventNames = {"verb", "shared"};
const std::vector<std::string> kNspMatched = {"acme", "from-nsp"};
const std::array<Text, 2> kEventMatched = {"say", "from-event"};
const std::array<std::uint8_t, 1> kFirst = {1};
const std::array<std::uint8_t, 2> kSecond = {2, 2};

Scope scope_with(Text captured, std::span<const Bytes> attachments) {
    Scope scope;
    scope.app = "bo";
    scope.nsp = "/chat";
    scope.event = "say";
    scope.sid = "abcd0123456789012345";
    scope.user = "42";
    scope.transport = "websocket";
    scope.close_reason = "ping timeout";
    scope.worker = "1";
    scope.node = "n1";
    scope.data = kData;
    scope.auth = kAuth;
    scope.attachments = attachments;
    scope.captured = captured;
    scope.nsp_matched = kNspMatched;
    scope.event_matched = kEventMatched;
    return scope;
}

std::string packed() {
    std::string out;
    Writer writer(out);
    writer.put_text("192.0.2.1");
    writer.put_text("\xff{");
    writer.put_text("");
    return out;
}

struct Case {
    const char *source;
    const char *text;
    const char *json; // nullptr: missing
    bool truthy;
    const char *attachments = ""; // the sizes of those that come along
};

constexpr Case kCases[] = {
    {"", "", R"("")", false},
    {"plain", "plain", R"("plain")", true},
    {"0", "0", "0", false},
    {"00", "00", R"("00")", true},
    {"true", "true", "true", true},
    {R"("7")", R"("7")", R"("7")", true},
    {R"({"ok":true})", R"({"ok":true})", R"({"ok":true})", true},
    {R"({"ok":)", R"({"ok":)", R"("{\"ok\":")", true},
    {"$realtime_app", "bo", R"("bo")", true},
    {"$realtime_namespace", "/chat", R"("/chat")", true},
    {"$realtime_event", "say", R"("say")", true},
    {"$realtime_sid", "abcd0123456789012345", R"("abcd0123456789012345")", true},
    {"$realtime_user", "42", "42", true},
    {"user-${realtime_user}!", "user-42!", R"("user-42!")", true},
    {"$realtime_transport", "websocket", R"("websocket")", true},
    {"$realtime_close_reason", "ping timeout", R"("ping timeout")", true},
    {"$realtime_worker", "1", "1", true},
    {"$realtime_node", "n1", R"("n1")", true},
    {"$realtime_recovered", "0", "0", false},
    {"$realtime_data_id", "7", "7", true},
    {"$realtime_data_name", "a\"b", R"("a\"b")", true},
    {"$realtime_data_nul", "null", "null", true},
    {"$realtime_data_a_b", "[1]", "[1]", true},
    {"$realtime_data_zero", "0", "0", false},
    {"$realtime_data_empty", "", R"("")", false},
    {"$realtime_data_gone", "", nullptr, false},
    {"x$realtime_data_gone", "x", R"("x")", true},
    {"$realtime_arg_1", "two", R"("two")", true},
    {"$realtime_arg_2", R"({"_placeholder":true,"num":1})", R"({"_placeholder":true,"num":0})", true, "2"},
    {"$realtime_arg_3", R"({"x":{"_placeholder":true,"num":0}})", R"({"x":{"_placeholder":true,"num":0}})",
     true, "1"},
    {"$realtime_arg_9", "", nullptr, false},
    {"$realtime_auth", R"({"token":"t1","bad":{"_placeholder":true,"num":9}})",
     R"({"token":"t1","bad":{"_placeholder":true,"num":9}})", true},
    {"$realtime_auth_token", "t1", R"("t1")", true},
    {"$realtime_auth_gone", "", nullptr, false},
    {"$remote_addr", "192.0.2.1", R"("192.0.2.1")", true},
    {"$ARG_x", "\xff{", "\"\xef\xbf\xbd{\"", true},
    {"$http_none", "", R"("")", false},
    {"$org", "acme", R"("acme")", true},
    {"$shared", "from-event", R"("from-event")", true},
    {"$verb-$org", "say-acme", R"("say-acme")", true},
    // documents
    {R"({"id":$realtime_data_id})", R"({"id":7})", R"({"id":7})", true},
    {R"({"n":$realtime_data_name})", R"({"n":a"b})", R"({"n":"a\"b"})", true},
    {R"({"n":"<$realtime_data_name>"})", R"({"n":"<a"b>"})", R"({"n":"<a\"b>"})", true},
    {R"({"u":$realtime_user,"s":"$realtime_user"})", R"({"u":42,"s":"42"})", R"({"u":42,"s":"42"})", true},
    {R"([$realtime_data_gone,"$realtime_data_gone"])", R"([,""])", R"([null,""])", true},
    {R"({"$realtime_event":1})", R"({"say":1})", R"({"say":1})", true},
    {R"({"a":"\"$realtime_user"})", R"({"a":"\"42"})", R"({"a":"\"42"})", true},
    {R"([$realtime_arg_2,$realtime_arg_3])",
     R"([{"_placeholder":true,"num":1},{"x":{"_placeholder":true,"num":0}}])",
     R"([{"_placeholder":true,"num":0},{"x":{"_placeholder":true,"num":1}}])", true, "21"},
    // no attachment stands for the placeholder in the auth: the whole is a string
    {R"([$realtime_arg_2,$realtime_auth_bad])",
     R"([{"_placeholder":true,"num":1},{"_placeholder":true,"num":9}])",
     R"("[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":9}]")", true},
    // braces that are no document
    {R"({$realtime_user})", "{42}", R"("{42}")", true},
};

CompileScope names_for(std::vector<std::string> &captured) { return {&captured, &kNspNames, &kEventNames}; }

std::string sizes(const std::vector<Bytes> &attachments) {
    std::string out;
    for (const Bytes bytes : attachments) {
        out += std::to_string(bytes.size());
    }
    return out;
}

void check(const Case &one, const Value &value, const Scope &scope) {
    const std::string name = one.source;
    is(value.text(scope), one.text, name + ": text");
    is(value.truthy(scope), one.truthy, name + ": truth");
    Payload out;
    out.json = "[";
    const bool there = value.append_json(scope, out);
    is(there, one.json != nullptr, name + ": there or missing");
    is(out.json, std::string("[") + (one.json != nullptr ? one.json : ""), name + ": JSON");
    is(sizes(out.attachments), one.attachments, name + ": attachments");
}

void evaluation() {
    std::vector<std::string> captured = {"remote_addr", "arg_x", "http_none"};
    const std::string values = packed();
    const std::array<Bytes, 2> attachments = {Bytes(kFirst), Bytes(kSecond)};
    const Scope scope = scope_with(values, attachments);
    const KeptScope kept(scope);
    for (const Case &one : kCases) {
        auto compiled = Value::compile(one.source, names_for(captured));
        const auto *value = std::get_if<Value>(&compiled);
        if (ok(value != nullptr, std::string(one.source) + ": compiles")) {
            check(one, *value, scope);
            check(one, *value, kept.scope());
        }
    }
    is(captured.size(), 3u, "no variable is captured twice, whatever its case");
}

void all_arguments() {
    std::vector<std::string> captured;
    auto compiled = Value::compile("$realtime_args", names_for(captured));
    const Value &value = *std::get_if<Value>(&compiled);
    Scope scope;
    Payload out;
    ok(!value.append_json(scope, out), "no event: no arguments");
    scope.data = R"(["x"])";
    ok(!value.append_json(scope, out), "none sent: none");
    is(value.text(scope), "[]", "none sent: as text an empty array");
    scope.data = R"([ "x" , 1, "b" ])";
    ok(value.append_json(scope, out), "two");
    is(out.json, R"(1, "b")", "spread");
    is(value.text(scope), R"([1, "b"])", "as text an array");
    scope.data = R"(["x",{"_placeholder":true,"num":5}])";
    Payload again;
    ok(value.append_json(scope, again), "a packet without Buffers");
    is(again.json, R"({"_placeholder":true,"num":5})", "its placeholders are plain data");
}

void auth_without_data() {
    std::vector<std::string> captured;
    auto compiled = Value::compile("$realtime_auth", names_for(captured));
    Payload out;
    ok(std::get_if<Value>(&compiled)->append_json(Scope{}, out), "auth is always there");
    is(out.json, "{}", "an empty object if the client sent none");
}

void refusals() {
    constexpr std::pair<const char *, const char *> cases[] = {
        {"$", "invalid variable name in \"$\""},
        {"a$-", "invalid variable name in \"a$-\""},
        {"$1", "invalid variable name in \"$1\""},
        {"${a", "the closing bracket in \"a\" variable is missing"},
        {"$realtime_nonsense", "unknown variable \"realtime_nonsense\""},
        {"$realtime_data", "unknown variable \"realtime_data\""},
        {"$realtime_data_", "unknown variable \"realtime_data_\""},
        {"$realtime_arg_x", "unknown variable \"realtime_arg_x\""},
        {"$realtime_arg_99999", "unknown variable \"realtime_arg_99999\""},
    };
    std::vector<std::string> captured;
    for (const auto &[source, complaint] : cases) {
        auto compiled = Value::compile(source, names_for(captured));
        const auto *refused = std::get_if<Complaint>(&compiled);
        is(refused != nullptr ? refused->text : "", complaint, std::string(source) + " is refused");
    }
    auto compiled = Value::compile("$remote_addr", CompileScope{});
    ok(std::holds_alternative<Complaint>(compiled), "no nginx variable where none can be kept");
}

void questions() {
    struct Answer {
        const char *source;
        bool auth, client, constant;
    };
    constexpr Answer cases[] = {
        {"x", false, false, true},
        {"user:$realtime_user", false, false, false},
        {"$realtime_auth", true, true, false},
        {"$realtime_auth_token", true, true, false},
        {"$realtime_data_x", false, true, false},
        {"$realtime_event", false, true, false},
        {"$arg_room", false, true, false},
        {"$org", false, true, false},
        {"$verb", false, true, false},
        {"$realtime_sid", false, false, false},
    };
    std::vector<std::string> captured;
    for (const Answer &one : cases) {
        auto compiled = Value::compile(one.source, names_for(captured));
        const Value &value = *std::get_if<Value>(&compiled);
        is(value.uses(Variable::auth), one.auth, std::string(one.source) + ": uses auth");
        is(value.from_client(), one.client, std::string(one.source) + ": from the client");
        is(value.constant(), one.constant, std::string(one.source) + ": constant");
    }
}

} // namespace

int main() {
    evaluation();
    all_arguments();
    auth_without_data();
    refusals();
    questions();
    return rt::test::done();
}
