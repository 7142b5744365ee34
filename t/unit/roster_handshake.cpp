// SPDX-License-Identifier: BSD-2-Clause
// The packed handshake: what goes in comes out, up to 2 KiB; damaged images are refused.
#include "base/text.hpp"
#include "roster_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

struct Zone {
    Zone() : mapping(64 * 1024), cells(*Cells::create(mapping.memory(), 7)), names(cells) {}
    Mapping mapping;
    Cells cells;
    Names names;
};

std::string packed_by(Zone &zone, const HandshakeText &handshake) {
    std::string image;
    return pack_handshake(image, handshake, zone.names) ? image : "refused";
}

// Through the image and its flat form; a handshake with address "broken" if one is refused.
Handshake there_and_back(const HandshakeText &handshake) {
    Zone zone;
    std::string flat;
    if (flatten_handshake(flat, packed_by(zone, handshake), zone.names)) {
        if (auto back = unpack_handshake(flat)) {
            return *back;
        }
    }
    return {.address = "broken"};
}

void test_values() {
    const Handshake back = there_and_back(node_handshake());
    is(back.created, 1795148285282, "the time");
    is(back.address, "203.0.113.170", "the address");
    is(back.url, "/socket.io/?EIO=4&transport=websocket", "the url");
    is(back.query, "EIO=4&transport=websocket", "the query");
    ok(back.secure && back.xdomain && !back.truncated, "the flags");
    is(back.headers.size(), node_headers().size(), "the number of headers");
    for (std::size_t i = 0; i < back.headers.size(); ++i) {
        is(back.headers[i].name, lower(node_headers()[i].name), "a header's name is lower case");
        is(back.headers[i].value, node_headers()[i].value, "a header's value");
    }
}

void test_shapes() {
    const std::string long_value(300, 'v');
    const HeaderText none[] = {{"x-own", ""}, {"", "nameless"}, {"ACCEPT", "*/*"}, {"accept", "text/html"}};
    const HeaderText odd[] = {
        {"X-\xc3\x84", "\xff\x80"}, {"user-agent", long_value}, {"user-agent", long_value}};
    const struct {
        const char *name;
        HandshakeText handshake;
    } cases[] = {
        {"nothing", {}},
        {"no headers", {.created = -1, .address = "::1", .url = "/s", .query = ""}},
        {"a query that is not the url's", {.url = "/s?a=1", .query = "b=2"}},
        {"a query without a url", {.url = "/s", .query = "b=2"}},
        {"a url with two question marks", {.url = "/s?a?b", .query = "a?b"}},
        {"secure only", {.secure = true}},
        {"xdomain only", {.xdomain = true}},
        {"one that counts for its address", {.address = "::1", .counts_address = true}},
        {"captured", {.captured_names = "a,b,c,", .captured = Text("\0\x80 any", 6), .headers = odd}},
        {"captured, by a short name", {.captured_names = "a,", .captured = "1"}},
        {"empty texts and repeated names", {.headers = none}},
        {"any bytes, and values that repeat", {.headers = odd}},
    };
    for (const auto &[name, in] : cases) {
        const Handshake out = there_and_back(in);
        const bool same = out.created == in.created && out.address == in.address && out.url == in.url &&
                          out.query == in.query && out.secure == in.secure && out.xdomain == in.xdomain &&
                          out.counts_address == in.counts_address && out.captured == in.captured &&
                          out.captured_names == in.captured_names;
        ok(same && !out.truncated, name);
        bool headers_same = out.headers.size() == in.headers.size();
        for (std::size_t i = 0; headers_same && i < out.headers.size(); ++i) {
            headers_same = iequals(out.headers[i].name, in.headers[i].name) &&
                           out.headers[i].value == in.headers[i].value;
        }
        ok(headers_same, std::string(name) + ": headers");
    }
}

void test_bounds() {
    const std::string big(kMaxHandshake, 'u');
    const std::string half(kMaxHandshake / 2, 'h');
    const HeaderText many[] = {{"x-a", half}, {"user-agent", half}, {"x-small", "v"}};
    const HeaderText wide[] = {{Text(big).substr(0, 256), "v"}};
    const Handshake dropped = there_and_back({.url = "/", .headers = many});
    ok(dropped.truncated && dropped.headers.size() == 1, "headers go from the first that does not fit");
    ok(there_and_back({.headers = wide}).truncated, "a header name too long is left out");
    const Handshake cut = there_and_back({.url = big + "?q", .query = "q", .headers = many});
    ok(cut.truncated && cut.headers.empty() && big.starts_with(cut.url) && !cut.url.empty(), "a url is cut");
    ok(there_and_back({.address = Text(big).substr(0, 300)}).truncated, "an address is cut");
    ok(there_and_back({.url = "/", .query = big}).truncated, "a query is cut");
    const Handshake bare = there_and_back({.url = half, .captured_names = "a,", .captured = big});
    ok(bare.truncated && bare.captured.empty() && bare.captured_names.empty(),
       "captured is whole or not there");
    const std::string names(Names::kMaxSize + 1, 'n');
    ok(there_and_back({.captured_names = names, .captured = "1"}).truncated,
       "nor with names too long to share");

    std::size_t largest = 0;
    std::size_t counted = 0;
    for (std::size_t size = kMaxHandshake - 200; size < kMaxHandshake; ++size) {
        const HeaderText headers[] = {{"x-fill", Text(big).substr(0, size)}};
        Zone zone;
        largest = std::max(largest, packed_by(zone, {.headers = headers}).size());
        counted = std::max(counted, packed_by(zone, {.counts_address = true, .headers = headers}).size());
    }
    is(largest, kMaxHandshake, "an image fills its bound and no more");
    ok(counted < kMaxHandshake, "nor does one whose address counts");
}

// A header value that many send takes a reference; one that does not fit takes nothing.
void test_interning() {
    Zone zone;
    const std::string first = packed_by(zone, node_handshake());
    const std::uint32_t used = zone.cells.used();
    is(packed_by(zone, node_handshake()), first, "the same handshake is the same image");
    is(zone.cells.used(), used, "and takes no more names");
    ok(first.size() < 150, "an image is small");
    std::uint32_t interned = 0;
    PackedHandshake packed(first);
    while (packed.next()) {
        interned += zone.names.holders(packed.entry().interned) == 2 ? 1 : 0;
    }
    is(interned, 5U, "five values are held twice");
    const std::string names(300, 'n');
    packed_by(zone, {.captured_names = names, .captured = "1"});
    const std::uint32_t with_names = zone.cells.used();
    is(packed_by(zone, {.captured_names = names, .captured = "2"}).size(), 23U, "names are a reference");
    is(zone.cells.used(), with_names, "to what all share");
}

// Damaged in any way, an image is read without harm, and never as more than there is.
void test_damage() {
    Zone zone;
    const std::string image = packed_by(zone, node_handshake());
    std::string flat;
    ok(flatten_handshake(flat, image, zone.names), "an image is flattened");
    is(int(unpack_handshake(image).code()), int(Code::protocol), "an image that is not flat is refused");
    std::size_t taken = 0;
    for (std::size_t size = 0; size < flat.size(); ++size) {
        const auto part = unpack_handshake(Text(flat).substr(0, size));
        taken += part ? 1 : 0;
        if (part && part->headers.size() >= node_headers().size()) {
            ok(false, "a shorter image has fewer headers");
        }
    }
    is(taken, node_headers().size(), "it can be cut only between headers");
    for (std::size_t at = 0; at < image.size(); ++at) {
        std::string damaged = image;
        damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
        std::string out;
        static_cast<void>(flatten_handshake(out, damaged, zone.names) && unpack_handshake(out));
    }
    std::string unknown_code = flat;
    unknown_code.append("\x7f\x00\x00", 3);
    is(int(unpack_handshake(unknown_code).code()), int(Code::protocol), "an unknown header is refused");
}

} // namespace

int main() {
    test_values();
    test_shapes();
    test_bounds();
    test_interning();
    test_damage();
    return done();
}
