// SPDX-License-Identifier: BSD-2-Clause
// The only door to OpenSSL: digests and comparisons that do not leak by time.
// Nothing here is cryptography of our own.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstdint>

namespace rt::wire {

using Sha1 = std::array<std::uint8_t, 20>;

// For the WebSocket accept key only (RFC 6455 4.2.2), where collisions do not matter.
// unavailable: the library refuses SHA-1 (a FIPS policy).
Result<Sha1> sha1(Bytes data);

using Sha256 = std::array<std::uint8_t, 32>;

// unavailable: the library has no memory.
Result<Sha256> sha256(Bytes data);

// Takes as long for equal as for unequal content. The length is no secret.
bool equal_secret(Bytes a, Bytes b) noexcept;

} // namespace rt::wire
