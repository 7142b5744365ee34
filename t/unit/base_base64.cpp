// SPDX-License-Identifier: BSD-2-Clause
// Base64: the vectors of RFC 4648 10, every byte, missing padding, and each kind of bad text.
#include "base/base64.hpp"

#include "tap.hpp"

#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

std::string encoded(Text text) {
    std::string out;
    append_base64(out, as_bytes(text));
    return out;
}

std::string encoded_url(Text text) {
    std::string out;
    append_base64url(out, as_bytes(text));
    return out;
}

bool decodes(Text text, Text expected) {
    const Result<std::string> bytes = decode_base64(text);
    return bytes && *bytes == expected;
}

bool decodes_url(Text text, Text expected) {
    const Result<std::string> bytes = decode_base64url(text);
    return bytes && *bytes == expected;
}

void test_vectors() {
    struct Case {
        Text plain, padded;
    };
    const Case cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xFB\xFF\xFE", "+//+"},
        {Text("\0\0\0\0", 4), "AAAAAA=="},
        {Text("\0\x01\x02\x03\x04", 5), "AAECAwQ="},
    };
    for (const Case &each : cases) {
        const std::string name(each.padded);
        const Text bare = each.padded.substr(0, each.padded.find('='));
        is(encoded(each.plain), each.padded, "encodes " + name);
        ok(decodes(each.padded, each.plain), "decodes " + name);
        ok(decodes(bare, each.plain), "decodes without padding " + name);
    }
    is(encoded_url("\xFB\xFF\xFE\xFF"), "-__-_w", "the URL alphabet, no padding");
    ok(decodes_url("-__-_w", "\xFB\xFF\xFE\xFF"), "and back");
}

// All lengths up to two groups of every kind of byte, and appending to what is there.
void test_round_trip() {
    std::string all;
    for (int byte = 255; byte >= 0; --byte) {
        all.push_back(static_cast<char>(byte));
    }
    int wrong = 0;
    for (std::size_t size = 0; size <= all.size(); ++size) {
        const Text text = Text(all).substr(0, size);
        wrong += decodes(encoded(text), text) && decodes_url(encoded_url(text), text) ? 0 : 1;
    }
    is(wrong, 0, "0 to 256 bytes and back, both alphabets");

    std::string out = "b";
    append_base64(out, as_bytes("hi"));
    is(out, "baGk=", "encoding appends");
}

void test_bad() {
    const Text cases[] = {
        "A",        "AAAAA",    "=",     "==",    "====",     "A===",     "A=",      "AA=",
        "AA=A",     "A=AA",     "AAA==", "AAAA=", "AAAA====", "AA==AAAA", "Zm9v\n",  " Zm9v",
        "Zm 9v",    "Zm9-",     "Zm9_",  "Zm9!",  "Zm9\x80",  "Zm9\xFF",  "Z\x0cJv", "Zm9v*A==",
        "Zm9vZm9*", "*m9vZm9v", "Zg*=",  "Z*==",  "Zh==",     "Zm9=",     "Zm9",     "Zh",
    };
    for (const Text text : cases) {
        const Result<std::string> bytes = decode_base64(text);
        ok(bytes.code() == Code::protocol, "refuses " + std::string(text));
    }
    ok(!decode_base64(Text("Zm9\0", 4)), "refuses NUL");

    const Text url_cases[] = {"Zm9+", "Zm9/", "Zg==", "Zm8=", "A", "Zh", "Zm9"};
    for (const Text text : url_cases) {
        ok(decode_base64url(text).code() == Code::protocol, "URL form refuses " + std::string(text));
    }
}

// One bad character at any place of a long text.
void test_any_place() {
    int accepted = 0;
    for (std::size_t at = 0; at < 32; ++at) {
        std::string text(32, 'A');
        text[at] = '.';
        accepted += decode_base64(text) || decode_base64url(text) ? 1 : 0;
    }
    is(accepted, 0, "a bad character is seen at every place");
}

} // namespace

int main() {
    test_vectors();
    test_round_trip();
    test_bad();
    test_any_place();
    return test::done();
}
