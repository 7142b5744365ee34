// SPDX-License-Identifier: BSD-2-Clause
// The module's version, as other hosts and the status see it.
#pragma once

#include "base/bytes.hpp"

namespace rt {

inline constexpr Text kModuleVersion = "0.4.0";

} // namespace rt
