// SPDX-License-Identifier: BSD-2-Clause
// HashIndex: finds objects by a key that they themselves hold, at 8 to 16 bytes each. For
// keys that we drew at random (ids): nobody else can choose them, so they need no hashing.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rt {

// KeyOf: Text operator()(const T &), the same for as long as the object is in the index, of at
// least 8 characters, random at its end. The index owns nothing.
template <class T, class KeyOf> class HashIndex {
public:
    // Only if its key is not in the index yet.
    void insert(T &object) {
        if ((size_ + 1) * 4 > table_.size() * 3) {
            resize(table_.empty() ? kFirst : table_.size() * 2);
        }
        place(object);
        ++size_;
    }

    [[nodiscard]] T *find(Text key) const noexcept {
        if (key.size() < sizeof(std::uint64_t) || table_.empty()) {
            return nullptr;
        }
        for (std::size_t at = slot_of(key); table_[at] != nullptr; at = after(at)) {
            if (KeyOf()(*table_[at]) == key) {
                return table_[at];
            }
        }
        return nullptr;
    }

    void erase(const T &object) {
        if (table_.empty()) {
            return;
        }
        std::size_t at = slot_of(KeyOf()(object));
        while (table_[at] != &object) {
            if (table_[at] == nullptr) {
                return;
            }
            at = after(at);
        }
        close_gap(at);
        --size_;
        if (size_ * 8 < table_.size() && table_.size() > kFirst) {
            resize(table_.size() / 2);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    static constexpr std::size_t kFirst = 8;

    [[nodiscard]] std::size_t after(std::size_t at) const noexcept { return (at + 1) & (table_.size() - 1); }

    // The last characters: the first ones name the host and are the same in all ids. Each
    // carries 6 random bits, so they are folded.
    [[nodiscard]] std::size_t slot_of(Text key) const noexcept {
        std::uint64_t bits = 0;
        std::memcpy(&bits, key.data() + key.size() - sizeof(bits), sizeof(bits));
        bits *= 0x9e3779b97f4a7c15;
        return (bits >> 32) & (table_.size() - 1);
    }

    void place(T &object) noexcept {
        std::size_t at = slot_of(KeyOf()(object));
        while (table_[at] != nullptr) {
            at = after(at);
        }
        table_[at] = &object;
    }

    // Moves later ones of the same run back, so that no search stops short.
    void close_gap(std::size_t gap) noexcept {
        const std::size_t mask = table_.size() - 1;
        for (std::size_t at = after(gap); table_[at] != nullptr; at = after(at)) {
            const std::size_t wanted = slot_of(KeyOf()(*table_[at]));
            if (((at - wanted) & mask) >= ((at - gap) & mask)) {
                table_[gap] = table_[at];
                gap = at;
            }
        }
        table_[gap] = nullptr;
    }

    void resize(std::size_t slots) {
        std::vector<T *> old(slots, nullptr);
        old.swap(table_);
        for (T *object : old) {
            if (object != nullptr) {
                place(*object);
            }
        }
    }

    std::vector<T *> table_; // a power of two, or empty
    std::size_t size_ = 0;
};

} // namespace rt
