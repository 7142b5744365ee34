// SPDX-License-Identifier: BSD-2-Clause
// `{"_placeholder":true,"num":i}`: where the JSON of a binary packet means its i-th
// attachment. (socket.io-protocol, Packet encoding) All text here is valid JSON.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rt::wire {

// Does every placeholder name one of `attachments`, and is each of those named? In a packet
// that is not binary the same text is plain data: ask only for binary ones.
Result<void> check_placeholders(Text data, std::uint32_t attachments);

// Does this value refer to an attachment at all?
[[nodiscard]] bool has_placeholders(Text value);

// Carries values of one binary packet over into another: each attachment that they use gets
// a new number in the order of first use. A value used twice shares its attachment. For data
// that check_placeholders accepted.
class Renumber {
public:
    // Appends the value with its placeholders renumbered.
    void append(std::string &out, Text value);

    // New number -> number in the packet that the values came from.
    [[nodiscard]] const std::vector<std::uint32_t> &used() const noexcept { return used_; }

private:
    std::uint32_t renumbered(std::uint32_t num);

    std::vector<std::uint32_t> used_;
};

} // namespace rt::wire
