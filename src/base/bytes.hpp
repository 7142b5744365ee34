// SPDX-License-Identifier: BSD-2-Clause
// Views of bytes and text, and the two little serializers that every image, mail and
// log record uses. Views never own; who made the memory says how long they live.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace rt {

using Text = std::string_view;
using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// The only casts between characters and bytes (style: reinterpret_cast lives here).
inline Bytes as_bytes(Text text) noexcept {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

inline Text as_text(Bytes bytes) noexcept {
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

inline MutableBytes as_mutable_bytes(std::string &text) noexcept {
    return {reinterpret_cast<std::uint8_t *>(text.data()), text.size()};
}

// An object, or an array of them, that lives in somebody's bytes (shared memory). Null, or an
// empty span, where it does not fit or would be misaligned. Only types without constructors:
// the bytes are the value.
template <class T> T *overlay(MutableBytes bytes) noexcept {
    static_assert(std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T>);
    const bool aligned = std::bit_cast<std::uintptr_t>(bytes.data()) % alignof(T) == 0;
    return aligned && bytes.size() >= sizeof(T) ? reinterpret_cast<T *>(bytes.data()) : nullptr;
}

template <class T> std::span<T> overlay_array(MutableBytes bytes, std::size_t count) noexcept {
    T *first = overlay<T>(bytes);
    return first != nullptr && count <= bytes.size() / sizeof(T) ? std::span<T>(first, count)
                                                                 : std::span<T>();
}

// Big-endian, for the network's own formats. `at` must have sizeof(T) bytes; T is unsigned.
template <class T> T load_be(const std::uint8_t *at) noexcept {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
        value = static_cast<T>((value << 8) | at[i]);
    }
    return value;
}

template <class T> void store_be(std::uint8_t *at, T value) noexcept {
    for (std::size_t i = sizeof(T); i-- > 0;) {
        at[i] = static_cast<std::uint8_t>(value);
        value = static_cast<T>(value >> 8);
    }
}

// What Writer and Reader take: numbers, enums and plain structs of them without padding. Padding
// would leak old memory; a view or a pointer would write its address.
template <class T>
concept Plain = std::is_trivially_copyable_v<T> &&
    (std::is_arithmetic_v<T> || std::is_enum_v<T> ||
     (std::is_aggregate_v<T> && std::has_unique_object_representations_v<T>));

// Appends values in this machine's order: for images that stay on the host, or go to hosts whose
// order is the same (what hosts say to each other begins with a mark of it, cluster/bridge.cpp).
class Writer {
public:
    explicit Writer(std::string &out) noexcept : out_(out) {}

    template <Plain T> void put(T value) {
        char raw[sizeof(T)];
        std::memcpy(raw, &value, sizeof(T));
        out_.append(raw, sizeof(T));
    }

    // Length as 32 bits, then the bytes: at most 4 GiB.
    void put_text(Text text) {
        put(static_cast<std::uint32_t>(text.size()));
        out_.append(text);
    }

private:
    std::string &out_;
};

// Reads what Writer wrote. A read past the end yields zeroes and makes ok() false for
// good, so a whole record is read first and judged once. An enum comes back as any value of
// its underlying type: the caller checks it.
class Reader {
public:
    explicit Reader(Text in) noexcept : in_(in) {}

    template <Plain T> T get() noexcept {
        if constexpr (std::is_same_v<T, bool>) {
            return get<std::uint8_t>() != 0; // any byte but 0 and 1 is no bool
        } else {
            T value{};
            if (in_.size() < sizeof(T)) {
                fail();
                return value;
            }
            std::memcpy(&value, in_.data(), sizeof(T));
            in_.remove_prefix(sizeof(T));
            return value;
        }
    }

    // The view lives as long as the input does.
    Text get_text() noexcept { return take(get<std::uint32_t>()); }

    // The next bytes, whose count is known from elsewhere.
    Text take(std::size_t size) noexcept {
        if (size > in_.size()) {
            fail();
            return {};
        }
        const Text text = in_.substr(0, size);
        in_.remove_prefix(size);
        return text;
    }

    // A count of things that need at least `least` bytes each: a lying count fails here
    // instead of in a huge reserve().
    std::uint32_t get_count(std::size_t least) noexcept {
        const auto count = get<std::uint32_t>();
        if (least != 0 && count > in_.size() / least) {
            fail();
            return 0;
        }
        return count;
    }

    [[nodiscard]] bool ok() const noexcept { return ok_; }
    [[nodiscard]] bool at_end() const noexcept { return in_.empty(); }
    [[nodiscard]] Text rest() const noexcept { return in_; }

private:
    void fail() noexcept {
        ok_ = false;
        in_ = {};
    }

    Text in_;
    bool ok_ = true;
};

} // namespace rt
