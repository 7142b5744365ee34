// SPDX-License-Identifier: BSD-2-Clause
// A socket and the image of what lives on it, as one message between workers (SCM_RIGHTS over the
// channel of ngx/process). A message arrives whole, once, at one worker, or stays with its sender.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace rt::ngx {

// At most so many messages are in the channel now. What is in there is served by nobody: there are
// never more than the receivers have room for.
[[nodiscard]] std::uint32_t messages_under_way() noexcept;
// Above this, no more are sent.
inline constexpr std::uint32_t kMostUnderWay = 340;

// The sender's descriptor stays open, and is its own to close. busy: not sent, try again.
[[nodiscard]] Result<void> send_socket(int socket, Bytes image) noexcept;

struct Parcel {
    int socket = -1; // the receiver's to close
    std::string image;
};

// not_found: nothing is there at present. protocol: a message without meaning, dropped.
[[nodiscard]] Result<Parcel> receive_socket();

} // namespace rt::ngx
