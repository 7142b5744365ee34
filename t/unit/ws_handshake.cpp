// SPDX-License-Identifier: BSD-2-Clause
// The WebSocket handshake: what is accepted, what is answered, and every way to be refused.
#include "wire/ws_handshake.hpp"

#include "tap.hpp"

#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;
using wire::answer_handshake;
using wire::WsAnswer;
using wire::WsRequest;
using namespace std::string_literals;

namespace {

constexpr Text kKey = "dGhlIHNhbXBsZSBub25jZQ=="; // RFC 6455 1.3
constexpr Text kOn = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

std::string shown(const WsAnswer &answer) {
    std::string out = std::to_string(answer.status) + (answer.deflate ? " deflate" : "");
    for (const wire::HeaderLine &line : answer.headers) {
        out.append(" | ").append(line.name).append(": ").append(line.value);
    }
    return out;
}

struct Case {
    const char *name;
    WsRequest request;
    bool deflate;
    std::string answer;
};

std::vector<Case> cases() {
    const std::string yes = "101 | Upgrade: websocket | Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    const std::string no = "400";
    const std::string version = "400 | Sec-WebSocket-Version: 13, 8";
    const std::string packed =
        "101 deflate" + yes.substr(3) + " | Sec-WebSocket-Extensions: " + std::string(kOn);
    return {
        {"RFC 6455 1.3", {"websocket", "13", kKey, {}, {}}, false, yes},
        {"version 8", {"websocket", "8", kKey, {}, {}}, false, yes},
        {"case and blanks", {"WebSocket", " 13 ", " dGhlIHNhbXBsZSBub25jZQ== ", {}, {}}, false, yes},
        {"among other upgrades", {"h2c, websocket", "13", kKey, {}, {}}, false, yes},
        {"another upgrade", {"h2c", "13", kKey, {}, {}}, false, no},
        {"no upgrade", {{}, "13", kKey, {}, {}}, false, no},
        {"version 7", {"websocket", "7", kKey, {}, {}}, false, version},
        {"version 14", {"websocket", "14", kKey, {}, {}}, false, version},
        {"version 013", {"websocket", "013", kKey, {}, {}}, false, version},
        {"no version", {"websocket", {}, kKey, {}, {}}, false, version},
        {"two versions", {"websocket", "13, 13", kKey, {}, {}}, false, version},
        {"no key", {"websocket", "13", {}, {}, {}}, false, no},
        {"key too short", {"websocket", "13", "dGhlIHNhbXBsZSBub25jZ===", {}, {}}, false, no},
        {"key of 23", {"websocket", "13", "dGhlIHNhbXBsZSBub25jZQ=", {}, {}}, false, no},
        {"key of 15 bytes", {"websocket", "13", "dGhlIHNhbXBsZSBub25j", {}, {}}, false, no},
        {"key of 17 bytes", {"websocket", "13", "dGhlIHNhbXBsZSBub25jZQQ=", {}, {}}, false, no},
        {"key of the URL alphabet", {"websocket", "13", "dGhlIHNhbXBsZSBub25-_Q==", {}, {}}, false, no},
        {"key with a blank", {"websocket", "13", "dGhlIHNhbXBsZ SBub25jZQ==", {}, {}}, false, no},
        {"one subprotocol",
         {"websocket", "13", kKey, "chat", {}},
         false,
         yes + " | Sec-WebSocket-Protocol: chat"},
        {"the first of three",
         {"websocket", "13", kKey, " a.b , c,d", {}},
         false,
         yes + " | Sec-WebSocket-Protocol: a.b"},
        {"subprotocol with a blank", {"websocket", "13", kKey, "a b", {}}, false, no},
        {"empty subprotocol", {"websocket", "13", kKey, ", a", {}}, false, no},
        {"subprotocol with a line end", {"websocket", "13", kKey, "a\r\nSet-Cookie: x", {}}, false, no},
        {"deflate that is off", {"websocket", "13", kKey, {}, "permessage-deflate"}, false, yes},
        {"nonsense where it is off", {"websocket", "13", kKey, {}, ";;;"}, false, yes},
        {"deflate",
         {"websocket", "13", kKey, {}, "permessage-deflate; client_max_window_bits"},
         true,
         packed},
        {"an offer that does not suit", {"websocket", "13", kKey, {}, "x-other"}, true, yes},
        {"no offer", {"websocket", "13", kKey, {}, {}}, true, yes},
        {"malformed offers", {"websocket", "13", kKey, {}, ";;;"}, true, no},
    };
}

struct Offer {
    std::string offers;
    Text answer; // "!" for a malformed list
};

std::vector<Offer> offers() {
    static const std::string window = std::string(kOn) + "; server_max_window_bits=15";
    const std::string d = "permessage-deflate";
    std::string many = d;
    for (int i = 0; i < 63; ++i) {
        many += ", x";
    }
    return {
        {"", ""},
        {d, kOn},
        {"  " + d + "\t", kOn},
        {d + ";client_max_window_bits", kOn},
        {d + " ; client_max_window_bits = 10", kOn},
        {d + "; client_max_window_bits=\"10\"", kOn},
        {d + "; server_no_context_takeover; client_no_context_takeover", kOn},
        {d + "; server_max_window_bits=15", window},
        {d + "; server_max_window_bits=15; client_max_window_bits=8; client_no_context_takeover", window},
        // offers that cannot be taken
        {d + "; server_max_window_bits=10", ""},
        {d + "; server_max_window_bits=8", ""},
        {d + "; server_max_window_bits", ""},
        {d + "; server_max_window_bits=16", ""},
        {d + "; server_max_window_bits=015", ""},
        {d + "; client_max_window_bits=7", ""},
        {d + "; client_max_window_bits=16", ""},
        {d + "; client_max_window_bits=08", ""},
        {d + "; client_max_window_bits=x", ""},
        {d + "; server_no_context_takeover=1", ""},
        {d + "; client_no_context_takeover=true", ""},
        {d + "; client_max_window_bits; client_max_window_bits", ""},
        {d + "; server_no_context_takeover; server_no_context_takeover", ""},
        {d + "; unknown", ""},
        {d + "; unknown=1", ""},
        {"Permessage-deflate", ""},
        {"permessage-deflat", ""},
        {"x-webkit-deflate-frame", ""},
        // the first that can
        {"x-webkit-deflate-frame; a=b, " + d, kOn},
        {d + "; server_max_window_bits=10, " + d, kOn},
        {d + "; server_max_window_bits=15, " + d, window},
        {d + ", " + d + "; server_max_window_bits=15", kOn},
        {", ," + d + ",,", kOn},
        {many, kOn},
        // malformed
        {many + ", x", "!"},
        {";", "!"},
        {"=", "!"},
        {d + ";", "!"},
        {d + "; ; client_max_window_bits", "!"},
        {d + "; =1", "!"},
        {d + "; client_max_window_bits=", "!"},
        {d + "; client_max_window_bits=\"\"", "!"},
        {d + "; client_max_window_bits=\"10", "!"},
        {d + "; client_max_window_bits=\"1 0\"", "!"},
        {d + "; client_max_window_bits=\"1\\0\"", "!"},
        {d + " " + d, "!"},
        {d + "; client_max_window_bits 10", "!"},
        {d + ", ;", "!"},
        {"\"" + d + "\"", "!"},
        {d + "; a=\x01", "!"},
        {std::string(1, '\0'), "!"},
        {"\xc3\xa9", "!"},
    };
}

void check_offers() {
    for (const Offer &row : offers()) {
        const auto answer = wire::negotiate_deflate(row.offers);
        is(answer ? *answer : Text("!"), row.answer, "offer: " + row.offers.substr(0, 90));
    }
    std::string endless = "permessage-deflate";
    for (int i = 0; i < 100000; ++i) {
        endless += "; a=b";
    }
    ok(!wire::negotiate_deflate(endless), "100,000 parameters are refused");
    ok(!wire::negotiate_deflate(std::string(1 << 20, 'x') + " y"), "a name of a megabyte is read once");
}

} // namespace

int main() {
    for (const Case &row : cases()) {
        const WsAnswer answer = answer_handshake(row.request, row.deflate);
        is(shown(answer), row.answer, row.name);
        ok(!answer.reason.empty(), row.name + ": has a reason"s);
    }
    check_offers();
    return test::done();
}
