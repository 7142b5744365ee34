// SPDX-License-Identifier: BSD-2-Clause
// Where the connection that hears other hosts lies for the next worker that holds the bridge: a
// duplicate of its descriptor, in a pair of sockets that all processes inherit. It outlives the
// worker that made it, and so does the connection.
#pragma once

#include "base/fn.hpp"
#include "ngx/descriptors.hpp"

#include <optional>
#include <string>

namespace rt::ngx {

// Of a label: a digest of how a connection came about, so that there is room for any.
inline constexpr std::size_t kBoxLabel = 32;

// One box for each application that has ever had a Redis; by the master, in init_module. False:
// logged.
[[nodiscard]] bool open_box(Text app, ngx_log_t *log) noexcept;

// Puts a duplicate of it in, in place of what is there. Who takes it goes on only with the same
// label; without one nothing is put in. False: nobody will find it there.
[[nodiscard]] bool put_in_box(Text app, int socket, Text label) noexcept;

// The connection ends with the last process that has it.
void empty_box(Text app) noexcept;

// Of all applications that `is_used` does not name: a configuration without them has come.
void empty_unused_boxes(Fn<bool(Text app)> is_used);

// A duplicate of what is there, which stays there: the caller may die before all is well. -1: nothing
// is there, or it has another label, and the box is emptied.
[[nodiscard]] int look_into_box(Text app, Text label);

} // namespace rt::ngx
