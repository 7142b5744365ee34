// SPDX-License-Identifier: BSD-2-Clause
#include "hub/captures.hpp"

#include "base/text.hpp"

namespace rt::hub {

namespace {

constexpr char kBetween = ','; // in no name of a variable

Text value_of(Text name, const Captures &captures) noexcept {
    Reader values(captures.values);
    for (Text names = captures.names; !names.empty();) {
        const auto [first, rest] = split_once(names, kBetween);
        const Text value = values.get_text();
        if (first == name) {
            return value;
        }
        names = rest;
    }
    return {};
}

} // namespace

std::string captured_names(std::span<const std::string> names) {
    std::string all;
    for (const std::string &name : names) {
        all += name;
        all += kBetween;
    }
    return all;
}

std::string captured_values(Text wanted, const Captures &captures) {
    if (wanted == captures.names) {
        return std::string(captures.values);
    }
    std::string packed;
    Writer out(packed);
    while (!wanted.empty()) {
        const auto [first, rest] = split_once(wanted, kBetween);
        out.put_text(value_of(first, captures));
        wanted = rest;
    }
    return packed;
}

} // namespace rt::hub
