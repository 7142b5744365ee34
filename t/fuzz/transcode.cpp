// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as JSON to be packed, and as MessagePack to be unpacked: what comes out is valid, and
// from then on packing and unpacking change nothing any more.
#include "wire/transcode.hpp"
#include "wire/json.hpp"
#include "wire/placeholders.hpp"

#include <cstdint>
#include <string>
#include <vector>

using namespace rt;
using namespace rt::wire;

namespace {

struct Unpacked {
    bool good = false;
    std::string json;
    std::vector<Bytes> attachments; // views into what was unpacked
};

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

Unpacked unpack(Bytes bytes) {
    Unpacked out;
    msgpack::Reader in(bytes);
    out.good = static_cast<bool>(append_json(out.json, out.attachments, in, json::kMaxDepth));
    return out;
}

std::string pack(const Unpacked &value) {
    static JsonToMsgpack packer;
    std::string out;
    check(packer.append(out, value.json, value.attachments));
    msgpack::Reader in(as_bytes(out));
    check(in.next() && in.skip() && in.at_end());
    return out;
}

void check_round(const Unpacked &value) {
    check(static_cast<bool>(json::validate(value.json, json::kMaxDepth)));
    const auto count = static_cast<std::uint32_t>(value.attachments.size());
    check(count == 0 || check_placeholders(value.json, count));
    const std::string once = pack(value);
    const Unpacked back = unpack(as_bytes(once));
    check(back.good && pack(back) == once);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Bytes bytes(data, size);
    const bool valid = static_cast<bool>(json::validate(as_text(bytes), json::kMaxDepth));
    static JsonToMsgpack packer;
    const Bytes attachments[] = {bytes, {}};
    for (const std::span<const Bytes> each :
         {std::span<const Bytes>(), std::span<const Bytes>(attachments)}) {
        std::string out;
        const bool packed = packer.append(out, as_text(bytes), each);
        check(packed || (!valid && out.empty()));
        if (packed && valid) {
            const Unpacked back = unpack(as_bytes(out));
            check(back.good || !each.empty());
            if (back.good) {
                check_round(back);
            }
        }
    }
    if (const Unpacked value = unpack(bytes); value.good) {
        check_round(value);
    }
    return 0;
}
