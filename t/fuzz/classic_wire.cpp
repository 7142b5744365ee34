// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/classic_wire.hpp"
#include "fuzz/dialect_round.hpp"

#include <cstdint>

using namespace rt;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    static const auto one = cluster::make_classic({.uid = "hostuid_-09", .host = "h0st"});
    static const auto other = cluster::make_classic({.uid = "otheruid_-0", .host = "0th3"});
    constexpr Text channels[] = {"socket.io#/#", "socket.io#/#room#", "socket.io-request#/#",
                                 "socket.io-response#/#"};
    test::check_round(*one, *other, channels, {data, size});
    return 0;
}
