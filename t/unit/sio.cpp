// SPDX-License-Identifier: BSD-2-Clause
// Socket.IO packets, read and written.
#include "wire/sio.hpp"
#include "tap.hpp"
#include "vectors.hpp"
#include "wire/json_write.hpp"

#include <string>

using namespace rt;
using namespace rt::wire;
using rt::test::Exact;
using rt::test::field;
using rt::test::is;
using rt::test::ok;
using rt::test::shown;

namespace {

// As the reference prints what its decoder made of a message.
std::string print(Text message, const sio::Limits &limits = {}) {
    const Exact exact(message);
    const Result<sio::Packet> packet = sio::decode(exact.text(), limits);
    if (!packet) {
        return packet.code() == Code::bad_utf8 ? "BAD UTF-8" : "ERROR";
    }
    if (packet->attachments > 0) {
        return "(waiting for attachments)";
    }
    std::string out = R"({"type":)" + std::to_string(static_cast<int>(packet->type)) + R"(,"nsp":)";
    json::append_string(out, packet->nsp);
    if (packet->id) {
        out += R"(,"id":)" + std::to_string(*packet->id);
    }
    if (!packet->data.empty()) {
        out += R"(,"data":)" + std::string(packet->data);
    }
    return out + '}';
}

void decodes_vectors() {
    int differences = 0;
    for (const std::string &each : test::vectors("sio_decode")) {
        const bool refused = !field(each, "ours").empty() || field(each, "out").starts_with("ERROR");
        differences += field(each, "ours").empty() ? 0 : 1;
        is(print(field(each, "in")), refused ? "ERROR" : field(each, "out"),
           "message " + shown(field(each, "in")));
    }
    is(differences, 4, "differences from the reference");
}

struct Case {
    Text message;
    Text expected;
};

constexpr Case kMore[] = {
    {"2007[\"a\"]", R"({"type":2,"nsp":"/","id":7,"data":["a"]})"},
    {"29007199254740992[\"a\"]", R"({"type":2,"nsp":"/","id":9007199254740992,"data":["a"]})"},
    {"29007199254740993[\"a\"]", "ERROR"},
    {"299999999999999999999999[\"a\"]", "ERROR"},
    {"0/,{}", R"({"type":0,"nsp":"/","data":{}})"},
    {"0/a", R"({"type":0,"nsp":"/a"})"},
    {"0/a?x=1,", R"({"type":0,"nsp":"/a?x=1"})"},
    {"0/\xc3\xa9,", "{\"type\":0,\"nsp\":\"/\xc3\xa9\"}"},
    {"0/\xff,", "BAD UTF-8"},
    {"0/a\nb,", "ERROR"},
    {"0/a\x7f,", "ERROR"},
    {"0null", "ERROR"},
    {"0[]", "ERROR"},
    {"0\"a\"", "ERROR"},
    {"0 {}", "ERROR"},
    {"0/a, {}", "ERROR"},
    {"1/a", R"({"type":1,"nsp":"/a"})"},
    {"1/a,null", "ERROR"},
    {"17", R"({"type":1,"nsp":"/","id":7})"},
    {"2[\"a\",1]x", "ERROR"},
    {"2[\"a\"]\n", R"({"type":2,"nsp":"/","data":["a"]})"},
    {"2[ \"a\" ]", R"({"type":2,"nsp":"/","data":[ "a" ]})"},
    {"2[\"\"]", R"({"type":2,"nsp":"/","data":[""]})"},
    {"2[null]", "ERROR"},
    {"2[[]]", "ERROR"},
    {"2[true]", "ERROR"},
    {"2[{}]", "ERROR"},
    {"2\"a\"", "ERROR"},
    {"2[\"connect_error\"]", "ERROR"},
    {"2[\"disconnect\"]", "ERROR"},
    {"2[\"disconnecting\"]", "ERROR"},
    {"2[\"removeListener\"]", "ERROR"},
    {"2[\"\\u0063onnect\"]", "ERROR"},
    {"2[\"connected\"]", R"({"type":2,"nsp":"/","data":["connected"]})"},
    {"2[\"__proto__\"]", R"({"type":2,"nsp":"/","data":["__proto__"]})"},
    {"2[\"a\",\"\xff\"]", "BAD UTF-8"},
    {"2[\"a\",\"\\ud800\"]", R"({"type":2,"nsp":"/","data":["a","\ud800"]})"},
    {"3null", "ERROR"},
    {"3[\"connect\"]", R"({"type":3,"nsp":"/","data":["connect"]})"},
    {"4null", "ERROR"},
    {"51-", "(waiting for attachments)"},
    {"51-[\"connect\"]", "ERROR"},
    {"51-[]", "ERROR"},
    {"61-1[]", "(waiting for attachments)"},
    {"61-1{}", "ERROR"},
    {"5", "ERROR"},
    {"51", "ERROR"},
    {"599999999999999999999-[\"a\"]", "ERROR"},
    {"5/a,1-[\"a\"]", "ERROR"},
    {"8", "ERROR"},
    {"/", "ERROR"},
    {"\xff", "ERROR"},
};

void decodes_more() {
    for (const Case &each : kMore) {
        is(print(each.message), each.expected, "message " + shown(each.message));
    }
}

void obeys_limits() {
    is(print("53-[\"a\"]", {3, 64}), "(waiting for attachments)", "3 attachments of 3");
    is(print("54-[\"a\"]", {3, 64}), "ERROR", "4 attachments of 3");
    is(print("51-[\"a\"]", {0, 64}), "ERROR", "1 attachment of 0");
    is(print("2[\"a\",[]]", {10, 2}), R"({"type":2,"nsp":"/","data":["a",[]]})", "depth 2 of 2");
    is(print("2[\"a\",[[]]]", {10, 2}), "ERROR", "depth 3 of 2");
    is(print("2[\"a\"," + std::string(400'000, '[')), "ERROR", "400 kB of brackets");
    is(print("2" + std::string(100'000, '0') + "7[\"a\"]"), R"({"type":2,"nsp":"/","id":7,"data":["a"]})",
       "100 kB of id");
    const std::string name = "/" + std::string(sio::kMaxNsp - 1, 'n');
    is(print("0" + name), R"({"type":0,"nsp":")" + name + "\"}", "the longest name");
    is(print("0" + name + "n"), "ERROR", "a name too long");
}

// Of a packet that only its last byte completes, no longer prefix than its bare type (a
// packet without data) or header is one.
void decodes_every_prefix() {
    const Text message = R"(2/admin,12["name",{"a":[1,"\u00e9"]},null])";
    const std::size_t data = message.find('[');
    bool good = true;
    for (std::size_t size = 0; size < message.size(); ++size) {
        const bool whole = print(message.substr(0, size)) != "ERROR";
        good = good && whole == (size > 0 && size <= data);
    }
    ok(good && print(message) != "ERROR", "a packet fed byte by byte");
}

// The buffers of a vector's packet as placeholders.
std::string with_placeholders(std::string data) {
    for (int num = 0;; ++num) {
        const std::size_t at = data.find(R"({"type":"Buffer")");
        if (at == std::string::npos) {
            return data;
        }
        data.replace(at, data.find('}', at) + 1 - at,
                     R"({"_placeholder":true,"num":)" + std::to_string(num) + "}");
    }
}

void encodes_vectors() {
    for (const std::string &each : test::vectors("sio_encode")) {
        const std::string packet = field(each, "packet");
        const Text frames = json::member(each, "frames");
        std::uint32_t attachments = 0;
        while (!json::element(frames, attachments + 1).empty()) {
            ++attachments;
        }
        const std::string nsp = field(packet, "nsp");
        sio::Header header{static_cast<sio::Type>(std::stoi(field(packet, "type"))), nsp, {}, attachments};
        if (const std::string id = field(packet, "id"); !id.empty()) {
            header.id = std::stoull(id);
        }
        std::string message;
        sio::append_header(message, header);
        message += with_placeholders(std::string(json::member(packet, "data")));
        is(message, json::unescape(json::element(frames, 0)), "encodes " + shown(packet));
    }
}

void writes_packets() {
    using sio::Type;
    is(sio::connect("/", "S"), R"(0{"sid":"S"})", "connect");
    is(sio::connect("/a", "S", "P"), R"(0/a,{"sid":"S","pid":"P"})", "connect with recovery");
    is(sio::connect_error("/a", "no \"way\""), R"(4/a,{"message":"no \"way\""})", "connect error");
    is(sio::connect_error("/", "m", R"({"a":1})"), R"(4{"message":"m","data":{"a":1}})",
       "connect error with data");
    is(sio::disconnect("/"), "1", "disconnect");
    is(sio::disconnect("/a"), "1/a,", "disconnect from a namespace");
    is(sio::event({Type::event}, "e\n", ""), R"(2["e\n"])", "event without arguments");
    is(sio::event({Type::event, "/a", 3}, "e", "1,[2]"), R"(2/a,3["e",1,[2]])", "event with arguments");
    is(sio::event({Type::event, "/a", 3, 2}, "e", "1"), R"(52-/a,3["e",1])", "event with attachments");
    is(sio::ack({Type::ack, "/", 0}, ""), "30[]", "ack without arguments");
    is(sio::ack({Type::ack, "/a", 7}, "1,2"), "3/a,7[1,2]", "ack");
    is(sio::ack({Type::ack, "/a", 7, 1}, "1"), "61-/a,7[1]", "ack with an attachment");
    is(sio::ack({Type::binary_ack, "/", 7, 1}, "1"), "61-7[1]", "of the binary type already");
}

void takes_events_apart() {
    struct {
        Text data;
        Text name;
        Text args;
    } const cases[] = {
        {R"(["a"])", R"("a")", ""},
        {R"([ "a" ])", R"("a")", ""},
        {R"(["a",1,[2,3]])", R"("a")", "1,[2,3]"},
        {R"([ "a,\"]" , {"b" : 1} , 2 ])", R"("a,\"]")", R"({"b" : 1} , 2)"},
        {"[7,1]", "7", "1"},
        {"", "", ""},
        {"[", "", ""},
    };
    for (const auto &each : cases) {
        const Exact data(each.data);
        const sio::Event event = sio::split_event(data.text());
        is(event.name, each.name, "name of " + shown(each.data));
        is(event.args, each.args, "its arguments");
    }
    struct {
        Text raw;
        Text name;
    } const names[] = {
        {R"("a\u00e9")", "a\xc3\xa9"},
        {"1", "1"},
        {"1.0", "1"},
        {"-0", "0"},
        {"1e3", "1000"},
        {"1e21", "1e+21"},
        {"0.1e-6", "1e-7"},
        {"1e999", "1e999"},
        {"12345678901234567890", "12345678901234567000"},
    };
    for (const auto &each : names) {
        is(sio::event_name(each.raw), each.name, "name " + shown(each.raw));
    }
}

void tells_types_apart() {
    std::string kinds;
    for (int type = 0; type <= 6; ++type) {
        const auto each = static_cast<sio::Type>(type);
        kinds += sio::is_event(each) ? 'e' : sio::is_ack(each) ? 'a' : '-';
        kinds += sio::is_binary(each) ? 'b' : ' ';
    }
    is(kinds, "- - e a - ebab", "events, acks and binary types");
    ok(sio::is_reserved("disconnecting") && !sio::is_reserved("connected"), "reserved names");
}

} // namespace

int main() {
    decodes_vectors();
    decodes_more();
    obeys_limits();
    decodes_every_prefix();
    encodes_vectors();
    writes_packets();
    takes_events_apart();
    tells_types_apart();
    return rt::test::done();
}
