// SPDX-License-Identifier: BSD-2-Clause
// A keyed hash of text for tables whose keys come from strangers: without the key, nobody can
// choose names that meet in one bucket. Fast, stable for one key, and no cryptography.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>

namespace rt {

// `key`: random, and never shown to anybody.
inline std::uint64_t keyed_hash(Text text, std::uint64_t key) noexcept {
    const auto fold = [](std::uint64_t a, std::uint64_t b) {
        const auto wide = static_cast<unsigned __int128>(a) * b;
        return static_cast<std::uint64_t>(wide) ^ static_cast<std::uint64_t>(wide >> 64);
    };
    const std::uint64_t left = key ^ 0xa0761d6478bd642f;
    std::uint64_t right = fold(key ^ 0xe7037ed1a0b428db, text.size() ^ 0x8ebc6af09c88c6e3);
    while (!text.empty()) {
        const Text part = text.substr(0, sizeof(std::uint64_t));
        std::uint64_t word = 0;
        std::memcpy(&word, part.data(), part.size());
        right = fold(right ^ 0x589965cc75374cc3, word ^ left) + 0x1d8e4e27c47d124f;
        text.remove_prefix(part.size());
    }
    return fold(right ^ left, 0xeb44accab455d165);
}

// For std::unordered_map.
struct KeyedHash {
    std::uint64_t key = 0;
    std::size_t operator()(Text text) const noexcept { return keyed_hash(text, key); }
};

} // namespace rt
