// SPDX-License-Identifier: BSD-2-Clause
// permessage-deflate: the examples of RFC 7692, round trips, bombs, and what is cut or garbage.
#include "wire/ws_deflate.hpp"

#include "tap.hpp"

#include <random>
#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;
using wire::Deflater;
using wire::Inflater;
using namespace std::string_literals;

namespace {

constexpr std::size_t kPlenty = 1 << 20;

std::string shown(const Result<Bytes> &result) {
    if (!result) {
        return result.code() == Code::too_big ? "!1009" : result.code() == Code::bad_utf8 ? "!1007" : "!";
    }
    return std::string(as_text(*result));
}

struct Case {
    const char *name;
    std::string packed;
    std::string plain;
    std::size_t most = kPlenty;
};

std::vector<Case> cases() {
    const std::string hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;
    const std::string stored = "\x00\x05\x00\xfa\xffHello\x00"s;
    const std::string final = "\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s;
    return {
        {"7.2.3.1 a compressed message", hello, "Hello"},
        {"7.2.3.3 a stored block", stored, "Hello"},
        {"7.2.3.4 a final block", final, "Hello"},
        {"7.2.3.4 without the byte behind it", final.substr(0, 7), "Hello"},
        {"7.2.3.5 two blocks", "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s, "Hello"},
        {"more after a final block", final.substr(0, 7) + final, "HelloHello"},
        {"a final block between others", "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"s + final,
         "HelloHello"},
        {"an empty message", "\x00"s, ""},
        {"an empty message, fixed codes", "\x02\x00"s, ""},
        {"an empty payload", "", ""},
        {"the bound exactly", hello, "Hello", 5},
        {"over the bound by one", hello, "!1009", 4},
        {"over a bound of zero", hello, "!1009", 0},
        {"nothing under a bound of zero", "\x00"s, "", 0},
        {"stored over the bound", stored, "!1009", 4},
        {"block type 3", "\x07"s, "!1007"},
        {"garbage", "\xff\xfe\xfd\xfc", "!1007"},
        {"garbage behind a message", hello.substr(0, 6) + "\xff\xff\xff\xff", "!1007"},
        {"distance before the beginning", "\x4b\x04\x12\x00"s, "!1007"},
        {"cut in a code", hello.substr(0, 3), "!1007"},
        {"cut in a stored block", stored.substr(0, 7), "!1007"},
        {"stored length that does not fit", "\x00\x05\x00\xfb\xffHello"s, "!1007"},
    };
}

void check_cases() {
    Inflater shared;
    for (const Case &row : cases()) {
        Inflater fresh;
        is(shown(fresh.inflate(as_bytes(row.packed), row.most)), row.plain, row.name);
        is(shown(shared.inflate(as_bytes(row.packed), row.most)), row.plain,
           row.name + ", after all of the above"s);
    }
}

void check_bomb() {
    Deflater deflater;
    const std::string zeroes(50'000'000, '\0');
    const auto packed = deflater.deflate(as_bytes(zeroes));
    const std::string bomb(as_text(*packed));
    ok(bomb.size() < 60000, "50 MB in " + std::to_string(bomb.size()) + " bytes");
    Inflater inflater;
    is(shown(inflater.inflate(as_bytes(bomb), kPlenty)), "!1009", "are refused");
    is(shown(inflater.inflate(as_bytes("\xf2\x48\xcd\xc9\xc9\x07\x00"s), kPlenty)), "Hello", "and forgotten");
    const auto whole = inflater.inflate(as_bytes(bomb), zeroes.size());
    ok(whole && as_text(*whole) == zeroes, "or inflated where they are allowed");
}

std::string text_of(std::mt19937 &random, std::size_t size, unsigned letters) {
    std::string out(size, '\0');
    for (char &c : out) {
        c = static_cast<char>(random() % letters);
    }
    return out;
}

void check_round_trips() {
    std::mt19937 random(1);
    Deflater deflater;
    Inflater inflater;
    for (const std::size_t size : {0, 1, 2, 5, 100, 1000, 16383, 16384, 16385, 65535, 65536, 300000}) {
        for (const unsigned letters : {1, 3, 256}) {
            const std::string plain = text_of(random, size, letters);
            const auto packed = deflater.deflate(as_bytes(plain));
            const auto again = packed ? inflater.inflate(*packed, size) : Result<Bytes>(packed.error());
            ok(again && as_text(*again) == plain,
               std::to_string(size) + " bytes of " + std::to_string(letters) + " letters");
        }
    }
    const std::string plain = "the same words, the same words";
    const std::string first(as_text(*deflater.deflate(as_bytes(plain))));
    is(std::string(as_text(*deflater.deflate(as_bytes(plain)))), first, "a message remembers none before it");
    ok(!Text(first).ends_with("\x00\x00\xff\xff"s), "and has lost its tail");
    is(std::string(as_text(*deflater.deflate({}))), "\x00"s, "an empty message is one byte");
}

// One block, so that no cut falls on the end of one.
void check_cuts() {
    std::mt19937 random(2);
    Deflater deflater;
    Inflater inflater;
    const std::string plain = text_of(random, 3000, 20);
    const std::string packed(as_text(*deflater.deflate(as_bytes(plain))));
    int refused = 0;
    for (std::size_t size = 1; size < packed.size(); ++size) {
        refused += inflater.inflate(as_bytes(packed).first(size), kPlenty) ? 0 : 1;
    }
    is(refused, static_cast<int>(packed.size()) - 1, "every cut is noticed");
}

} // namespace

int main() {
    check_cases();
    check_bomb();
    check_round_trips();
    check_cuts();
    return test::done();
}
