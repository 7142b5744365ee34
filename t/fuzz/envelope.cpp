// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a record of the log. What is an envelope is written and read again as the same one.
#include "cluster/envelope.hpp"

using namespace rt;

namespace {

std::string written(const hub::Envelope &envelope) {
    cluster::EnvelopeWriter writer;
    std::string record;
    for (const Bytes piece : writer.encode(envelope)) {
        record += as_text(piece);
    }
    return record;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    hub::Envelope envelope;
    if (!cluster::decode_envelope({data, size}, envelope)) {
        return 0;
    }
    const std::string record = written(envelope);
    hub::Envelope again;
    if (!cluster::decode_envelope(as_bytes(record), again) || written(again) != record) {
        __builtin_trap();
    }
    return 0;
}
