// SPDX-License-Identifier: BSD-2-Clause
// A keyed hash of text for tables whose keys come from strangers: without the key, nobody can
// choose names that meet in one bucket. Fast, stable for one key, and no cryptography.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace rt {

// `key`: random, and never shown to anybody. The constants are odd random numbers with about as
// many ones as zeroes.
inline std::uint64_t keyed_hash(Text text, std::uint64_t key) noexcept {
    const auto fold = [](std::uint64_t a, std::uint64_t b) {
        const auto wide = static_cast<unsigned __int128>(a) * b;
        return static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64);
    };
    const std::uint64_t left = key ^ 0xf46130a330fe6085;
    std::uint64_t right = fold(key ^ 0x5cd0da7dbef70529, text.size() ^ 0x394fc1eed1a0d44b);
    while (!text.empty()) {
        const Text part = text.substr(0, sizeof(std::uint64_t));
        std::uint64_t word = 0;
        std::memcpy(&word, part.data(), part.size());
        right = fold(right ^ 0xd3d8774945e7e873, word ^ left) + 0xb30a5ed39a04dff7;
        text.remove_prefix(part.size());
    }
    return fold(right ^ left, 0x9d93afd1a68758db);
}

// For std::unordered_map.
struct KeyedHash {
    std::uint64_t key = 0;
    std::size_t operator()(Text text) const noexcept { return keyed_hash(text, key); }
};

} // namespace rt
