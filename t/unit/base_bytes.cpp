// SPDX-License-Identifier: BSD-2-Clause
// Bytes: views, big-endian numbers, Writer and Reader on whole, cut and lying records.
#include "base/bytes.hpp"

#include "tap.hpp"

#include <array>
#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

struct Packed {
    std::uint32_t a;
    std::uint16_t b;
    std::uint16_t c;
};

struct Padded {
    std::uint32_t a;
    std::uint8_t b;
};

enum class Color : std::uint8_t { red, green };

static_assert(Plain<int> && Plain<double> && Plain<bool> && Plain<Color> && Plain<Packed>);
static_assert(!Plain<Padded>, "padding would leak memory");
static_assert(!Plain<Text> && !Plain<const char *> && !Plain<Bytes>, "a view would write its address");
static_assert(!Plain<std::string>);

void test_views() {
    std::string text("a\xff\0z", 4);
    is(as_bytes(text).size(), 4U, "bytes of text keep the size, NUL inside");
    is(as_bytes(text)[1], 0xFF, "and are unsigned");
    ok(as_text(as_bytes(text)) == text, "text of bytes of text is the text");
    as_mutable_bytes(text)[0] = 'b';
    is(text[0], 'b', "mutable bytes write through");
    ok(as_bytes(Text()).empty() && as_text(Bytes()).empty(), "empty views");
}

template <class T> void check_order(T value, Text expected, const char *name) {
    std::array<std::uint8_t, sizeof(T)> raw{};
    store_be(raw.data(), value);
    ok(as_text(raw) == expected, std::string("store_be: ") + name);
    ok(load_be<T>(raw.data()) == value, std::string("load_be: ") + name);
}

void test_big_endian() {
    check_order<std::uint8_t>(0xFE, "\xFE", "8 bits");
    check_order<std::uint16_t>(0x0102, "\x01\x02", "16 bits");
    check_order<std::uint32_t>(0x80FF0102, Text("\x80\xFF\x01\x02"), "32 bits");
    check_order<std::uint64_t>(0xFF00000000000001, Text("\xFF\0\0\0\0\0\0\x01", 8), "64 bits");
}

void test_overlay() {
    alignas(8) std::array<std::uint8_t, 16> raw{};
    const MutableBytes bytes(raw);
    ok(overlay<std::uint64_t>(bytes) != nullptr, "overlay of aligned bytes");
    ok(overlay<std::uint64_t>(bytes.subspan(4)) == nullptr, "none where misaligned");
    ok(overlay<std::uint64_t>(bytes.subspan(16)) == nullptr, "none where it does not fit");
    is(overlay_array<std::uint32_t>(bytes, 4).size(), 4U, "an array that just fits");
    ok(overlay_array<std::uint32_t>(bytes, 5).empty(), "no array that does not");
    ok(overlay_array<std::uint32_t>(bytes, SIZE_MAX / 4 + 1).empty(), "nor one whose size overflows");
}

std::string record() {
    std::string out;
    Writer writer(out);
    writer.put(std::uint8_t{7});
    writer.put(std::int64_t{-2});
    writer.put(true);
    writer.put(Color::green);
    writer.put(Packed{1, 2, 3});
    writer.put_text(Text("a\0b", 3));
    writer.put_text("");
    writer.put(0.5);
    return out;
}

bool reads_back(Reader &reader) {
    const bool number = reader.get<std::uint8_t>() == 7;
    const bool negative = reader.get<std::int64_t>() == -2;
    const bool flag = reader.get<bool>();
    const bool color = reader.get<Color>() == Color::green;
    const Packed packed = reader.get<Packed>();
    const bool text = reader.get_text() == Text("a\0b", 3);
    const bool empty = reader.get_text().empty();
    const bool real = reader.get<double>() == 0.5;
    return number && negative && flag && color && packed.c == 3 && text && empty && real;
}

void test_round_trip() {
    const std::string whole = record();
    Reader reader(whole);
    ok(reads_back(reader), "what was written is read");
    ok(reader.ok() && reader.at_end(), "to the end");
    ok(reader.get<std::uint8_t>() == 0 && !reader.ok(), "a byte more is zero and not ok");
}

void test_cuts() {
    const std::string whole = record();
    int accepted = 0;
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string cut(whole, 0, size); // a copy, so that a read past the end is seen
        Reader reader(cut);
        static_cast<void>(reads_back(reader));
        accepted += reader.ok() ? 1 : 0;
    }
    is(accepted, 0, "no cut record is ok");
}

void test_failed_stays_failed() {
    Reader reader("\x01\x02\x03");
    ok(reader.get<std::uint32_t>() == 0, "a read past the end is zero");
    ok(reader.get<std::uint8_t>() == 0 && reader.get_text().empty(), "so are all after it");
    ok(!reader.ok() && reader.rest().empty(), "and ok() stays false");
}

void test_lies() {
    std::string out;
    Writer(out).put(std::uint32_t{1000});
    out += "short";
    ok(Reader(out).get_text().empty(), "a text longer than the record is empty");

    Reader lying(out);
    is(lying.get_count(1), 0U, "a count of more things than there are bytes is zero");
    ok(!lying.ok(), "and not ok");

    std::string three;
    Writer(three).put(std::uint32_t{3});
    three += "123456";
    Reader honest(three);
    is(honest.get_count(2), 3U, "a count that just fits");
    ok(honest.ok() && honest.rest() == "123456", "leaves the things");
    is(Reader(three).get_count(3), 0U, "one byte too many each");
    is(Reader(out).get_count(0), 1000U, "things of no size are not bounded");

    ok(Reader("\x02").get<bool>(), "a bool of another byte is true, not undefined");
}

} // namespace

int main() {
    test_views();
    test_big_endian();
    test_overlay();
    test_round_trip();
    test_cuts();
    test_failed_stays_failed();
    test_lies();
    return test::done();
}
