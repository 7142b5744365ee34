// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as UTF-8 (whole, and cut in two), base64, numbers, queries and lists of tokens.
#include "base/text.hpp"
#include "base/base64.hpp"
#include "base/utf8.hpp"

#include <cstdint>
#include <string>

using namespace rt;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

void check_utf8(Text text) {
    Utf8 whole;
    const bool good = whole.feed(as_bytes(text));
    check((good && whole.complete()) == is_utf8(as_bytes(text)));
    const std::size_t at = text.empty() ? 0 : static_cast<std::uint8_t>(text.front()) % text.size();
    Utf8 cut;
    const bool first = cut.feed(as_bytes(text.substr(0, at)));
    const bool second = cut.feed(as_bytes(text.substr(at)));
    check(second == good && (first || !good) && cut.complete() == whole.complete());
}

// What decodes has one spelling, but for its padding; and all bytes come back.
void check_base64(Text text) {
    if (const Result<std::string> bytes = decode_base64(text); bytes) {
        std::string again;
        append_base64(again, as_bytes(*bytes));
        check(again.starts_with(text) && again.size() - text.size() <= 2);
    }
    std::string url;
    append_base64url(url, as_bytes(text));
    const Result<std::string> back = decode_base64url(url);
    check(back && *back == text);
}

void check_text(Text text) {
    if (const Result<std::uint64_t> number = parse_number(text); number) {
        std::string digits;
        append_number(digits, *number);
        check(text.ends_with(digits) && text.find_first_not_of("0123456789") == Text::npos);
    }
    check(percent_decode(text, true).size() <= text.size());
    check(iequals(lower(text), text) && iequals(text, text));
    check(query_value(text, "sid").size() <= text.size());
    for (Text rest = text; !rest.empty(); rest = split_once(rest, ',').second) {
        const Text token = trim(split_once(rest, ',').first);
        check(has_token(text, token) == !token.empty());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text text = as_text({data, size});
    check_utf8(text);
    check_base64(text);
    if (size <= 1024) { // the tokens are searched for each token
        check_text(text);
    }
    return 0;
}
