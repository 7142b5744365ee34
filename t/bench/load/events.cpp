// SPDX-License-Identifier: BSD-2-Clause
#include "load/events.hpp"

#include <charconv>

namespace bench {

namespace {

constexpr std::size_t kArgument = sizeof("42[\"cast\",\"") - 1;
constexpr std::size_t kDigits = 16;

} // namespace

std::string event_packet(Text name, std::uint32_t argument, std::int64_t due_us) {
    std::string digits = std::to_string(due_us);
    digits.insert(0, kDigits - digits.size(), '0');
    digits.resize(argument, '.');
    return "42[\"" + std::string(name) + "\",\"" + digits + "\"]";
}

std::int64_t due_of(Text packet) noexcept {
    std::int64_t due = 0;
    const Text digits = packet.substr(kArgument, kDigits);
    std::from_chars(digits.data(), digits.data() + digits.size(), due);
    return due;
}

} // namespace bench
