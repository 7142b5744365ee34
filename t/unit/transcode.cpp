// SPDX-License-Identifier: BSD-2-Clause
// JSON text to MessagePack and back: as JSON.parse, notepack and socket.io's encoder would.
#include "wire/transcode.hpp"
#include "hex.hpp"
#include "tap.hpp"
#include "vectors.hpp"

#include <string>
#include <vector>

using namespace rt;
using namespace rt::wire;
using rt::test::field;
using rt::test::from_hex;
using rt::test::is;
using rt::test::ok;
using rt::test::shown;
using rt::test::to_hex;

namespace {

const std::string kOne = "one";
const std::string kTwo = "two";

// What is appended, in hex; the attachments are "one" and "two".
std::string pack(Text json, bool binary = false) {
    static JsonToMsgpack packer; // used again and again
    const std::vector<Bytes> attachments = {as_bytes(kOne), as_bytes(kTwo)};
    const test::Exact exact(json);
    std::string out = "..";
    const bool good =
        packer.append(out, exact.text(), binary ? std::span(attachments) : std::span<const Bytes>());
    if (!good) {
        return out == ".." ? "refused" : "refused, and left something";
    }
    return to_hex(out.substr(2));
}

// The JSON, with the attachments behind it.
std::string unpack(Text hex, unsigned depth = 64) {
    const test::Exact exact(from_hex(hex));
    std::string json;
    std::vector<Bytes> attachments;
    msgpack::Reader in(as_bytes(exact.text()));
    if (const Result<void> done = append_json(json, attachments, in, depth); !done) {
        return done.code() == Code::too_deep ? "too deep" : "refused";
    }
    for (const Bytes each : attachments) {
        json += " " + to_hex(as_text(each));
    }
    return json;
}

void vectors() {
    for (const std::string &each : test::vectors("msgpack")) {
        const std::string hex = field(each, "hex");
        const Text json = json::member(each, "in");
        if (!json.empty()) {
            const std::string ours = field(each, "ours");
            is(pack(json::unescape(json)), ours.empty() ? hex : ours, "packed: " + field(each, "what"));
        }
        if (const std::string out = field(each, "out"); !out.empty()) {
            is(Text(unpack(hex)).substr(0, out.size()), out, "unpacked: " + field(each, "what"));
        }
    }
}

void packs_numbers() {
    const std::string zeros(400, '0');
    struct {
        std::string json;
        Text hex;
    } const cases[] = {
        {"1.0", "01"},
        {"1e2", "64"},
        {"1E+2", "64"},
        {"-1.0", "ff"},
        {"-0", "00"},
        {"-0.0", "00"},
        {"0e999", "00"},
        {"9007199254740993", "cf0020000000000000"},
        {"-9007199254740993", "d3ffe0000000000000"},
        {"18446744073709551615", "cb43f0000000000000"},
        {"123456789012345678901234567890", "cb45f8ee90ff6c373e"},
        {"-9223372036854775808", "d38000000000000000"},
        {"0.5", "cb3fe0000000000000"},
        {"5e-324", "cb0000000000000001"},
        {"1e400", "cb7ff0000000000000"},
        {"-1e400", "cbfff0000000000000"},
        {"1e-400", "00"},
        {"-1e-400", "00"},
        {"0.001e500", "cb7ff0000000000000"},
        {"1" + zeros, "cb7ff0000000000000"},
        {"1" + zeros + "e-800", "00"},
        {"0." + zeros + "1", "00"},
        {"0." + zeros + "1e900", "cb7ff0000000000000"},
        {"1e99999999999999999999", "cb7ff0000000000000"},
        {"1e-99999999999999999999", "00"},
    };
    for (const auto &each : cases) {
        is(pack(each.json), each.hex, "number " + each.json.substr(0, 40));
    }
}

void packs_members() {
    struct {
        Text json;
        Text hex;
        const char *name;
    } const cases[] = {
        {R"( { "a" : [ 1 , { } ] } )", "81a161920180", "white space"},
        {R"({"a":1,"b":2,"a":3})", "82a16103a16202",
         "of equal keys the last one counts, at the first one's place"},
        {R"({"a":[1,2],"\u0061":{"c":1,"c":2}})", "81a16181a16302", "equal by an escape; and inside"},
        {R"({"b":1,"2":1,"a":2,"10":3,"1":4})", "85a13104a13201a2313003a16201a16102", "array indices first"},
        {R"({"01":1,"4294967295":2,"4294967294":3,"-1":4,"0":5})",
         "85a13005aa3432393439363732393403a2303101aa3432393439363732393502a22d3104", "what is an index"},
        {R"({"__proto__":{"x":1}})", "81a95f5f70726f746f5f5f81a17801", "__proto__ is a name"},
        {R"({"":0,"":1})", "81a001", "the empty name"},
        {R"(["\n\u00e9\ud83d\ude00\ud800"])", "91aa0ac3a9f09f9880efbfbd", "escapes"},
        {"true", "c3", "a value alone"},
        {R"({"_placeholder":true,"num":0})", "82ac5f706c616365686f6c646572c3a36e756d00",
         "plain data without attachments"},
    };
    for (const auto &each : cases) {
        is(pack(each.json), each.hex, each.name);
    }
}

void packs_attachments() {
    struct {
        Text json;
        Text hex;
        const char *name;
    } const cases[] = {
        {R"([{"_placeholder":true,"num":0},{"num":1,"_placeholder":true}])", "92c4036f6e65c40374776f",
         "in order"},
        {R"([{"_placeholder":true,"num":1},[{"_placeholder":true,"num":1}]])", "92c40374776f91c40374776f",
         "used twice"},
        {R"({"a":{"_placeholder":true,"num":0,"x":{"y":[1]}},"a2":1})", "82a161c4036f6e65a2613201",
         "with more inside"},
        {R"([{"_placeholder":false,"_placeholder":true,"num":7,"num":0}])", "91c4036f6e65",
         "the last ones count"},
        {R"([{"_placeholder":true,"num":0,"_placeholder":[true]}])",
         "9182ac5f706c616365686f6c64657291c3a36e756d00", "a placeholder no more"},
        {R"({"_placeholder":true,"num":2})", "82ac5f706c616365686f6c646572c3a36e756d02", "of no attachment"},
        {R"({"\u005fplaceholder":true,"num":0})", "c4036f6e65", "an escaped name"},
        {R"({"_placeholder":true,"num":"0"})", "82ac5f706c616365686f6c646572c3a36e756da130",
         "a number as text"},
    };
    for (const auto &each : cases) {
        is(pack(each.json, true), each.hex, std::string("attachments: ") + each.name);
    }
}

// The head of a container is known when it ends.
void packs_long_ones() {
    std::string json = "[";
    std::string hex = "dc0014";
    for (int i = 0; i < 20; ++i) {
        json += (i == 0 ? "" : ",") + std::string("{\"a\":[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8]}");
        hex += "81a161dc0012010203040506070809000102030405060708";
    }
    is(pack(json + "]"), hex, "arrays of more than 15 in each other");

    std::string object = "{";
    std::string members;
    for (int i = 0; i < 300; ++i) {
        const std::string key = "longer key " + std::to_string(i);
        object += "\"" + key + "\":" + std::to_string(i % 128) + ",";
        std::string member;
        msgpack::Writer(member).text(key);
        msgpack::Writer(member).natural(static_cast<unsigned>(i % 128));
        members += to_hex(member);
    }
    is(pack(object + "\"z\":0}"), "de012d" + members + "a17a00", "an object of 301 members");
    is(pack(object + "\"longer key 0\":0}"), "de012c" + members, "and one twice");
}

void refuses() {
    const Text cases[] = {
        "",         " ",      "[",      "{",      "]",   "[}",    "{]",       "[1",   "{\"a\"", "{\"a\":",
        "{\"a\":1", "{1:2}",  "{[]:1}", "{{}:1}", "1 2", "[] []", "tru",      "nan",  "inf",    "-",
        "-inf",     "[1,2]]", "+1",     ",",      ":",   "1x",    "{true:1}", "0x10", "--1",
    };
    for (const Text each : cases) {
        is(pack(each), "refused", "refused: " + shown(each));
    }
    is(pack(std::string(1025, '[') + std::string(1025, ']')), "refused", "nested too deep");
    is(pack(std::string(1024, '[') + std::string(1024, ']')).size(), 2048U, "as deep as it may be");
}

// Whatever is cut off: what is accepted is well-formed, and nothing is read behind the end.
void takes_any_part() {
    const Text json =
        R"({"a":[1,-2.5e3,"x\u00e9\\",null],"_placeholder":true,"num":0,"a":{"1":true,"0":[{}]}} )";
    bool good = true;
    for (std::size_t size = 0; size <= json.size(); ++size) {
        const std::string hex = pack(json.substr(0, size), true);
        const std::string bytes = hex == "refused" ? "\xc0" : from_hex(hex);
        msgpack::Reader in(as_bytes(bytes));
        good = good && in.next() && in.skip() && in.at_end() && (size >= json.size() - 1 || hex == "refused");
    }
    ok(good, "JSON cut off at any byte");
    std::string whole = pack(json);
    bool refused = true;
    for (std::size_t size = 0; size < whole.size(); size += 2) {
        refused = refused && unpack(Text(whole).substr(0, size)) == "refused";
    }
    ok(refused, "MessagePack cut off at any byte");
}

void unpacks() {
    struct {
        Text hex;
        Text json;
        const char *name;
    } const cases[] = {
        {"92c40101c40202ff", R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] 01 02ff)",
         "bytes"},
        {"82a161d40000a16201", R"({"b":1})", "undefined in a map"},
        {"82a16201a161d40000", R"({"b":1})", "undefined at its end"},
        {"81a161d40000", "{}", "nothing but undefined"},
        {"93d4000001d40000", "[null,1,null]", "undefined in an array"},
        {"85010203c0c204ff05cb3ff800000000000006", R"({"1":2,"3":null,"false":4,"-1":5,"1.5":6})",
         "names that are no text"},
        {"81a3ff2261c0", "{\"\xef\xbf\xbd\\\"a\":null}", "a name that is no UTF-8"},
        {"81c40161c0", "refused", "a name of bytes"},
        {"8190c0", "refused", "a name that is an array"},
        {"d40509", R"([5,{"_placeholder":true,"num":0}] 09)", "an unknown type"},
        {"d9053c1e3e0a5c", R"("<\u001e>\n\\")", "text with controls"},
        {"cf0020000000000001", "9007199254740992", "a number beyond 2^53"},
        {"d3ffdfffffffffffff", "-9007199254740992", "and below"},
        {"d3ffdffffffffffffe", "-9007199254740994", "and more so"},
        {"cb444b1ae4d6e2ef50", "1e+21", "a large number"},
        {"ca3dcccccd", "0.10000000149011612", "a short float"},
        {"c70cff000000000000001e8481b9f0", "\"6123-07-06T08:18:56.000Z\"", "a far date"},
        {"d700fffd4a2d6fb0b000", "\"-022205-09-28T07:21:42.144Z\"", "a date before our era"},
        {"d700001eb208c2dc0000", "\"+275760-09-13T00:00:00.000Z\"", "the last date"},
        {"d700001eb208c2dc0001", "null", "and the one behind it"},
        {"d70000000d0e3e4d2000", "\"2424-11-19T19:39:05.088Z\"", "a date of old"},
        {"92c4010182ac5f706c616365686f6c646572c3a36e756d00",
         R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}] 01)",
         "plain data that happens to fit"},
        {"92c4010182ac5f706c616365686f6c646572c3a36e756d01", "refused",
         "plain data that names no attachment"},
        {"9182ac5f706c616365686f6c646572c3a36e756d01", R"([{"_placeholder":true,"num":1}])",
         "plain data alone"},
        {"c1", "refused", "no MessagePack"},
        {"ddffffffff", "refused", "a lying count"},
    };
    for (const auto &each : cases) {
        is(unpack(each.hex), each.json, std::string("unpacked: ") + each.name);
    }
    is(unpack("91919190", 4), "[[[[]]]]", "as deep as it may be");
    is(unpack("9191919190", 4), "too deep", "and one more");
    is(unpack("81a16181a16190", 2), "too deep", "of maps, too");
}

} // namespace

int main() {
    vectors();
    packs_numbers();
    packs_members();
    packs_attachments();
    packs_long_ones();
    refuses();
    takes_any_part();
    unpacks();
    return rt::test::done();
}
