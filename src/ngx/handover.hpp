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

// May another message be sent at present? `room`: connections that the receivers can take. What
// is in the channel is served by nobody, so it is never more than they take at once.
[[nodiscard]] bool channel_takes_more(std::uint32_t room) noexcept;

// The sender's descriptor stays open, and is its own to close. busy: not sent, try again.
[[nodiscard]] Result<void> send_socket(int socket, Bytes image) noexcept;

struct Parcel {
    int socket = -1; // the receiver's to close
    std::string image;
};

// not_found: nothing is there at present. protocol: a message without meaning, dropped.
[[nodiscard]] Result<Parcel> receive_socket();

} // namespace rt::ngx
