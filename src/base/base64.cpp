// SPDX-License-Identifier: BSD-2-Clause
#include "base/base64.hpp"

#include <array>

namespace rt {

namespace {

constexpr Text kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr Text kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The value of each character, or kBad, whose bits no six-bit value has.
constexpr std::uint8_t kBad = 0xC0;
using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(Text alphabet) {
    Values values{};
    values.fill(kBad);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}

constexpr Values kStandardValues = values_of(kStandard);
constexpr Values kUrlValues = values_of(kUrl);

// One to three bytes as the top bits of 24.
std::uint32_t gather(Bytes bytes) noexcept {
    std::uint32_t bits = static_cast<std::uint32_t>(bytes[0]) << 16;
    if (bytes.size() > 1) {
        bits |= static_cast<std::uint32_t>(bytes[1]) << 8;
    }
    if (bytes.size() > 2) {
        bits |= bytes[2];
    }
    return bits;
}

// Without padding.
void append(std::string &out, Bytes bytes, Text alphabet) {
    const std::size_t start = out.size();
    out.resize(start + bytes.size() / 3 * 4 + (bytes.size() % 3 * 4 + 2) / 3);
    char *at = out.data() + start;
    while (bytes.size() >= 3) {
        const std::uint32_t bits = gather(bytes.first<3>());
        at[0] = alphabet[bits >> 18];
        at[1] = alphabet[bits >> 12 & 63];
        at[2] = alphabet[bits >> 6 & 63];
        at[3] = alphabet[bits & 63];
        at += 4;
        bytes = bytes.subspan(3);
    }
    if (!bytes.empty()) {
        const std::uint32_t bits = gather(bytes);
        for (std::size_t i = 0; i <= bytes.size(); ++i) {
            at[i] = alphabet[bits >> (18 - 6 * i) & 63];
        }
    }
}

// Four characters as 24 bits; a bad one sets the bits of kBad in the result's top byte.
std::uint32_t decode_group(Bytes four, const Values &values) noexcept {
    const std::uint32_t a = values[four[0]];
    const std::uint32_t b = values[four[1]];
    const std::uint32_t c = values[four[2]];
    const std::uint32_t d = values[four[3]];
    return (a << 18 | b << 12 | c << 6 | d) | ((a | b | c | d) & kBad) << 24;
}

// The last two or three characters. False for a bad one, or for bits that the bytes do not
// use and an encoder must leave zero (RFC 4648 3.5): one value has one spelling.
bool append_tail(std::string &out, Bytes tail, const Values &values) {
    std::array<std::uint8_t, 4> four{'A', 'A', 'A', 'A'};
    for (std::size_t i = 0; i < tail.size(); ++i) {
        four[i] = tail[i];
    }
    const std::uint32_t bits = decode_group(four, values);
    const std::uint32_t unused = tail.size() == 2 ? 0xFFFF : 0xFF;
    out.push_back(static_cast<char>(bits >> 16));
    if (tail.size() == 3) {
        out.push_back(static_cast<char>(bits >> 8));
    }
    return bits >> 24 == 0 && (bits & unused) == 0;
}

Result<std::string> decode(Bytes in, const Values &values) {
    if (in.size() % 4 == 1) {
        return {Code::protocol, "base64 of no possible length"};
    }
    std::string out;
    out.reserve(in.size() / 4 * 3 + 2);
    out.resize(in.size() / 4 * 3);
    std::uint32_t seen = 0;
    for (char *at = out.data(); in.size() >= 4; at += 3, in = in.subspan(4)) {
        const std::uint32_t bits = decode_group(in.first<4>(), values);
        at[0] = static_cast<char>(bits >> 16);
        at[1] = static_cast<char>(bits >> 8);
        at[2] = static_cast<char>(bits);
        seen |= bits;
    }
    const bool good = seen >> 24 == 0 && (in.empty() || append_tail(out, in, values));
    if (!good) {
        return {Code::protocol, "base64 with a character of no alphabet"};
    }
    return out;
}

} // namespace

void append_base64(std::string &out, Bytes bytes) {
    append(out, bytes, kStandard);
    out.append((3 - bytes.size() % 3) % 3, '=');
}

void append_base64url(std::string &out, Bytes bytes) { append(out, bytes, kUrl); }

Result<std::string> decode_base64(Text text) {
    if (text.size() % 4 == 0 && text.ends_with('=')) { // padding fills the last group, or is none
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    return decode(as_bytes(text), kStandardValues);
}

Result<std::string> decode_base64url(Text text) { return decode(as_bytes(text), kUrlValues); }

} // namespace rt
