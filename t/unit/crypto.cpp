// SPDX-License-Identifier: BSD-2-Clause
// SHA-1 against the vectors of FIPS 180, and the comparison of secrets.
#include "wire/crypto.hpp"

#include "tap.hpp"

#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

std::string hex(Bytes bytes) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (const std::uint8_t byte : bytes) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
    }
    return out;
}

void check_sha1() {
    struct Row {
        std::string input;
        const char *digest;
    };
    const Row rows[] = {
        {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
        {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
        {std::string(1000000, 'a'), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
    };
    for (const Row &row : rows) {
        const auto digest = wire::sha1(as_bytes(row.input));
        is(digest ? hex(*digest) : "an error", row.digest,
           "SHA-1 of " + std::to_string(row.input.size()) + " bytes");
    }
}

void check_equal() {
    struct Row {
        Text a, b;
        bool same;
    };
    const Row rows[] = {
        {"", "", true},
        {"secret", "secret", true},
        {"secret", "secreT", false},
        {"Secret", "secret", false},
        {"secret", "", false},
        {"secret", "secre", false},
        {"a", "b", false},
    };
    for (const Row &row : rows) {
        ok(wire::equal_secret(as_bytes(row.a), as_bytes(row.b)) == row.same,
           "'" + std::string(row.a) + "' and '" + std::string(row.b) + "'");
    }
}

} // namespace

int main() {
    check_sha1();
    check_equal();
    return test::done();
}
