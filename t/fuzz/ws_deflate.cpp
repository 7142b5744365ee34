// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a compressed message: the bound holds, and a used Inflater says what a new one
// says. Any bytes as a message: what is deflated inflates to the same. One byte first: the bound.
#include "wire/ws_deflate.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

using namespace rt;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void check_packed(wire::Inflater &used, Bytes packed, std::size_t most) {
    wire::Inflater fresh;
    const auto a = fresh.inflate(packed, most);
    const auto b = used.inflate(packed, most);
    check(a.code() == b.code());
    if (!a) {
        check(a.code() == Code::too_big || a.code() == Code::bad_utf8);
        return;
    }
    check(a->size() <= most && same(*a, *b));
    wire::Inflater exact;
    check(static_cast<bool>(exact.inflate(packed, a->size())));
    check(a->empty() || exact.inflate(packed, a->size() - 1).code() == Code::too_big);
}

void check_plain(wire::Inflater &inflater, Bytes plain) {
    static wire::Deflater deflater;
    const auto packed = deflater.deflate(plain);
    check(static_cast<bool>(packed));
    const auto again = inflater.inflate(*packed, plain.size());
    check(again && same(*again, plain));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static wire::Inflater inflater;
    if (size == 0) {
        return 0;
    }
    const Bytes input = Bytes(data, size).subspan(1);
    check_packed(inflater, input, std::size_t{1} << (data[0] % 18));
    check_plain(inflater, input);
    return 0;
}
