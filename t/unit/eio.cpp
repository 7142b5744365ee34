// SPDX-License-Identifier: BSD-2-Clause
// Engine.IO packets, polling payloads, the query and the errors of a request.
#include "wire/eio.hpp"
#include "tap.hpp"
#include "vectors.hpp"
#include "wire/eio_http.hpp"
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

constexpr Text kNames[] = {"open", "close", "ping", "pong", "message", "upgrade", "noop"};

// As the reference prints a packet.
std::string print(const eio::Packet &packet) {
    std::string out = R"({"type":")" + std::string(kNames[static_cast<std::size_t>(packet.type)]) + '"';
    if (packet.binary) {
        out += R"(,"data":{"type":"Buffer","data":[)";
        for (const std::uint8_t byte : as_bytes(packet.data)) {
            out += std::to_string(byte) + ',';
        }
        if (out.back() == ',') {
            out.pop_back();
        }
        out += "]}";
    } else if (!packet.data.empty()) {
        out += R"(,"data":)";
        json::append_string(out, packet.data);
    }
    return out + '}';
}

std::string print_payload(Text body) {
    std::string out = "[";
    const Result<void> done = eio::decode_payload(body, [&](const eio::Packet &packet) {
        out += print(packet) + ',';
        return Result<void>();
    });
    if (!done) {
        out += R"({"type":"error","data":"parser error"},)";
    }
    out.back() = ']';
    return out;
}

void decodes_payloads() {
    for (const std::string &each : test::vectors("eio_payload")) {
        const std::string ours = field(each, "ours");
        is(print_payload(Exact(field(each, "in")).text()), ours.empty() ? field(each, "out") : ours,
           "payload " + shown(field(each, "in")));
    }
}

// The packets before a cut are the packets of the whole; the last one may be another.
void decodes_every_prefix() {
    const Text body = "42[\"a\",1]\x1e"
                      "bAQIDBA==\x1e"
                      "2\x1e"
                      "3probe\x1e"
                      "4\xc3\xa9";
    const std::string whole = print_payload(body);
    bool same = true;
    for (std::size_t size = 0; size <= body.size(); ++size) {
        const Exact part(body.substr(0, size));
        const Text finished = part.text().substr(0, part.text().rfind(eio::kSeparator));
        const std::string printed = finished.size() < size ? print_payload(finished) : "[]";
        same = same && whole.starts_with(printed.substr(0, printed.size() - 1));
        same = same && !print_payload(part.text()).empty();
    }
    ok(same, "a payload fed byte by byte yields its packets in order");
}

void decodes_packets() {
    struct {
        Text packet;
        Text expected;
    } const cases[] = {
        {"0", R"({"type":"open"})"},
        {"1", R"({"type":"close"})"},
        {"2probe", R"({"type":"ping","data":"probe"})"},
        {"5", R"({"type":"upgrade"})"},
        {"6", R"({"type":"noop"})"},
        {"4", R"({"type":"message"})"},
        {"4\x1e", R"({"type":"message","data":"\u001e"})"},
        {"bAAECAw==", R"({"type":"message","data":{"type":"Buffer","data":[0,1,2,3]}})"},
        {"b", R"({"type":"message","data":{"type":"Buffer","data":[]}})"},
        {"", "refused"},
        {"7", "refused"},
        {"B", "refused"},
        {"/", "refused"},
        {":", "refused"},
        {"\xff", "refused"},
        {" 4", "refused"},
        {"b!", "refused"},
        {"bA", "refused"},
        {"bAQI=AQI=", "refused"},
        {"bAQI =", "refused"},
    };
    for (const auto &each : cases) {
        eio::Decoder decoder;
        const Exact exact(each.packet);
        const Result<eio::Packet> packet = decoder.decode(exact.text());
        const std::string refusal = packet.code() == Code::protocol ? "refused" : "refused strangely";
        is(packet ? print(*packet) : refusal, each.expected, "packet " + shown(each.packet));
    }
}

void stops_where_told() {
    int seen = 0;
    const Result<void> done = eio::decode_payload("4a\x1e"
                                                  "1\x1e"
                                                  "4b",
                                                  [&](const eio::Packet &packet) {
                                                      ++seen;
                                                      return packet.type == eio::PacketType::close
                                                                 ? Result<void>(Code::gone, "closed")
                                                                 : Result<void>();
                                                  });
    is(seen, 2, "nothing is delivered behind the visitor's error");
    ok(done.code() == Code::gone, "which is handed out");
}

void bounds_packets() {
    std::string body = "4";
    for (std::uint32_t count = 1; count < eio::kMaxPackets; ++count) {
        body += "\x1e"
                "4";
    }
    std::uint32_t seen = 0;
    const auto count = [&](const eio::Packet &) {
        ++seen;
        return Result<void>();
    };
    ok(static_cast<bool>(eio::decode_payload(body, count)), "10000 packets are a payload");
    is(seen, eio::kMaxPackets, "and all come");
    body += "\x1e"
            "4";
    ok(eio::decode_payload(body, count).code() == Code::protocol, "10001 are not");
}

void writes_open() {
    std::string out;
    eio::append_open(out, {"lv_VI97HAXpY6yYWAAAC", true, 25000, 20000, 1000000});
    is(out,
       R"(0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})",
       "open packet on polling");
    out.clear();
    eio::append_open(out, {"x", false, 300, 200, 100});
    is(out, R"(0{"sid":"x","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":100})",
       "open packet on WebSocket");
}

void parses_queries() {
    struct {
        Text query;
        Text expected;
    } const cases[] = {
        {"EIO=4&transport=polling", "4 polling []"},
        {"EIO=4&transport=websocket&sid=abc-_1", "4 websocket [abc-_1]"},
        {"t=Q1&transport=polling&sid=a%2Fb&EIO=4", "4 polling [a/b]"},
        {"EIO=3&transport=polling", "- polling []"},
        {"EIO=4.0&transport=polling", "- polling []"},
        {"EIO=44&transport=polling", "- polling []"},
        {"EIO=&transport=", "- unknown []"},
        {"", "- unknown []"},
        {"EIO=4", "4 unknown []"},
        {"XEIO=4&xtransport=polling&ssid=1", "- unknown []"},
        {"EIO=4&transport=Polling", "4 unknown []"},
        {"EIO=4&transport=webtransport", "4 unknown []"},
        {"EIO=4&transport=constructor", "4 unknown []"},
        {"EIO=4&EIO=3&transport=polling&transport=websocket", "4 polling []"},
        {"EIO=4&transport=polling&sid", "4 polling []"},
        {"EIO=4&transport=polling&sid=%", "4 polling [%]"},
        {"&&=&EIO=4&&transport=polling&", "4 polling []"},
    };
    constexpr Text transports[] = {"polling", "websocket", "unknown"};
    for (const auto &each : cases) {
        const eio::Query query = eio::parse_query(Exact(each.query).text());
        const std::string got = std::string(query.v4 ? "4 " : "- ") +
                                std::string(transports[static_cast<std::size_t>(query.transport)]) + " [" +
                                query.sid + "]";
        is(got, each.expected, "query " + shown(each.query));
    }
}

void answers_errors() {
    using enum eio::RequestError;
    struct {
        eio::RequestError error;
        int status;
        Text body;
    } const cases[] = {
        {unknown_transport, 400, R"({"code":0,"message":"Transport unknown"})"},
        {unknown_sid, 400, R"({"code":1,"message":"Session ID unknown"})"},
        {bad_handshake_method, 400, R"({"code":2,"message":"Bad handshake method"})"},
        {bad_request, 400, R"({"code":3,"message":"Bad request"})"},
        {forbidden, 403, R"({"code":4,"message":"Forbidden"})"},
        {unsupported_version, 400, R"({"code":5,"message":"Unsupported protocol version"})"},
    };
    for (const auto &each : cases) {
        const eio::ErrorAnswer &answer = eio::answer_to(each.error);
        is(answer.status, each.status, "status of " + shown(each.body));
        is(answer.body, each.body, "body of it");
        is(json::unescape(json::member(answer.body, "message")), answer.message, "the message of it alone");
    }
}

} // namespace

int main() {
    decodes_payloads();
    decodes_every_prefix();
    decodes_packets();
    stops_where_told();
    bounds_packets();
    writes_open();
    parses_queries();
    answers_errors();
    return rt::test::done();
}
