// SPDX-License-Identifier: BSD-2-Clause
// Frame: its bytes on a WebSocket and in a polling payload, at every size where the head grows;
// ownership; the compressed twin. And the codes of ws_encode.
#include "wire/frame.hpp"

#include "base/base64.hpp"
#include "tap.hpp"
#include "wire/ws_deflate.hpp"

#include <array>
#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;
using wire::Deflater;
using wire::Frame;
using wire::WsOpcode;
using namespace std::string_literals;

namespace {

std::string ws(const Ref<Frame> &frame) { return std::string(as_text(frame->ws())); }

std::string polling(const Ref<Frame> &frame) {
    std::string out;
    frame->append_polling(out);
    return out;
}

std::string parts(const Ref<Frame> &frame) {
    std::string out;
    frame->each_part([&](bool binary, Bytes payload) {
        out.append(binary ? "b:" : "t:").append(as_text(payload)).append(" ");
    });
    return out;
}

struct Case {
    std::string name;
    Ref<Frame> frame;
    std::string ws;
    std::string polling;
    std::string parts;
};

// A server's head, written another way.
std::string head_of(unsigned first, std::size_t size) {
    std::string out(1, static_cast<char>(first));
    if (size < 126) {
        return out + static_cast<char>(size);
    }
    const bool wide = size > 0xFFFF;
    out += static_cast<char>(wide ? 127 : 126);
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) {
        out += static_cast<char>(static_cast<std::uint64_t>(size) >> shift);
    }
    return out;
}

std::vector<Case> cases() {
    const std::string bytes = "\x01\x02\xff"s;
    const std::string nothing;
    const std::array<Bytes, 1> one = {as_bytes(bytes)};
    const std::array<Bytes, 3> three = {as_bytes(bytes), as_bytes(nothing), as_bytes(Text("abcd"))};
    const std::vector<Text> pieces = {"4", "51-", "[\"x\"]"};
    const std::string one_ws = head_of(0x81, 9) + "451-[\"x\"]" + head_of(0x82, 3) + bytes;
    const std::string three_ws =
        head_of(0x81, 1) + "4" + head_of(0x82, 3) + bytes + head_of(0x82, 0) + head_of(0x82, 4) + "abcd";
    const std::vector<Text> second = {"42", "[]"};
    std::string burst;
    Frame::append_message(burst, WsOpcode::text, pieces);
    Frame::append_message(burst, WsOpcode::binary, std::vector<Text>{bytes});
    Frame::append_message(burst, WsOpcode::text, second);
    return {
        {"two packets, the first with one", Frame::joined(burst, 2), one_ws + head_of(0x81, 4) + "42[]",
         "451-[\"x\"]\036bAQL/\03642[]", "t:451-[\"x\"] b:" + bytes + " t:42[] "},
        {"text", Frame::text({"4", "2", "[\"hi\"]"}), head_of(0x81, 8) + "42[\"hi\"]", "42[\"hi\"]",
         "t:42[\"hi\"] "},
        {"text of one piece", Frame::text({"2"}), head_of(0x81, 1) + "2", "2", "t:2 "},
        {"text with empty pieces", Frame::text({"", "6", ""}), head_of(0x81, 1) + "6", "6", "t:6 "},
        {"packet without attachments", Frame::packet({"4", "0"}, {}), head_of(0x81, 2) + "40", "40", "t:40 "},
        {"packet with one", Frame::packet(pieces, one), one_ws, "451-[\"x\"]\036bAQL/",
         "t:451-[\"x\"] b:" + bytes + " "},
        {"packet with three, one empty", Frame::packet({"4"}, three), three_ws,
         "4\036bAQL/\036b\036bYWJjZA==", "t:4 b:" + bytes + " b: b:abcd "},
        {"binary", Frame::binary(as_bytes(bytes)), head_of(0x82, 3) + bytes, "bAQL/", "b:" + bytes + " "},
        {"empty binary", Frame::binary({}), head_of(0x82, 0), "b", "b: "},
        {"ping", Frame::control(WsOpcode::ping, {}), head_of(0x89, 0), "", ""},
        {"pong", Frame::control(WsOpcode::pong, as_bytes(bytes)), head_of(0x8A, 3) + bytes, "", ""},
        {"close without a code", Frame::close(wire::kWsNoStatus, "unsaid"), head_of(0x88, 0), "", ""},
        {"close", Frame::close(1001, "bye"), head_of(0x88, 5) + "\x03\xe9" + "bye", "", ""},
        {"raw", Frame::raw(as_bytes(bytes)), bytes, "", ""},
        {"raw and empty", Frame::raw({}), "", "", ""},
    };
}

void check_cases() {
    for (const Case &row : cases()) {
        is(ws(row.frame), row.ws, row.name + ": on a WebSocket");
        is(row.frame->size(), row.ws.size(), row.name + ": its size");
        is(polling(row.frame), row.polling, row.name + ": polling");
        is(row.frame->polling_size(), row.polling.size(), row.name + ": polling size");
        is(parts(row.frame), row.parts, row.name + ": parts");
    }
}

void check_sizes() {
    for (const std::size_t size : {0, 1, 2, 3, 124, 125, 126, 127, 128, 65535, 65536, 65537}) {
        const std::string payload(size, 'x');
        const std::array<Bytes, 2> twice = {as_bytes(payload), as_bytes(payload)};
        const Ref<Frame> frame = Frame::packet({payload}, twice);
        const std::string binary = head_of(0x82, size) + payload;
        std::string base64;
        append_base64(base64, as_bytes(payload));
        const std::string name = std::to_string(size) + " bytes";
        ok(ws(frame) == head_of(0x81, size) + payload + binary + binary, name + ": on a WebSocket");
        ok(polling(frame) == payload +
                                 "\x1e"
                                 "b" +
                                 base64 +
                                 "\x1e"
                                 "b" +
                                 base64,
           name + ": polling");
        is(frame->polling_size(), polling(frame).size(), name + ": polling size");
    }
}

void check_control() {
    const std::string longest(123, 'x');
    is(ws(Frame::close(1000, longest)), "\x88\x7d\x03\xe8" + longest, "the longest reason");
    is(ws(Frame::close(1000, longest + "y")), "\x88\x7d\x03\xe8" + longest, "a longer one is cut");
    const std::string wide = std::string(122, 'x') + "\xc3\xa9";
    is(ws(Frame::close(1000, wide)), "\x88\x7c\x03\xe8" + std::string(122, 'x'), "between two characters");
    std::string wider;
    for (int i = 0; i < 50; ++i) {
        wider += "\xf0\x9f\x98\x80";
    }
    is(ws(Frame::close(1000, wider)), "\x88\x7a\x03\xe8" + wider.substr(0, 120), "of four bytes, too");
    is(Frame::control(WsOpcode::ping, as_bytes(wider))->size(), 127u, "a control payload is cut at 125");
}

void check_packets() {
    is(Frame::text({"4"})->packets(), 1u, "one packet");
    is(Frame::joined("", 7)->packets(), 7u, "as many as are told");
}

void check_owners() {
    Ref<Frame> frame = Frame::text({"4"});
    is(frame->owners(), 1u, "one owner");
    Ref<Frame> other = frame;
    is(frame->owners(), 2u, "two owners");
    frame.reset();
    is(ws(other),
       "\x81\x01"
       "4",
       "the last one keeps it alive");
}

void check_twin() {
    Deflater deflater;
    wire::Inflater inflater;
    const std::string text = "42" + std::string(5000, 'a');
    const std::string noise = "\x01\x80\x33\xfe"s;
    const std::array<Bytes, 2> attachments = {as_bytes(text), as_bytes(noise)};
    const Ref<Frame> frame = Frame::packet({text}, attachments);
    const Ref<Frame> twin = frame->deflated(deflater, 1024);
    ok(!(twin == frame) && twin->size() < 200, "a twin is smaller");
    ok(twin == frame->deflated(deflater, 1), "made once");
    is(twin->polling_size(), 0u, "for a WebSocket only");
    is(parts(twin), "", "without parts");

    std::string seen;
    for (Bytes rest = twin->ws(); !rest.empty();) {
        const wire::WsPart part = wire::first_ws_part(rest);
        seen += part.opcode == WsOpcode::text ? "text " : "binary ";
        const bool packed = (rest[0] & 0x40) != 0;
        const auto plain = packed ? inflater.inflate(part.payload, 10000) : Result<Bytes>(part.payload);
        seen += packed ? "packed " : "plain ";
        seen += plain && as_text(*plain) == text    ? "long, "
                : plain && as_text(*plain) == noise ? "short, "
                                                    : "?, ";
        ok((rest[0] & 0xB0) == 0x80, "FIN and no other reserved bit");
        rest = rest.subspan(part.whole.size());
    }
    is(seen, "text packed long, binary packed long, binary plain short, ", "its parts in order");

    const Ref<Frame> small = Frame::text({"42", text.substr(0, 1000)});
    ok(small->deflated(deflater, 1003) == small, "below the threshold it is the frame itself");
    ok(Frame::text({text})->deflated(deflater, text.size())->size() < 100, "at the threshold it is a twin");
    const Ref<Frame> useless = Frame::text({"42"});
    ok(useless->deflated(deflater, 0) == useless, "what does not shrink is the frame itself");
    is(useless->owners(), 1u, "which does not own itself");
    const Ref<Frame> close = Frame::close(1000, std::string(100, 'x'));
    ok(close->deflated(deflater, 0) == close, "control frames are never compressed");
    ok(twin->deflated(deflater, 0) == twin, "a twin has no twin");
}

void check_codes() {
    struct Row {
        Code code;
        int close;
    };
    const Row rows[] = {{Code::ok, 1000},         {Code::protocol, 1002},     {Code::bad_utf8, 1007},
                        {Code::forbidden, 1008},  {Code::unauthorized, 1008}, {Code::too_big, 1009},
                        {Code::no_memory, 1011},  {Code::busy, 1013},         {Code::full, 1013},
                        {Code::unavailable, 1013}};
    for (const Row &row : rows) {
        is(wire::close_code(row.code), row.close, "close code " + std::to_string(row.close));
        ok(wire::is_close_code(wire::close_code(row.code)), "which a peer may see");
    }
}

} // namespace

int main() {
    check_cases();
    check_sizes();
    check_control();
    check_owners();
    check_packets();
    check_twin();
    check_codes();
    return test::done();
}
