// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as MessagePack: what is read, written again, reads the same; and skip() passes over
// exactly what is there.
#include "wire/msgpack.hpp"

#include <bit>
#include <cstdint>
#include <string>

using namespace rt;
using namespace rt::wire;
using msgpack::Kind;
using msgpack::Token;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

void write(msgpack::Writer &out, const Token &token) {
    switch (token.kind) {
    case Kind::nil:
    case Kind::undefined:
        return out.nil();
    case Kind::boolean:
        return out.boolean(token.truth);
    case Kind::natural:
        return out.natural(token.natural);
    case Kind::integer:
        return out.integer(token.integer);
    case Kind::real:
        return out.number(token.real);
    case Kind::text:
        return out.text(as_text(token.bytes));
    case Kind::bin:
    case Kind::ext:
        return out.bin(token.bytes);
    case Kind::array:
        return out.array(token.count);
    case Kind::map:
        return out.map(token.count);
    case Kind::date:
        return out.date(token.real);
    }
}

// All tokens, written in the shortest forms.
std::string again(Bytes bytes) {
    std::string out;
    msgpack::Writer writer(out);
    for (msgpack::Reader in(bytes); in.next();) {
        check(in.token().count <= bytes.size() && in.token().bytes.size() <= bytes.size());
        write(writer, in.token());
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Bytes bytes(data, size);
    msgpack::Reader values(bytes);
    bool whole = true; // nothing but whole values
    while (whole && !values.at_end()) {
        whole = values.next() && values.skip();
    }
    const std::string once = again(as_bytes(again(bytes))); // no date is written as 1970
    if (whole) {
        msgpack::Reader in(as_bytes(once));
        while (!in.at_end()) {
            check(in.next() && in.skip());
        }
        check(again(as_bytes(once)) == once);
    }
    return 0;
}
