// SPDX-License-Identifier: BSD-2-Clause
// WsDecoder: every case is fed whole, byte by byte, in pieces of other sizes, and with the
// decoder frozen and thawed after every byte. Case numbers are those of the Autobahn suite.
#include "wire/ws_frame.hpp"

#include "tap.hpp"
#include "wire/ws_deflate.hpp"
#include "ws_tools.hpp"

#include <vector>

using namespace rt;
using namespace rt::test;
using namespace std::string_literals;

namespace {

struct Case {
    std::string name;
    std::string input;
    std::string heard;
    std::size_t max_payload = 1000;
};

std::string close_payload(unsigned code, Text reason = {}) {
    std::string out{static_cast<char>(code >> 8), static_cast<char>(code)};
    return out.append(reason);
}

std::vector<Case> framing() {
    return {
        {"RFC 6455 5.7, masked Hello", "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, "text(Hello) "},
        {"1.1.1 empty text", client_frame(kText, ""), "text() "},
        {"1.2.1 empty binary", client_frame(kBinary, ""), "binary() "},
        {"two messages", client_frame(kText, "one") + client_frame(kText, "two"), "text(one) text(two) "},
        {"mask of zeroes", client_frame(kText, "plain", 0), "text(plain) "},
        {"length in a longer form", "\x81\xfe\x00\x02\x00\x00\x00\x00ok"s, "text(ok) "},
        {"length in the longest form", "\x81\xff\0\0\0\0\0\0\0\x02\0\0\0\0ok"s, "text(ok) "},
        {"2.1 ping", client_frame(kPing, ""), "ping() "},
        {"2.3 ping of any bytes", client_frame(kPing, "\x00\xff\xfe"s), "ping(\x00\xff\xfe) "s},
        {"2.4 ping of 125", client_frame(kPing, big(125)), Recorder::show("ping", big(125))},
        {"2.5 ping of 126", client_frame(kPing, big(126)), "!1002"},
        {"2.7 pong nobody asked for", client_frame(kPong, "x"), "pong(x) "},
        {"2.10 ten pings", client_frame(kPing, "1") + client_frame(kPing, "2"), "ping(1) ping(2) "},
        {"3.1 RSV3", client_frame(0x91, "x"), "!1002"},
        {"3.2 RSV2 after a message", client_frame(kText, "a") + client_frame(0xA1, "x"), "text(a) !1002"},
        {"3.3 RSV1 without deflate", client_frame(0xC1, "x"), "!1002"},
        {"3.5 all RSV on a ping", client_frame(0xF9, ""), "!1002"},
        {"3.7 RSV1 on a close", client_frame(0xC8, ""), "!1002"},
        {"4.1.1 opcode 3", client_frame(0x83, ""), "!1002"},
        {"4.1.5 opcode 7", client_frame(0x87, "x"), "!1002"},
        {"4.2.1 opcode 11", client_frame(0x8B, ""), "!1002"},
        {"4.2.5 opcode 15", client_frame(0x8F, "x"), "!1002"},
        {"not masked", "\x81\x02ok"s, "!1002"},
        {"ping not masked", "\x89\x00"s, "!1002"},
    };
}

std::vector<Case> fragments() {
    const std::string ping = client_frame(kPing, "p");
    return {
        {"5.1 ping in two", client_frame(0x09, "a") + client_frame(kEnd, "b"), "!1002"},
        {"5.2 pong in two", client_frame(0x0A, "a"), "!1002"},
        {"close in two", client_frame(0x08, "a"), "!1002"},
        {"5.3 text in two", client_frame(kTextStart, "ab") + client_frame(kEnd, "cd"), "text(abcd) "},
        {"binary in three",
         client_frame(kBinaryStart, "\xff") + client_frame(kMiddle, "\xfe") + client_frame(kEnd, "\xfd"),
         "binary(\xff\xfe\xfd) "},
        {"5.6 ping in between", client_frame(kTextStart, "ab") + ping + client_frame(kEnd, "cd"),
         "ping(p) text(abcd) "},
        {"5.8 pings all over",
         client_frame(kTextStart, "a") + ping + client_frame(kMiddle, "") + ping + client_frame(kEnd, "b") +
             ping,
         "ping(p) ping(p) text(ab) ping(p) "},
        {"5.9 continuation of nothing", client_frame(kEnd, "x"), "!1002"},
        {"5.10 the same, not final", client_frame(kMiddle, "x"), "!1002"},
        {"5.11 continuation after a whole message", client_frame(kText, "a") + client_frame(kEnd, "b"),
         "text(a) !1002"},
        {"5.18 text inside a text", client_frame(kTextStart, "a") + client_frame(kText, "b"), "!1002"},
        {"binary inside a text", client_frame(kTextStart, "a") + client_frame(kBinaryStart, "b"), "!1002"},
        {"5.19 fragments, pings, and more text",
         client_frame(kTextStart, "1") + client_frame(kMiddle, "2") + ping + client_frame(kMiddle, "3") +
             ping + client_frame(kEnd, "4") + client_frame(kText, "5"),
         "ping(p) ping(p) text(1234) text(5) "},
        {"6.1.2 only empty fragments",
         client_frame(kTextStart, "") + client_frame(kMiddle, "") + client_frame(kEnd, ""), "text() "},
        {"6.1.3 empty around the middle",
         client_frame(kTextStart, "") + client_frame(kMiddle, "m") + client_frame(kEnd, ""), "text(m) "},
        {"close in a message", client_frame(kTextStart, "a") + client_frame(kClose, ""), "close(1005,) "},
        {"two fragmented messages",
         client_frame(kTextStart, "a") + client_frame(kEnd, "b") + client_frame(kBinaryStart, "c") +
             client_frame(kEnd, "d"),
         "text(ab) binary(cd) "},
    };
}

std::vector<Case> utf8_texts() {
    const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
    return {
        {"6.2.1 a valid text", client_frame(kText, kosme), "text(" + kosme + ") "},
        {"6.2.3 cut inside characters",
         client_frame(kTextStart, kosme.substr(0, 3)) + client_frame(kEnd, kosme.substr(3)),
         "text(" + kosme + ") "},
        {"6.3.1 a surrogate inside", client_frame(kText, kosme + "\xed\xa0\x80" + "edited"), "!1007"},
        {"6.3.2 the same in two", client_frame(kTextStart, kosme + "\xed") + client_frame(kEnd, "\xa0\x80"),
         "!1007"},
        {"6.5.2 ends inside a character", client_frame(kText, "\xce"), "!1007"},
        {"6.6.4 the same in fragments", client_frame(kTextStart, "\xce") + client_frame(kEnd, ""), "!1007"},
        {"6.7.2 U+0000 is text", client_frame(kText, "\0"s), "text(\0) "s},
        {"6.9.3 U+10FFFF", client_frame(kText, "\xf4\x8f\xbf\xbf"), "text(\xf4\x8f\xbf\xbf) "},
        {"6.10.1 above it", client_frame(kText, "\xf4\x90\x80\x80"), "!1007"},
        {"6.14.1 lonely continuation", client_frame(kText, "\x80"), "!1007"},
        {"6.17.1 overlong", client_frame(kText, "\xc0\xaf"), "!1007"},
        {"6.20.1 high surrogate", client_frame(kText, "\xed\xa0\x80"), "!1007"},
        {"6.21.1 surrogates in a pair", client_frame(kText, "\xed\xa0\x80\xed\xb0\x80"), "!1007"},
        {"6.22.1 a noncharacter is text", client_frame(kText, "\xef\xbf\xbe"), "text(\xef\xbf\xbe) "},
        {"binary is anything", client_frame(kBinary, "\xff\xc0"), "binary(\xff\xc0) "},
    };
}

std::vector<Case> closes() {
    const auto close = [](const std::string &payload) { return client_frame(kClose, payload); };
    std::vector<Case> out = {
        {"7.1.1 close", client_frame(kText, "a") + close(""), "text(a) close(1005,) "},
        {"7.1.2 two closes", close("") + close(""), "close(1005,) "},
        {"7.1.4 text after a close", close(close_payload(1000)) + client_frame(kText, "late"),
         "close(1000,) "},
        {"7.1.5 garbage after a close", close("") + "\xff\xff\xff\xff\xff\xff", "close(1005,) "},
        {"7.3.2 half a code", close("\x03"), "!1002"},
        {"7.3.3 code alone", close(close_payload(1000)), "close(1000,) "},
        {"7.3.4 code and reason", close(close_payload(1001, "bye")), "close(1001,bye) "},
        {"7.3.5 longest reason", close(close_payload(1000, big(123))),
         Recorder::show("close", "1000," + big(123))},
        {"7.3.6 too long", close(close_payload(1000, big(124))), "!1002"},
        {"7.5.1 reason is not UTF-8", close(close_payload(1000, "\xce\xba\xed\xa0\x80")), "!1007"},
    };
    for (const unsigned code :
         {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
        const std::string text = std::to_string(code);
        out.push_back({"7.7 code " + text, close(close_payload(code)), "close(" + text + ",) "});
    }
    for (const unsigned code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
        out.push_back({"7.9 code " + std::to_string(code), close(close_payload(code)), "!1002"});
    }
    return out;
}

std::vector<Case> limits() {
    std::string empties = client_frame(kTextStart, "");
    for (int i = 1; i < 10000; ++i) {
        empties += client_frame(kMiddle, "");
    }
    std::string pieces = client_frame(kBinaryStart, "x");
    for (int i = 1; i < 500; ++i) {
        pieces += client_frame(kMiddle, "x");
    }
    return {
        {"as large as allowed", client_frame(kText, big(1000)), Recorder::show("text", big(1000))},
        {"one byte more", client_frame(kText, big(1001)), "!1009"},
        {"announced 2^40", client_head(kBinary, std::uint64_t{1} << 40), "!1009"},
        {"announced 2^63 - 1", client_head(kBinary, INT64_MAX), "!1009"},
        {"announced 2^63", client_head(kBinary, std::uint64_t{1} << 63), "!1002"},
        {"announced 2^64 - 1 in a continuation",
         client_frame(kTextStart, "a") + client_head(kEnd, UINT64_MAX), "!1002"},
        {"fragments up to the bound", client_frame(kTextStart, big(600)) + client_frame(kEnd, big(400)),
         Recorder::show("text", big(600) + big(400))},
        {"fragments over the bound", client_frame(kTextStart, big(600)) + client_head(kEnd, 401), "!1009"},
        {"each within the bound", client_frame(kTextStart, big(600)) + client_head(kMiddle, 600), "!1009"},
        {"a bound of zero", client_frame(kText, ""), "text() ", 0},
        {"a byte over zero", client_frame(kText, "x"), "!1009", 0},
        {"pings do not count", client_frame(kPing, big(100)), Recorder::show("ping", big(100)), 10},
        {"500 pieces", pieces + client_frame(kEnd, ""), Recorder::show("binary", std::string(500, 'x'))},
        {"10,000 empty fragments", empties + client_frame(kEnd, "x"), "text(x) "},
        {"10,001 empty fragments", empties + client_frame(kEnd, ""), "!1008"},
    };
}

std::vector<Case> lengths() {
    std::vector<Case> out;
    for (const std::size_t size :
         {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 124, 125, 126, 127, 128, 65535, 65536, 65537}) {
        const std::string payload = big(size);
        const std::string name = std::to_string(size) + " bytes";
        out.push_back({name, client_frame(kText, payload), Recorder::show("text", payload), 65537});
        out.push_back({name + " in two",
                       client_frame(kBinaryStart, payload.substr(0, size / 3)) +
                           client_frame(kEnd, payload.substr(size / 3)),
                       Recorder::show("binary", payload), 65537});
    }
    return out;
}

void check(const Case &row, wire::Inflater *inflater = nullptr) {
    WsRun whole{row.max_payload, SIZE_MAX, false, inflater};
    is(whole(row.input), row.heard, row.name);
    const std::string expected = whole(row.input);
    bool same = true;
    for (const std::size_t step : {1, 2, 3, 5, 7, 11, 13, 125, 4096}) {
        WsRun run{row.max_payload, step, false, inflater};
        same = same && run(row.input) == expected;
    }
    ok(same, row.name + ": in pieces");
    if (row.input.size() < 2000) {
        WsRun moving{row.max_payload, 1, true, inflater};
        is(moving(row.input), expected, row.name + ": moved after every byte");
    }
}

// The place of the byte that must end the connection, counted from 1, and nothing before it.
struct FailFast {
    const char *name;
    std::string input;
    std::size_t at;
};

void check_fail_fast() {
    const std::string start = client_frame(kTextStart, "ok");
    const std::vector<FailFast> rows = {
        {"opcode", client_frame(0x83, "xxx"), 1},
        {"reserved bit", client_frame(0xA1, "xxx"), 1},
        {"compression that was not negotiated", client_frame(0xC1, "xxx"), 1},
        {"fragmented ping", client_frame(0x09, "xxx"), 1},
        {"continuation of nothing", client_frame(kEnd, "xxx"), 1},
        {"text inside a text", start + client_frame(kText, "xxx"), start.size() + 1},
        {"missing mask", "\x81\x05Hello"s, 2},
        {"control length", client_frame(kPing, big(126)), 2},
        {"length of two bytes", client_head(kText, 5000) + "xxx", 8},
        {"length of eight bytes", client_head(kText, 1 << 20) + "xxx", 14},
        {"6.4.1 byte in the middle of a frame", client_frame(kText, "ab\364\220cd"), 6 + 4},
        {"6.4.3 byte in the middle of a message", start + client_frame(kMiddle, "ab\377cd"),
         start.size() + 6 + 3},
        {"overlong form", client_frame(kText, "\xc0xxxxx"), 6 + 1},
    };
    for (const FailFast &row : rows) {
        WsRun run{1000, 1, false, nullptr};
        const std::string heard = run(row.input);
        is(run.used, row.at, "fails fast: "s + row.name + " " + heard);
    }
}

void check_deflate() {
    wire::Inflater inflater;
    const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s; // RFC 7692 7.2.3.1
    const std::vector<Case> rows = {
        {"compressed text", client_frame(0xC1, hello), "text(Hello) "},
        {"compressed binary", client_frame(0xC2, hello), "binary(Hello) "},
        {"not compressed though negotiated", client_frame(kText, "Hello"), "text(Hello) "},
        {"RFC 7692 7.2.3.1 in two",
         client_frame(0x41, hello.substr(0, 3)) + client_frame(kEnd, hello.substr(3)), "text(Hello) "},
        {"ping in between",
         client_frame(0x41, hello.substr(0, 3)) + client_frame(kPing, "p") +
             client_frame(kEnd, hello.substr(3)),
         "ping(p) text(Hello) "},
        {"RSV1 on a continuation",
         client_frame(0x41, hello.substr(0, 3)) + client_frame(0xC0, hello.substr(3)), "!1002"},
        {"RSV1 on a continuation of a plain one", client_frame(kTextStart, "a") + client_frame(0xC0, hello),
         "!1002"},
        {"RSV1 on a ping", client_frame(0xC9, hello), "!1002"},
        {"RSV2 stays reserved", client_frame(0xE1, hello), "!1002"},
        {"garbage", client_frame(0xC1, "\xff\xff\xff"), "!1007"},
        {"inflates to bad UTF-8", client_frame(0xC1, "\xfa\x0f\x00"s), "!1007"},
        {"inflates over the bound", client_frame(0xC1, hello), "!1009", 4},
        {"inflates to the bound", client_frame(0xC1, hello), "text(Hello) ", 5},
        {"stored block, longer than the bound of its text",
         client_frame(0xC1, "\x00\x05\x00\xfa\xffHello\x00"s), "text(Hello) ", 5},
        {"announced far over the bound", client_head(0xC1, 5000), "!1009"},
    };
    for (const Case &row : rows) {
        check(row, &inflater);
    }
}

} // namespace

int main() {
    for (const auto &rows : {framing(), fragments(), utf8_texts(), closes(), limits(), lengths()}) {
        for (const Case &row : rows) {
            check(row);
        }
    }
    check_fail_fast();
    check_deflate();
    return done();
}
