// SPDX-License-Identifier: BSD-2-Clause
// What a connection's handshake leaves in the zone: the values, and their packed image of at most
// 2 KiB, in which common header names are one byte and values that repeat are interned.
#pragma once

#include "shm/names.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rt::shm {

struct HeaderText {
    Text name; // any case
    Text value;
};

// What goes in. The caller leaves out Cookie, Authorization and hop-by-hop headers.
struct HandshakeText {
    std::int64_t created = 0; // milliseconds since 1970
    Text address = {};        // after realip
    Text url = {};            // as requested, with the query
    Text query = {};
    bool secure = false;
    bool xdomain = false;
    bool counts_address = false; // so that Roster::connections_from can tell
    Text captured_names = {};    // what they are: the same for many connections
    Text captured = {};          // opaque, and whole or not at all
    std::span<const HeaderText> headers = {};
};

struct Header {
    std::string name; // lower case
    std::string value;

    bool operator==(const Header &) const = default;
};

// What comes out. Truncated: url or query were cut, or captured or headers left out, from the end.
struct Handshake {
    std::int64_t created = 0;
    std::string address = {};
    std::string url = {};
    std::string query = {};
    bool secure = false;
    bool xdomain = false;
    bool truncated = false;
    bool counts_address = false;
    std::string captured_names = {};
    std::string captured = {};
    std::vector<Header> headers = {};

    bool operator==(const Handshake &) const = default;
};

// The name that counts the connections of one address. No header's value begins with NUL, so
// no client can raise another's count.
class AddressKey {
public:
    static constexpr std::size_t kMaxSize = 128;

    explicit AddressKey(Text address) noexcept : size_(1 + address.copy(key_.data() + 1, key_.size() - 1)) {}
    [[nodiscard]] Text text() const noexcept { return {key_.data(), size_}; }

private:
    std::array<char, kMaxSize> key_{};
    std::size_t size_;
};

// Bounds the image with its interned values counted in full.
inline constexpr std::size_t kMaxHandshake = 2048;

// Appends the image, holding a name for each interned value. After full, what was appended
// still says which names are held: release them.
Result<void> pack_handshake(std::string &image, const HandshakeText &handshake, Names &names);

// Appends the image with texts in place of names, so that it can be read without the zone and
// its lock. False if this is no image.
[[nodiscard]] bool flatten_handshake(std::string &flat, Text image, const Names &names);

// protocol: this is no flat image.
Result<Handshake> unpack_handshake(Text flat);

// Reads an image from front to back; views live as long as it does.
class PackedHandshake {
public:
    struct Entry {
        std::uint8_t code = 0;
        Text name;
        CellIndex interned = 0; // else the value stands here
        Text value;
    };

    explicit PackedHandshake(Text image) noexcept;

    // The next header; false at the end, and where this is no image.
    bool next() noexcept;
    [[nodiscard]] const Entry &entry() const noexcept { return entry_; }
    [[nodiscard]] bool ok() const noexcept { return ok_ && in_.ok(); }
    [[nodiscard]] Text rest() const noexcept { return in_.rest(); }

    std::uint8_t bits = 0;
    std::int64_t created = 0;
    Text address;
    Text url;
    Text query;

private:
    Reader in_;
    Entry entry_;
    bool ok_ = true;
};

} // namespace rt::shm
