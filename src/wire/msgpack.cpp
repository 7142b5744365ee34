// SPDX-License-Identifier: BSD-2-Clause
#include "wire/msgpack.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace rt::wire::msgpack {

namespace {

constexpr double kTwo32 = 4294967296.0;
constexpr double kTwo63 = 9223372036854775808.0;
constexpr double kTwo64 = 18446744073709551616.0;

constexpr std::int8_t kTimestamp = -1;
constexpr std::size_t kTimestamp96 = 12;
constexpr std::uint64_t kSeconds64 = (std::uint64_t{1} << 34) - 1;
constexpr std::int8_t kOldNotepack = 0;

// A number of `width` bytes in two's complement.
std::int64_t with_sign(std::uint64_t value, std::size_t width) noexcept {
    const auto unused = static_cast<unsigned>(64 - 8 * width);
    return static_cast<std::int64_t>(value << unused) >> unused;
}

std::uint64_t load(Bytes bytes) noexcept {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : bytes) {
        value = value << 8 | byte;
    }
    return value;
}

} // namespace

template <class T> void Writer::put_sized(unsigned byte, T value) {
    std::uint8_t raw[1 + sizeof(T)];
    raw[0] = static_cast<std::uint8_t>(byte);
    store_be(raw + 1, value);
    out_ += as_text(raw);
}

void Writer::natural(std::uint64_t value) {
    if (value < 0x80) {
        put(static_cast<unsigned>(value));
    } else if (value <= UINT8_MAX) {
        put_sized(0xcc, static_cast<std::uint8_t>(value));
    } else if (value <= UINT16_MAX) {
        put_sized(0xcd, static_cast<std::uint16_t>(value));
    } else if (value <= UINT32_MAX) {
        put_sized(0xce, static_cast<std::uint32_t>(value));
    } else {
        put_sized(0xcf, value);
    }
}

void Writer::integer(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    if (value >= 0) {
        natural(bits);
    } else if (value >= -0x20) {
        put(static_cast<std::uint8_t>(bits));
    } else if (value >= INT8_MIN) {
        put_sized(0xd0, static_cast<std::uint8_t>(bits));
    } else if (value >= INT16_MIN) {
        put_sized(0xd1, static_cast<std::uint16_t>(bits));
    } else if (value >= INT32_MIN) {
        put_sized(0xd2, static_cast<std::uint32_t>(bits));
    } else {
        put_sized(0xd3, bits);
    }
}

void Writer::number(double value) {
    const bool whole = std::floor(value) == value; // infinities too
    if (whole && value >= 0 && value < kTwo64) {
        natural(static_cast<std::uint64_t>(value));
    } else if (whole && value < 0 && value >= -kTwo63) {
        integer(static_cast<std::int64_t>(value));
    } else {
        put_sized(0xcb, std::bit_cast<std::uint64_t>(value));
    }
}

void Writer::text(Text text) {
    const std::size_t size = text.size();
    if (size < 0x20) {
        put(0xa0 | static_cast<unsigned>(size));
    } else if (size <= UINT8_MAX) {
        put_sized(0xd9, static_cast<std::uint8_t>(size));
    } else if (size <= UINT16_MAX) {
        put_sized(0xda, static_cast<std::uint16_t>(size));
    } else {
        put_sized(0xdb, static_cast<std::uint32_t>(size));
    }
    out_ += text;
}

void Writer::bin(Bytes bytes) {
    const std::size_t size = bytes.size();
    if (size <= UINT8_MAX) {
        put_sized(0xc4, static_cast<std::uint8_t>(size));
    } else if (size <= UINT16_MAX) {
        put_sized(0xc5, static_cast<std::uint16_t>(size));
    } else {
        put_sized(0xc6, static_cast<std::uint32_t>(size));
    }
    out_ += as_text(bytes);
}

void Writer::array(std::size_t count) {
    put(0);
    head_at(out_.size() - 1, false, count);
}

void Writer::map(std::size_t count) {
    put(0);
    head_at(out_.size() - 1, true, count);
}

void Writer::head_at(std::size_t at, bool is_map, std::size_t count) {
    if (count < 0x10) {
        out_[at] = static_cast<char>((is_map ? 0x80 : 0x90) | count);
        return;
    }
    const bool wide = count > UINT16_MAX;
    out_[at] = static_cast<char>((is_map ? 0xde : 0xdc) + (wide ? 1 : 0));
    std::uint8_t raw[4];
    store_be(raw, static_cast<std::uint32_t>(count));
    out_.insert(at + 1, as_text(raw).substr(wide ? 0 : 2));
}

// An invalid date is written as notepack does: as 1970 in the longest form.
void Writer::date(double milliseconds) {
    const double seconds = std::floor(milliseconds / 1000);
    const double nanoseconds = (milliseconds - seconds * 1000) * 1e6;
    if (std::isnan(milliseconds) || seconds < 0 || seconds >= 4 * kTwo32) {
        const bool valid = std::fabs(milliseconds) <= 8.64e15;
        put(0xc7);
        put_sized(kTimestamp96, static_cast<std::uint8_t>(kTimestamp));
        std::uint8_t raw[kTimestamp96];
        store_be(raw, valid ? static_cast<std::uint32_t>(nanoseconds) : 0);
        store_be(raw + 4, static_cast<std::uint64_t>(valid ? static_cast<std::int64_t>(seconds) : 0));
        out_ += as_text(raw);
        return;
    }
    const auto whole = static_cast<std::uint64_t>(seconds);
    const auto rest = static_cast<std::uint64_t>(nanoseconds);
    const bool is_short = rest == 0 && whole <= UINT32_MAX;
    put(is_short ? 0xd6 : 0xd7);
    if (is_short) {
        put_sized(0xff, static_cast<std::uint32_t>(whole));
    } else {
        put_sized(0xff, rest << 34 | whole);
    }
}

bool Reader::next() noexcept {
    if (in_.empty() || !good_) {
        return fail();
    }
    const unsigned byte = in_.front();
    in_ = in_.subspan(1);
    if (byte < 0x80) {
        return set_natural(byte);
    }
    if (byte >= 0xe0) {
        return set_integer(static_cast<std::int8_t>(byte));
    }
    if (byte < 0x90) {
        return set_count(Kind::map, byte & 0xf);
    }
    if (byte < 0xa0) {
        return set_count(Kind::array, byte & 0xf);
    }
    return byte < 0xc0 ? set_bytes(Kind::text, byte & 0x1f) : sized(byte);
}

// C0 to DF. Where a form comes in several widths they follow each other: 1, 2, 4, 8 bytes. A
// width that is not there reads as 0 and has failed.
bool Reader::sized(unsigned byte) noexcept {
    const auto width = [byte](unsigned first) { return std::size_t{1} << (byte - first); };
    switch (byte) {
    case 0xc0:
        token_.kind = Kind::nil;
        return true;
    case 0xc2:
    case 0xc3:
        token_.kind = Kind::boolean;
        token_.truth = byte == 0xc3;
        return true;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return set_bytes(Kind::bin, take(width(0xc4)));
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return set_ext(take(width(0xc7)), false);
    case 0xca:
        return set_real(std::bit_cast<float>(static_cast<std::uint32_t>(take(4))));
    case 0xcb:
        return set_real(std::bit_cast<double>(take(8)));
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return set_natural(take(width(0xcc)));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return set_integer(with_sign(take(width(0xd0)), width(0xd0)));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return set_ext(width(0xd4), true);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return set_bytes(Kind::text, take(width(0xd9)));
    case 0xdc:
    case 0xdd:
        return set_count(Kind::array, take(width(0xdc) * 2));
    case 0xde:
    case 0xdf:
        return set_count(Kind::map, take(width(0xde) * 2));
    default: // C1
        return fail();
    }
}

bool Reader::skip() noexcept {
    const auto inside = [this]() -> std::uint64_t {
        switch (token_.kind) {
        case Kind::array:
            return token_.count;
        case Kind::map:
            return std::uint64_t{2} * token_.count;
        default:
            return 0;
        }
    };
    for (std::uint64_t left = inside(); left > 0; left += inside()) {
        if (left > in_.size() || !next()) {
            return fail();
        }
        --left;
    }
    return good_;
}

bool Reader::set_natural(std::uint64_t value) noexcept {
    token_.kind = Kind::natural;
    token_.natural = value;
    return good_;
}

bool Reader::set_integer(std::int64_t value) noexcept {
    if (value >= 0) {
        return set_natural(static_cast<std::uint64_t>(value));
    }
    token_.kind = Kind::integer;
    token_.integer = value;
    return good_;
}

bool Reader::set_real(double value) noexcept {
    token_.kind = Kind::real;
    token_.real = value;
    return good_;
}

// ECMA-262 21.4.1.31, TimeClip.
bool Reader::set_date(double milliseconds) noexcept {
    token_.kind = Kind::date;
    token_.real = std::fabs(milliseconds) <= 8.64e15 ? std::trunc(milliseconds)
                                                     : std::numeric_limits<double>::quiet_NaN();
    return good_;
}

bool Reader::set_bytes(Kind kind, std::uint64_t size) noexcept {
    if (size > in_.size()) {
        return fail();
    }
    token_.kind = kind;
    token_.bytes = in_.first(static_cast<std::size_t>(size));
    in_ = in_.subspan(static_cast<std::size_t>(size));
    return good_;
}

// Each value takes a byte at least: a count beyond that lies, and nobody may reserve for it.
bool Reader::set_count(Kind kind, std::uint64_t count) noexcept {
    if (count > in_.size() / (kind == Kind::map ? 2 : 1)) {
        return fail();
    }
    token_.kind = kind;
    token_.count = static_cast<std::uint32_t>(count);
    return good_;
}

bool Reader::set_ext(std::uint64_t size, bool fixed) noexcept {
    const auto type = static_cast<std::int8_t>(take(1));
    if (!set_bytes(Kind::ext, size)) {
        return false;
    }
    token_.type = type;
    if (type == kTimestamp) {
        return set_timestamp();
    }
    return type != kOldNotepack || set_old_ext(fixed);
}

// The standard's three forms are told by their sizes.
bool Reader::set_timestamp() noexcept {
    const Bytes bytes = token_.bytes;
    const auto date = [this](std::int64_t seconds, std::uint64_t nanoseconds) {
        return set_date(static_cast<double>(seconds) * 1000 + static_cast<double>(nanoseconds) / 1e6);
    };
    switch (bytes.size()) {
    case 4:
        return date(static_cast<std::int64_t>(load(bytes)), 0);
    case 8:
        return date(static_cast<std::int64_t>(load(bytes) & kSeconds64), load(bytes) >> 34);
    case kTimestamp96:
        return date(static_cast<std::int64_t>(load(bytes.subspan(4))), load(bytes.first(4)));
    default:
        return true;
    }
}

// What notepack up to 2 wrote under the type 0; the form told an ArrayBuffer from the others.
bool Reader::set_old_ext(bool fixed) noexcept {
    if (!fixed) {
        token_.kind = Kind::bin;
    } else if (token_.bytes.size() == 1) {
        token_.kind = Kind::undefined;
    } else if (token_.bytes.size() == 8) {
        return set_date(static_cast<double>(static_cast<std::int64_t>(load(token_.bytes))));
    }
    return true;
}

// A big-endian number; 0, and failed for good, where the input ends.
std::uint64_t Reader::take(std::size_t width) noexcept {
    if (width > in_.size()) {
        fail();
        return 0;
    }
    const std::uint64_t value = load(in_.first(width));
    in_ = in_.subspan(width);
    return value;
}

bool Reader::fail() noexcept {
    good_ = false;
    return false;
}

} // namespace rt::wire::msgpack
