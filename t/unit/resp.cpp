// SPDX-License-Identifier: BSD-2-Clause
// Redis's protocol: every reply whole, byte by byte and cut in two everywhere; what is refused,
// and when; how many bytes belong to whole replies; commands.
#include "wire/resp.hpp"
#include "redis_env.hpp"

#include <vector>

using namespace rt;
using namespace rt::wire;
using namespace rt::test;

namespace {

// Replies in turn, then the error or what is pending: "[..];+OK;" "...5" "!protocol".
std::string read_all(RespReader &reader, Text text, std::size_t slice) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::string part(text.substr(at, slice == 0 ? text.size() : slice));
        reader.feed(as_bytes(part));
        for (RespValue reply = reader.next(); reply; reply = reader.next()) {
            out += show(reply) + ";";
        }
        at += part.size();
    }
    if (reader.error().code != Code::ok) {
        return out + "!" + reader.error().where;
    }
    return reader.pending() == 0 ? out : out + "..." + std::to_string(reader.pending());
}

struct Row {
    const char *name;
    std::string input;
    std::string shown;
};

const std::vector<Row> kGood = {
    {"a status", "+OK\r\n", "+OK;"},
    {"an empty status", "+\r\n", "+;"},
    {"an error", "-ERR no such\r\n", "-ERR no such;"},
    {"an integer", ":1234\r\n", ":1234;"},
    {"a negative integer", ":-1\r\n", ":-1;"},
    {"the largest", ":9223372036854775807\r\n", ":9223372036854775807;"},
    {"a bulk string", "$5\r\nhello\r\n", "$hello;"},
    {"an empty bulk string", "$0\r\n\r\n", "$;"},
    {"line ends in a bulk string", "$6\r\na\r\nb\r\n\r\n", "$a\r\nb\r\n;"},
    {"nil", "$-1\r\n", "_;"},
    {"a nil array", "*-1\r\n", "_;"},
    {"an empty array", "*0\r\n", "[];"},
    {"a message", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "[$message,$c,$hi];"},
    {"all kinds", "*6\r\n+a\r\n-b\r\n:3\r\n$1\r\nd\r\n$-1\r\n*0\r\n", "[+a,-b,:3,$d,_,[]];"},
    {"nested", "*3\r\n*2\r\n:1\r\n*1\r\n:2\r\n:3\r\n*1\r\n*1\r\n+x\r\n", "[[:1,[:2]],:3,[[+x]]];"},
    {"eight deep", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:8\r\n", "[[[[[[[[:8]]]]]]]];"},
    {"several", "+OK\r\n:1\r\n*1\r\n$1\r\na\r\n$-1\r\n", "+OK;:1;[$a];_;"},
    {"an unfinished one", "+OK\r\n$5\r\nhel", "+OK;...7"},
    {"an unfinished array", "*2\r\n+a\r\n+b", "...10"},
};

const std::vector<Row> kBad = {
    {"another protocol", "HTTP/1.1 400\r\n", "!not Redis's protocol"},
    {"RESP3", "%1\r\n+a\r\n+b\r\n", "!not Redis's protocol"},
    {"a type inside", "*2\r\n+a\r\n?\r\n", "!not Redis's protocol"},
    {"no number", ":12x\r\n", "!not Redis's protocol"},
    {"over 64 bits", ":9223372036854775808\r\n", "!not Redis's protocol"},
    {"a length without digits", "$x\r\n", "!not Redis's protocol"},
    {"a length below -1", "$-2\r\n", "!not Redis's protocol"},
    {"a count below -1", "*-2\r\n", "!not Redis's protocol"},
    {"an endless length", "$" + std::string(40, '1'), "!not Redis's protocol"},
    {"a line end that is none", "$5\r" + std::string(40, '1'), "!not Redis's protocol"},
    {"bulk of 2^31", "$2147483648\r\n", "!a bulk string is too long"},
    {"bulk of 2^63 - 1", "$9223372036854775807\r\n", "!a bulk string is too long"},
    {"no line end behind a bulk string", "$2\r\nabXY+OK\r\n", "!no line end behind a bulk string"},
    {"array of 2^31", "*2147483648\r\n", "!not Redis's protocol"},
    {"array of 2^31 - 1", "*2147483647\r\n", "!too many values in a reply"},
    {"nine deep", "+OK\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:8\r\n",
     "+OK;!a reply is nested too deep"},
    {"an error behind a reply", ":1\r\n!\r\n:2\r\n", ":1;!not Redis's protocol"},
};

void all_slices() {
    for (const auto &rows : {kGood, kBad}) {
        for (const Row &row : rows) {
            for (std::size_t slice = 0; slice <= row.input.size(); ++slice) {
                RespReader reader;
                const std::string shown = read_all(reader, row.input, slice);
                if (slice <= 1 || shown != row.shown) {
                    is(shown, row.shown, row.name + (" in slices of " + std::to_string(slice)));
                }
            }
        }
    }
}

void deep() {
    std::string nested;
    for (int i = 0; i < 1'000'000; ++i) {
        nested += "*1\r\n";
    }
    RespReader reader;
    is(read_all(reader, nested, 0), "!a reply is nested too deep", "nested 10^6");
    reader.feed(as_bytes("+OK\r\n"));
    ok(!reader.next() && reader.error().code == Code::too_deep, "no reply behind an error");
    reader.reset();
    is(read_all(reader, "+OK\r\n", 0), "+OK;", "as new");
}

void limits() {
    const RespLimits small{100, 8};
    const std::vector<Row> rows = {
        {"a bulk string at the limit", bulk(std::string(100, 'x')), "$" + std::string(100, 'x') + ";"},
        {"a bulk string over it", "$101\r\n", "!a bulk string is too long"},
        {"a reply over it", array({bulk(std::string(60, 'x')), bulk(std::string(60, 'x'))}),
         "!a reply is too long"},
        {"values at the limit", "*7\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n",
         "[:1,:2,:3,:4,:5,:6,:7];"},
        {"values over it", "*8\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n",
         "!too many values in a reply"},
        {"a count over it", "*9\r\n", "!too many values in a reply"},
        {"replies have limits of their own", bulk(std::string(80, 'x')) + bulk(std::string(80, 'y')),
         "$" + std::string(80, 'x') + ";$" + std::string(80, 'y') + ";"},
    };
    for (const Row &row : rows) {
        for (const std::size_t slice : kSlices) {
            RespReader reader(small);
            is(read_all(reader, row.input, slice), row.shown, row.name);
        }
    }
    RespReader reader;
    is(read_all(reader, "+" + std::string(1U << 20, 'x'), 1000), "!a line is too long", "an endless line");
}

// A mixture of small and large ones, over the parser's own buffers.
void many() {
    std::string input;
    std::string shown;
    for (int i = 0; i < 2000; ++i) {
        const std::string payload(static_cast<std::size_t>(i % 97 == 0 ? 20'000 + i : i % 300), 'a');
        input += array({bulk("pmessage"), bulk("p*"), bulk("channel"), bulk(payload)});
        shown += "[$pmessage,$p*,$channel,$" + payload + "];";
    }
    for (const std::size_t slice : {0, 1000, 4096, 65536}) {
        RespReader reader;
        ok(read_all(reader, input, slice) == shown, "2000 messages in slices of " + std::to_string(slice));
        is(reader.consumed(), input.size(), "all bytes are consumed");
    }
}

void counts() {
    const std::string first = "*2\r\n+a\r\n$3\r\nabc\r\n";
    const std::string second = bulk(std::string(5000, 'x'));
    const std::string both = first + second;
    for (std::size_t cut = 0; cut <= both.size(); cut += 1 + (cut > first.size() + 9 ? 800 : 0)) {
        RespReader reader;
        reader.feed(as_bytes(Text(both).substr(0, cut)));
        while (reader.next()) {
        }
        const std::size_t whole = cut == both.size() ? cut : cut < first.size() ? 0 : first.size();
        if (reader.consumed() != whole || reader.pending() != cut - whole) {
            ok(false, "cut at " + std::to_string(cut));
        }
        reader.feed(as_bytes(Text(both).substr(cut)));
        while (reader.next()) {
        }
        if (reader.consumed() != both.size() || reader.pending() != 0) {
            ok(false, "the rest behind " + std::to_string(cut));
        }
    }
    RespReader reader;
    const std::string three = "+a\r\n+bb\r\n+c";
    reader.feed(as_bytes(three));
    ok(reader.next() && reader.consumed() == 4 && reader.pending() == 7, "told after each reply");
    ok(reader.next() && reader.consumed() == 9 && reader.pending() == 2, "told after the next");
    ok(!reader.next() && reader.consumed() == 9 && reader.pending() == 2, "the rest is pending");
}

void paths() {
    RespReader reader;
    const std::string text = array({array({bulk("a"), ":1\r\n"}), bulk("b")});
    reader.feed(as_bytes(text));
    const RespValue reply = reader.next();
    is(reply[0][1].integer(), 1, "an integer by its path");
    is(reply[1].text(), "b", "a text behind an array");
    ok(!reply[2] && !reply[1][0] && !reply[0][0][0], "what is missing is none");
    ok(reply[2].text().empty() && reply[1].integer() == 0 && reply[1].size() == 0, "and has nothing");
    ok(!(RespValue().begin() != RespValue::end()), "nothing to walk in none");
}

void commands() {
    std::string out;
    RespCommand::append(out, {"SET", "key", ""});
    is(out, "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$0\r\n\r\n", "words");
    out.clear();
    RespCommand(out, 2).add("X").add(Text("a\r\nb\0", 5));
    is(out, "*2\r\n$1\r\nX\r\n$5\r\na\r\n" + std::string("b\0", 2) + "\r\n", "any bytes");
    is(commands_in(out), "X a\r\n" + std::string("b\0", 2), "read back");
}

} // namespace

int main() {
    all_slices();
    deep();
    limits();
    many();
    counts();
    paths();
    commands();
    return done();
}
