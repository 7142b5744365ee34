// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as replies: in slices they are the same as whole, every byte is consumed or pending,
// no reply is larger than allowed. Input: the size of slices (1 byte), then what Redis says.
#include "wire/resp.hpp"

#include <algorithm>
#include <string>

using namespace rt;
using namespace rt::wire;

namespace {

constexpr RespLimits kLimits{2000, 100};

void must(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

std::size_t show(const RespValue &value, std::string &out) {
    out.push_back(static_cast<char>('A' + static_cast<int>(value.kind())));
    out += std::string(value.text()) + std::to_string(value.integer()) + "," + std::to_string(value.size()) +
           ";";
    std::size_t count = 1;
    std::size_t index = 0;
    for (const RespValue each : value) {
        must(each.kind() != RespKind::none && value[index++].kind() == each.kind());
        count += show(each, out);
    }
    must(index == value.size());
    return count;
}

std::string read(Bytes input, std::size_t slice) {
    RespReader reader(kLimits);
    std::string out;
    std::size_t fed = 0;
    while (fed < input.size() && reader.error().code == Code::ok) {
        const Bytes part = input.subspan(fed, std::min(slice, input.size() - fed));
        const std::string copy(as_text(part)); // of its own: gone when the next slice comes
        reader.feed(as_bytes(copy));
        fed += part.size();
        for (RespValue reply = reader.next(); reply; reply = reader.next()) {
            must(show(reply, out) <= kLimits.values);
            out += std::to_string(reader.consumed()) + "\n";
        }
        must(reader.consumed() + reader.pending() == fed);
        must(reader.error().code != Code::ok || reader.pending() <= (128U << 10));
    }
    return out + std::to_string(static_cast<int>(reader.error().code));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const Bytes input(data + 1, size - 1);
    const std::string whole = read(input, input.size());
    const std::string sliced = read(input, 1U + data[0]);
    must(whole == sliced);
    return 0;
}
