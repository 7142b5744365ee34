// SPDX-License-Identifier: BSD-2-Clause
// The mail kinds of Relay.
#pragma once

#include "cluster/relay.hpp"

namespace rt::cluster {

inline constexpr std::uint16_t kCallOut = kRelayMail;      // a host and a call for it
inline constexpr std::uint16_t kOutward = kRelayMail + 1;  // a host, a topic and a message for it
inline constexpr std::uint16_t kInward = kRelayMail + 2;   // a message from there
inline constexpr std::uint16_t kHostGone = kRelayMail + 3; // a host

} // namespace rt::cluster
