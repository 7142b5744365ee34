// SPDX-License-Identifier: BSD-2-Clause
// The packet of an envelope's event, as every client of this worker gets it.
#pragma once

#include "hub/bus.hpp"
#include "wire/frame.hpp"

#include <array>
#include <optional>

namespace rt::hub {

// `offset` becomes the event's last argument; empty: none.
[[nodiscard]] Ref<wire::Frame> event_frame(const Envelope &envelope, std::optional<std::uint64_t> id,
                                           Text offset);

// The pieces of such a packet's text: `data` is the event's array.
[[nodiscard]] std::array<Text, 5> event_pieces(Text header, Text data, Text offset) noexcept;

// May this event be replayed? (socket.io, connection state recovery)
[[nodiscard]] inline bool is_recoverable(const Envelope &envelope) noexcept {
    return envelope.op == Op::emit && !envelope.is_volatile && !envelope.asker;
}

// Does it carry its offset? Clients take any string at the end of an event for one, so a
// volatile event that ends in a string has to carry a true one behind it.
[[nodiscard]] bool carries_offset(const Envelope &envelope) noexcept;

} // namespace rt::hub
