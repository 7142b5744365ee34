// SPDX-License-Identifier: BSD-2-Clause
// An envelope as a record of the log: written in pieces without copying the payload first,
// read as views into the reader's copy.
#pragma once

#include "base/bytes.hpp"
#include "hub/bus.hpp"

#include <string>
#include <vector>

namespace rt::cluster {

// Record kinds of the log. 0 is the ring's own.
inline constexpr std::uint16_t kEnvelopeRecord = 1;

class EnvelopeWriter {
public:
    // The pieces of the record, in order. Valid until the next call, and as long as the
    // envelope's views are.
    std::span<const Bytes> encode(const hub::Envelope &envelope);

    // In the pieces that encode() gave.
    void set_number(std::uint64_t number) noexcept;

private:
    std::string head_;
    std::vector<Bytes> pieces_;
};

// May others have to hear of it? Told without decoding the record.
[[nodiscard]] bool began_here(Bytes record) noexcept;

// Others have to hear of it, and not to miss it (Envelope::number).
[[nodiscard]] inline bool is_numbered(const hub::Envelope &envelope) noexcept {
    return envelope.op == hub::Op::emit && !envelope.remote && !envelope.is_volatile && !envelope.asker;
}

// Fills an envelope whose vectors keep their capacity. False: no envelope.
[[nodiscard]] bool decode_envelope(Bytes record, hub::Envelope &into);

} // namespace rt::cluster
