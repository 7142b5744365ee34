// SPDX-License-Identifier: BSD-2-Clause
// A hint that memory will be read soon. Any address will do, a null one too. GCC takes a function
// that does nothing else for one without effect and drops its calls: callers are inlined as well.
#pragma once

namespace rt {

[[gnu::always_inline]] inline void prefetch(const void *at) noexcept { __builtin_prefetch(at); }

} // namespace rt
