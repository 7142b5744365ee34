// SPDX-License-Identifier: BSD-2-Clause
// A hint that memory will be read soon. Any address will do, a null one too.
#pragma once

namespace rt {

inline void prefetch(const void *at) noexcept { __builtin_prefetch(at); }

} // namespace rt
