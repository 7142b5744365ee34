// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a client's WebSocket: fed whole, byte by byte, in other pieces, and with the
// decoder moved between them, the sink hears the same. Two bytes first: settings and step.
#include "wire/ws_frame.hpp"

#include "unit/ws_tools.hpp"
#include "wire/ws_deflate.hpp"

#include <cstdint>
#include <string>

using namespace rt;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

void check_image(Text input) {
    Reader in(input);
    auto decoder = wire::WsDecoder::thaw(in, 1000);
    if (!decoder) {
        return;
    }
    std::string rest(in.rest());
    test::Recorder sink;
    (void)decoder->feed(as_mutable_bytes(rest), sink);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const unsigned settings = data[0];
    const std::size_t step = std::size_t{data[1]} + 2;
    const Text input = as_text(Bytes(data, size).subspan(2));
    wire::Inflater inflater;
    const std::size_t most = std::size_t{4} << (settings >> 4);
    wire::Inflater *deflate = (settings & 1) != 0 ? &inflater : nullptr;

    const std::string heard = test::WsRun{most, SIZE_MAX, false, deflate}(input);
    check(test::WsRun{most, 1, false, deflate}(input) == heard);
    check(test::WsRun{most, step, false, deflate}(input) == heard);
    check(test::WsRun{most, step + input.size() / 64, true, deflate}(input) == heard);
    check_image(input);
    return 0;
}
