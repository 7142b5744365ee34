// SPDX-License-Identifier: BSD-2-Clause
// Any text: validated, sliced, unescaped, written again, and searched for placeholders.
#include "wire/json.hpp"
#include "base/utf8.hpp"
#include "wire/json_slice.hpp"
#include "wire/json_write.hpp"
#include "wire/placeholders.hpp"

#include <cstdint>
#include <string>

using namespace rt;
using namespace rt::wire;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

bool is_valid(Text text) { return static_cast<bool>(json::validate(text, json::kDefaultDepth)); }

void check_string(Text raw) {
    const std::string plain = json::unescape(raw);
    check(json::equals(raw, plain) && json::Plain(raw).text() == plain);
    check(is_utf8(as_bytes(plain)));
    std::string again;
    json::append_string(again, plain);
    check(is_valid(again) && json::unescape(again) == plain);
}

void check_slices(Text value) {
    check(is_valid(value));
    if (json::kind(value) == json::Kind::string) {
        check_string(value);
    }
    for (json::Elements each(value); each.next();) {
        check_slices(each.value());
    }
    for (json::Members each(value); each.next();) {
        check_string(each.key());
        check_slices(each.value());
        check(!json::member(value, json::unescape(each.key())).empty());
    }
}

// What was renumbered counts from zero and names each attachment.
void check_renumbered(Text value) {
    Renumber renumber;
    std::string out;
    renumber.append(out, value);
    check(is_valid(out));
    check(static_cast<bool>(check_placeholders(out, static_cast<std::uint32_t>(renumber.used().size()))));
}

// Text that nobody validated must not lead out of its bytes.
void touch(Text text) {
    for (json::Elements each(text); each.next();) {
    }
    for (json::Members each(text); each.next();) {
        static_cast<void>(json::equals(each.key(), "name"));
    }
    std::string out;
    Renumber().append(out, text);
    std::string quoted;
    json::append_string(quoted, text);
    check(is_valid(quoted));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text text = json::trim(as_text({data, size}));
    touch(text);
    if (text.size() <= 4096 && is_valid(text)) { // each level is validated again
        check_slices(text);
        check_renumbered(text);
    }
    return 0;
}
