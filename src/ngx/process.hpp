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

// The pair of connected sockets that WebSockets travel through, from workers that leave to those
// of the newest configuration; the first call makes it. Since the master holds both ends, what is
// in there survives the death of any worker. False: logged.
[[nodiscard]] bool open_channel(ngx_log_t *log) noexcept;
enum class ChannelEnd : std::uint8_t { send, receive };
[[nodiscard]] int channel(ChannelEnd end) noexcept;

// Counts final configurations. False: no memory to share the count in.
[[nodiscard]] bool next_cycle() noexcept;

// The one that this process was forked for, and the newest there is: where they differ, a
// quitting worker leaves because of a reload and not of a full stop.
[[nodiscard]] std::uint64_t cycle_number() noexcept;
[[nodiscard]] std::uint64_t newest_cycle() noexcept;

// A worker of the newest configuration is told to quit: most likely all are. Those of earlier
// ones hear nothing of it from nginx, for which they have been quitting since their reload.
void announce_end() noexcept;
[[nodiscard]] bool end_announced() noexcept;

} // namespace rt::ngx
