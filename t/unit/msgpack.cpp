// SPDX-License-Identifier: BSD-2-Clause
// MessagePack: the writer against what notepack 3.0.1 wrote, the reader against everything else.
#include "wire/msgpack.hpp"
#include "hex.hpp"
#include "tap.hpp"
#include "vectors.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

using namespace rt;
using namespace rt::wire;
using msgpack::Kind;
using rt::test::from_hex;
using rt::test::is;
using rt::test::ok;
using rt::test::to_hex;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What one token of a reader says, as text.
std::string say(const msgpack::Token &token) {
    switch (token.kind) {
    case Kind::nil:
        return "nil";
    case Kind::undefined:
        return "undefined";
    case Kind::boolean:
        return token.truth ? "true" : "false";
    case Kind::natural:
        return std::to_string(token.natural);
    case Kind::integer:
        return std::to_string(token.integer);
    case Kind::real:
        return "real " + std::to_string(token.real);
    case Kind::text:
        return "text " + std::string(as_text(token.bytes));
    case Kind::bin:
        return "bin " + to_hex(as_text(token.bytes));
    case Kind::array:
        return "array " + std::to_string(token.count);
    case Kind::map:
        return "map " + std::to_string(token.count);
    case Kind::date:
        return "date " + std::to_string(token.real);
    case Kind::ext:
        return "ext " + std::to_string(token.type) + " " + to_hex(as_text(token.bytes));
    }
    return "?";
}

std::string read(const std::string &bytes) {
    const test::Exact exact(bytes);
    msgpack::Reader in(as_bytes(exact.text()));
    return in.next() ? say(in.token()) + (in.at_end() ? "" : "...") : "failed";
}

void writes_numbers() {
    struct {
        double value;
        Text hex;
    } const cases[] = {
        {0, "00"},
        {-0.0, "00"},
        {127, "7f"},
        {128, "cc80"},
        {65536, "ce00010000"},
        {4294967296, "cf0000000100000000"},
        {18446744073709549568.0, "cffffffffffffff800"},
        {18446744073709551616.0, "cb43f0000000000000"},
        {-1, "ff"},
        {-33, "d0df"},
        {-129, "d1ff7f"},
        {-32769, "d2ffff7fff"},
        {-2147483649.0, "d3ffffffff7fffffff"},
        {-9223372036854775808.0, "d38000000000000000"},
        {-9223372036854777856.0, "cbc3e0000000000001"},
        {0.1, "cb3fb999999999999a"},
        {kInfinity, "cb7ff0000000000000"},
        {-kInfinity, "cbfff0000000000000"},
        {std::nan(""), "cb7ff8000000000000"},
    };
    for (const auto &each : cases) {
        std::string out;
        msgpack::Writer(out).number(each.value);
        is(to_hex(out), each.hex, "number " + std::to_string(each.value));
    }
    std::string out;
    msgpack::Writer(out).integer(INT64_MIN);
    msgpack::Writer(out).natural(UINT64_MAX);
    is(to_hex(out), "d38000000000000000cfffffffffffffffff", "the longest integers");
}

void writes_dates() {
    struct {
        double milliseconds;
        Text hex;
    } const cases[] = {
        {0, "d6ff00000000"},
        {1, "d7ff003d090000000000"},
        {1700000000123, "d7ff1d5353006553f100"},
        {4294967295000, "d6ffffffffff"},
        {4294967296000, "d7ff0000000100000000"},
        {17179869183000, "d7ff00000003ffffffff"},
        {17179869184000, "c70cff000000000000000400000000"},
        {-1, "c70cff3b8b87c0ffffffffffffffff"},
        {std::nan(""), "c70cff000000000000000000000000"},
        {kInfinity, "c70cff000000000000000000000000"},
    };
    for (const auto &each : cases) {
        std::string out;
        msgpack::Writer(out).date(each.milliseconds);
        is(to_hex(out), each.hex, "date " + std::to_string(each.milliseconds));
        const double back = std::isfinite(each.milliseconds) ? each.milliseconds : 0;
        is(read(out), "date " + std::to_string(back), "and back");
    }
}

// Heads at every border between two forms.
void writes_sizes() {
    struct {
        std::size_t size;
        Text text;
        Text bin;
        Text array;
        Text map;
    } const cases[] = {
        {0, "a0", "c400", "90", "80"},
        {15, "af", "c40f", "9f", "8f"},
        {16, "b0", "c410", "dc0010", "de0010"},
        {31, "bf", "c41f", "dc001f", "de001f"},
        {32, "d920", "c420", "dc0020", "de0020"},
        {255, "d9ff", "c4ff", "dc00ff", "de00ff"},
        {256, "da0100", "c50100", "dc0100", "de0100"},
        {65535, "daffff", "c5ffff", "dcffff", "deffff"},
        {65536, "db00010000", "c600010000", "dd00010000", "df00010000"},
    };
    for (const auto &each : cases) {
        const std::string body(each.size, 'x');
        const std::string name = " of " + std::to_string(each.size);
        const auto written = [](auto write) {
            std::string out = "..";
            msgpack::Writer writer(out);
            write(writer);
            return out.substr(2);
        };
        const auto head = [&](const std::string &out) {
            return to_hex(out.substr(0, out.size() - body.size()));
        };
        is(head(written([&](auto &out) { out.text(body); })), each.text, "text" + name);
        is(head(written([&](auto &out) { out.bin(as_bytes(body)); })), each.bin, "bytes" + name);
        is(to_hex(written([&](auto &out) { out.array(each.size); })), each.array, "array" + name);
        is(to_hex(written([&](auto &out) { out.map(each.size); })), each.map, "map" + name);
        std::string late = "_" + body;
        msgpack::Writer(late).head_at(0, false, each.size);
        is(to_hex(late), std::string(each.array) + to_hex(body), "a head that comes late" + name);
    }
}

void reads_tokens() {
    struct {
        Text hex;
        Text said;
    } const cases[] = {
        {"c0", "nil"},
        {"c2", "false"},
        {"c3", "true"},
        {"7f", "127"},
        {"e0", "-32"},
        {"cc05", "5"},
        {"cd0005", "5"},
        {"ce00000005", "5"},
        {"cf0000000000000005", "5"},
        {"d005", "5"},
        {"d0ff", "-1"},
        {"d1ffff", "-1"},
        {"d2ffffffff", "-1"},
        {"d3ffffffffffffffff", "-1"},
        {"cfffffffffffffffff", "18446744073709551615"},
        {"d38000000000000000", "-9223372036854775808"},
        {"ca3fc00000", "real 1.500000"},
        {"cb3ff8000000000000", "real 1.500000"},
        {"a161", "text a"},
        {"d90161", "text a"},
        {"da000161", "text a"},
        {"db0000000161", "text a"},
        {"c40161", "bin 61"},
        {"c5000161", "bin 61"},
        {"c60000000161", "bin 61"},
        {"91c0", "array 1..."},
        {"dc0001c0", "array 1..."},
        {"dd00000001c0", "array 1..."},
        {"81c0c0", "map 1..."},
        {"de0001c0c0", "map 1..."},
        {"df00000001c0c0", "map 1..."},
        {"c1", "failed"},
        {"d40000", "undefined"},
        {"d7000000018bcfe5687b", "date 1700000000123.000000"},
        {"c70300010203", "bin 010203"},
        {"c8000300010203", "bin 010203"},
        {"c90000000300010203", "bin 010203"},
        {"c70800"
         "0102030405060708",
         "bin 0102030405060708"},
        {"d40509", "ext 5 09"},
        {"d5ff0102", "ext -1 0102"},
        {"d8ff"
         "000102030405060708090a0b0c0d0e0f",
         "ext -1 000102030405060708090a0b0c0d0e0f"},
        {"c700ff", "ext -1 "},
        {"d6ff00000001", "date 1000.000000"},
        {"c704ff00000001", "date 1000.000000"},
        {"d7ff3b9aca0000000000", "date 250.000000"},
        {"c70cff000000007fffffffffffffff", "date nan"},
        {"d700ffffffffffffffff", "date -1.000000"},
    };
    for (const auto &each : cases) {
        const std::string bytes = from_hex(each.hex);
        is(read(bytes), each.said, "read " + std::string(each.hex));
    }
}

// Nothing that is cut off is taken for whole, at whatever byte.
void refuses_parts() {
    bool whole = true;
    bool parts = false;
    for (const std::string &each : test::vectors("msgpack")) {
        const std::string bytes = from_hex(test::field(each, "hex"));
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            const test::Exact part(Text(bytes).substr(0, size));
            msgpack::Reader in(as_bytes(part.text()));
            const bool good = in.next() && in.skip() && in.at_end();
            (size == bytes.size() ? whole : parts) = size == bytes.size() ? whole && good : parts || good;
        }
    }
    ok(whole, "every vector is one value");
    ok(!parts, "and no part of it is");
}

void refuses_lies() {
    const Text cases[] = {
        "dcffff",       "ddffffffff00", "deffff00",       "df7fffffff0000", "dfffffffff0000",
        "c6ffffffff00", "dbffffffff61", "c9ffffffff0500", "c7ff05",         "da000261",
        "8200",         "92",           "cb3ff800",
    };
    for (const Text each : cases) {
        is(read(from_hex(each)), "failed", "a lie: " + std::string(each));
    }
    msgpack::Reader in({});
    ok(!in.next() && !in.next() && !in.at_end(), "a reader that has failed stays so");
}

void skips() {
    std::string deep(1'000'000, '\x91');
    deep += '\x05';
    deep += '\x06';
    msgpack::Reader in(as_bytes(deep));
    ok(in.next() && in.skip(), "a million arrays in each other are passed over");
    ok(in.next() && in.token().natural == 6 && in.at_end(), "and what follows is read");
    // Each of the elements is there, but their own are not.
    const std::string lie = from_hex("93919191");
    msgpack::Reader short_one(as_bytes(lie));
    ok(short_one.next() && !short_one.skip() && !short_one.at_end(), "elements that are missing inside");
}

} // namespace

int main() {
    writes_numbers();
    writes_dates();
    writes_sizes();
    reads_tokens();
    refuses_parts();
    refuses_lies();
    skips();
    return rt::test::done();
}
