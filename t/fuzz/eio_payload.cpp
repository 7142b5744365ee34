// SPDX-License-Identifier: BSD-2-Clause
// The body of a polling POST: its packets, written again, are the body.
#include "base/base64.hpp"
#include "wire/eio.hpp"
#include "wire/eio_http.hpp"

#include <cstdint>
#include <string>

using namespace rt;
using namespace rt::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text body = as_text({data, size});
    std::string again;
    bool padded = false; // base64 may come with or without padding
    const Result<void> done = eio::decode_payload(body, [&](const eio::Packet &packet) {
        if (!again.empty()) {
            again += eio::kSeparator;
        }
        if (packet.binary) {
            again += 'b';
            append_base64(again, as_bytes(packet.data));
            padded = padded || again.ends_with('=');
        } else {
            again += static_cast<char>('0' + static_cast<int>(packet.type));
            again += packet.data;
        }
        return Result<void>();
    });
    if (done && !padded && again != body) {
        __builtin_trap();
    }
    if (eio::parse_query(body).sid.size() > size) {
        __builtin_trap();
    }
    return 0;
}
