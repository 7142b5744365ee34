// SPDX-License-Identifier: BSD-2-Clause
// A streaming UTF-8 validator (RFC 3629: no overlong forms, no surrogates, at most
// U+10FFFF). One byte of state, so it is carried through the fragments of a message.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace rt {

class Utf8 {
public:
    // False at the first byte that no valid text can contain there; then it stays false.
    bool feed(Bytes bytes) noexcept;

    // True if the text so far does not end inside a character.
    [[nodiscard]] bool complete() const noexcept { return state_ == 0; }

    void reset() noexcept { state_ = 0; }

private:
    std::uint8_t state_ = 0;
};

bool is_utf8(Bytes bytes) noexcept;

} // namespace rt
