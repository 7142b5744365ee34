// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/random.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/random.h>

namespace rt::ngx {

namespace {

// Cannot fail once the system has booted, but for signals (getrandom(2)).
void draw(std::uint8_t *at, std::size_t size) noexcept {
    while (size > 0) {
        const ssize_t got = getrandom(at, size, 0);
        if (got > 0) {
            at += got;
            size -= static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            return;
        }
    }
}

} // namespace

// What was given out is overwritten at once: it names sessions.
void SystemRandom::fill(MutableBytes out) {
    while (!out.empty()) {
        if (left_ == 0) {
            draw(pool_.data(), pool_.size());
            left_ = pool_.size();
        }
        const std::size_t size = std::min(left_, out.size());
        std::uint8_t *from = pool_.data() + left_ - size;
        std::memcpy(out.data(), from, size);
        std::memset(from, 0, size);
        left_ -= size;
        out = out.subspan(size);
    }
}

std::uint64_t random_word() noexcept {
    std::uint64_t word = 0;
    std::uint8_t bytes[sizeof(word)];
    draw(bytes, sizeof(bytes));
    std::memcpy(&word, bytes, sizeof(word));
    return word;
}

} // namespace rt::ngx
