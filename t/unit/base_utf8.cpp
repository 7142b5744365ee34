// SPDX-License-Identifier: BSD-2-Clause
// Utf8: texts whole, byte by byte and cut in two; every class of bad sequence; and all sequences
// of up to three bytes, with the edges of four, against a decoder written another way.
#include "base/utf8.hpp"

#include "tap.hpp"

#include <algorithm>
#include <array>
#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

struct Fed {
    bool good;     // no impossible byte so far
    bool complete; // and not inside a character
};

Fed feed_whole(Text text) {
    Utf8 utf8;
    const bool good = utf8.feed(as_bytes(text));
    return {good, good && utf8.complete()};
}

Fed feed_bytes(Text text) {
    Utf8 utf8;
    bool good = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        good = utf8.feed(as_bytes(text.substr(i, 1)));
    }
    return {good, good && utf8.complete()};
}

bool same_when_cut(Text text) {
    const Fed whole = feed_whole(text);
    for (std::size_t at = 0; at <= text.size(); ++at) {
        Utf8 utf8;
        static_cast<void>(utf8.feed(as_bytes(text.substr(0, at))));
        const bool good = utf8.feed(as_bytes(text.substr(at)));
        if (good != whole.good || (good && utf8.complete()) != whole.complete) {
            return false;
        }
    }
    return true;
}

struct Case {
    const char *name;
    Text text;
    bool good;
    bool complete;
};

const Case kCases[] = {
    {"empty", "", true, true},
    {"ASCII", "Hello", true, true},
    {"NUL and DEL", Text("\0\x7F", 2), true, true},
    {"two bytes", "\xC2\x80\xDF\xBF", true, true},
    {"three bytes", "\xE0\xA0\x80\xE2\x82\xAC\xEF\xBF\xBF", true, true},
    {"either side of the surrogates", "\xED\x9F\xBF\xEE\x80\x80", true, true},
    {"four bytes", "\xF0\x90\x80\x80\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF", true, true},
    {"byte order mark", "\xEF\xBB\xBF", true, true},
    {"truncated: 1 of 2", "a\xC3", true, false},
    {"truncated: 1 of 3", "a\xE2", true, false},
    {"truncated: 2 of 3", "a\xE2\x82", true, false},
    {"truncated: 1 of 4", "a\xF0", true, false},
    {"truncated: 2 of 4", "a\xF0\x9F", true, false},
    {"truncated: 3 of 4", "a\xF0\x9F\x98", true, false},
    {"truncated, then ASCII", "\xE2\x82 ", false, false},
    {"truncated, then a lead", "\xE2\x82\xE2\x82\xAC", false, false},
    {"lone continuation 80", "\x80", false, false},
    {"lone continuation BF", "a\xBF", false, false},
    {"one continuation too many", "\xC3\xA9\xA9", false, false},
    {"overlong 2: C0", "\xC0\x80", false, false},
    {"overlong 2: C0 AF", "\xC0\xAF", false, false},
    {"overlong 2: C1", "\xC1\xBF", false, false},
    {"overlong 3", "\xE0\x80\xAF", false, false},
    {"overlong 3: last", "\xE0\x9F\xBF", false, false},
    {"overlong 4", "\xF0\x80\x80\xAF", false, false},
    {"overlong 4: last", "\xF0\x8F\xBF\xBF", false, false},
    {"surrogate: first", "\xED\xA0\x80", false, false},
    {"surrogate: last", "\xED\xBF\xBF", false, false},
    {"surrogate pair (CESU-8)", "\xED\xA0\xBD\xED\xB8\x80", false, false},
    {"over 10FFFF: first", "\xF4\x90\x80\x80", false, false},
    {"over 10FFFF: F5", "\xF5\x80\x80\x80", false, false},
    {"five bytes", "\xF8\x88\x80\x80\x80", false, false},
    {"six bytes", "\xFC\x84\x80\x80\x80\x80", false, false},
    {"FE", "\xFE", false, false},
    {"FF", "\xFF", false, false},
};

void test_cases() {
    for (const Case &each : kCases) {
        const Fed whole = feed_whole(each.text);
        ok(whole.good == each.good && whole.complete == each.complete, each.name);
        const Fed bytes = feed_bytes(each.text);
        ok(bytes.good == each.good && bytes.complete == each.complete,
           std::string("byte by byte: ") + each.name);
    }
}

// Each case behind and before text of each length, so that it meets every place in a block.
void test_places() {
    int wrong = 0;
    for (const Case &each : kCases) {
        for (std::size_t before = 0; before <= 40; ++before) {
            const std::string text = std::string(before, 'x') + std::string(each.text);
            const Fed fed = feed_whole(text);
            wrong += fed.good == each.good && fed.complete == each.complete ? 0 : 1;
            const std::string longer = text + std::string(48, 'y'); // a cut character is bad now
            wrong += feed_whole(longer).good == each.complete ? 0 : 1;
        }
    }
    is(wrong, 0, "at every place of a block, at the end or inside");
}

void test_cuts() {
    int wrong = 0;
    for (const Case &each : kCases) {
        const std::string text = "0123456789abcdefgh" + std::string(each.text) + "ijklmnopqrstuvwxyz";
        wrong += same_when_cut(each.text) && same_when_cut(text) ? 0 : 1;
    }
    is(wrong, 0, "cut in two at every place");
}

void test_state() {
    Utf8 utf8;
    ok(!utf8.feed(as_bytes("\xFF")), "a bad byte is false");
    ok(!utf8.feed(as_bytes("fine")) && !utf8.feed({}), "and false it stays");
    ok(!utf8.complete(), "nor is it complete");
    utf8.reset();
    ok(utf8.feed(as_bytes("fine")) && utf8.complete(), "until it is reset");
    is(sizeof(Utf8), 1U, "its state is one byte");
}

// Decodes one character by arithmetic and compares it with the shortest form's bounds.
bool one_character(Bytes bytes) {
    static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const std::uint8_t lead = bytes[0];
    const std::size_t size = lead < 0x80 ? 1 : (lead >> 5 == 6 ? 2 : (lead >> 4 == 14 ? 3 : 4));
    if (size != bytes.size() || (size == 4 && lead >> 3 != 30)) {
        return false;
    }
    std::uint32_t point = size == 1 ? lead : lead & (0x7FU >> size);
    for (const std::uint8_t byte : bytes.subspan(1)) {
        if (byte >> 6 != 2) {
            return false;
        }
        point = point << 6 | (byte & 0x3F);
    }
    return point >= least[size] && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

bool reference(Bytes bytes) {
    while (!bytes.empty()) {
        std::size_t size = std::min<std::size_t>(4, bytes.size());
        while (size > 0 && !one_character(bytes.first(size))) {
            --size;
        }
        if (size == 0) {
            return false;
        }
        bytes = bytes.subspan(size);
    }
    return true;
}

int differ(Bytes bytes) { return is_utf8(bytes) == reference(bytes) ? 0 : 1; }

void test_all_short() {
    int wrong = 0;
    for (std::uint32_t value = 0; value < 1U << 16; ++value) {
        const std::array<std::uint8_t, 2> two{static_cast<std::uint8_t>(value >> 8),
                                              static_cast<std::uint8_t>(value)};
        wrong += differ(two) + differ(Bytes(two).first(1));
    }
    is(wrong, 0, "all sequences of one and two bytes");
}

void test_all_three() {
    int wrong = 0;
    for (std::uint32_t value = 0xC00000; value < 1U << 24; ++value) {
        std::array<std::uint8_t, 4> raw{};
        store_be(raw.data(), value);
        wrong += differ(Bytes(raw).subspan(1));
    }
    is(wrong, 0, "all sequences of three bytes from C0 on");
}

void test_edges_of_four() {
    static constexpr std::array<std::uint8_t, 12> edges{0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F,
                                                        0xA0, 0xBF, 0xC0, 0xC2, 0xF0, 0xFF};
    int wrong = 0;
    for (unsigned lead = 0xE0; lead <= 0xFF; ++lead) {
        for (std::size_t i = 0; i < edges.size() * edges.size() * edges.size(); ++i) {
            const std::array<std::uint8_t, 4> four{static_cast<std::uint8_t>(lead), edges[i / 144],
                                                   edges[i / 12 % 12], edges[i % 12]};
            wrong += differ(four);
        }
    }
    is(wrong, 0, "the edges of sequences of four bytes");
}

} // namespace

int main() {
    test_cases();
    test_places();
    test_cuts();
    test_state();
    test_all_short();
    test_all_three();
    test_edges_of_four();
    return test::done();
}
