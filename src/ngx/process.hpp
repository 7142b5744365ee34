// SPDX-License-Identifier: BSD-2-Clause
// What all processes of this nginx inherit from the master: the eventfds of the seats, made
// once, so that workers of any generation wake each other, and the number of the current
// configuration.
#pragma once

#include "ngx/ngx.hpp"

#include <cstdint>

namespace rt::ngx {

// For as many seats as the seats zone has; the first call makes the descriptors. False: the
// system has no more, logged.
[[nodiscard]] bool open_wake_descriptors(std::uint32_t seats, ngx_log_t *log) noexcept;

// -1 if there is none.
[[nodiscard]] int wake_descriptor(std::uint32_t seat) noexcept;
[[nodiscard]] std::uint32_t wake_descriptors() noexcept;

// Counts final configurations; a worker keeps the number it was forked with.
void next_cycle() noexcept;
[[nodiscard]] std::uint64_t cycle_number() noexcept;

} // namespace rt::ngx
