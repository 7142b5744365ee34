// SPDX-License-Identifier: BSD-2-Clause
// The system's random generator, asked for a page at a time: a handshake needs 33 bytes and
// should not cost a system call.
#pragma once

#include "base/ports.hpp"

#include <array>
#include <cstddef>

namespace rt::ngx {

class SystemRandom final : public Random {
public:
    void fill(MutableBytes out) override;

private:
    std::array<std::uint8_t, 4096> pool_;
    std::size_t left_ = 0;
};

[[nodiscard]] std::uint64_t random_word() noexcept;

} // namespace rt::ngx
