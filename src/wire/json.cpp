// SPDX-License-Identifier: BSD-2-Clause
#include "wire/json.hpp"

#include "base/utf8.hpp"
#include "wire/json_scan.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace rt::wire::json {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// One pass over the text. The open containers are a stack of bits, not of calls: a peer
// chooses how deep it nests.
class Validator {
public:
    Validator(Text text, unsigned max_depth) noexcept
        : text_(text), max_depth_(std::min(max_depth, kMaxDepth)) {}

    Result<void> run() noexcept;

private:
    // What may stand at the place that is read next.
    enum class Want : std::uint8_t { value, value_or_end, key, key_or_end, comma_or_end, nothing };

    bool step() noexcept;
    bool value() noexcept;
    bool key() noexcept;
    bool open(bool object) noexcept;
    bool close() noexcept;
    bool string() noexcept;
    bool escape() noexcept;
    bool number() noexcept;
    bool digits() noexcept;
    bool literal(Text word) noexcept;

    [[nodiscard]] char current() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

    [[nodiscard]] bool in_object() const noexcept {
        return (objects_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0;
    }

    // After a whole value.
    bool done() noexcept {
        want_ = depth_ == 0 ? Want::nothing : Want::comma_or_end;
        return true;
    }

    bool refuse(const char *why) noexcept {
        why_ = why;
        return false;
    }

    Text text_;
    std::size_t at_ = 0;
    unsigned depth_ = 0;
    unsigned max_depth_;
    Want want_ = Want::value;
    const char *why_ = "";
    Code code_ = Code::protocol;
    std::array<std::uint64_t, kMaxDepth / 64> objects_{}; // a bit per level: object or array
};

Result<void> Validator::run() noexcept {
    for (;;) {
        at_ = skip_space(text_, at_);
        if (at_ == text_.size()) {
            break;
        }
        if (!step()) {
            return {code_, why_};
        }
    }
    if (want_ != Want::nothing) {
        return {Code::protocol, "JSON text ends early"};
    }
    return {};
}

bool Validator::step() noexcept {
    const char c = text_[at_];
    switch (want_) {
    case Want::value_or_end:
        return c == ']' ? close() : value();
    case Want::value:
        return value();
    case Want::key_or_end:
        return c == '}' ? close() : key();
    case Want::key:
        return key();
    case Want::comma_or_end:
        if (c != ',') {
            return close();
        }
        ++at_;
        want_ = in_object() ? Want::key : Want::value;
        return true;
    case Want::nothing:
        break;
    }
    return refuse("text after the JSON value");
}

bool Validator::value() noexcept {
    switch (text_[at_]) {
    case '{':
        return open(true);
    case '[':
        return open(false);
    case '"':
        return string() && done();
    case 't':
        return literal("true") && done();
    case 'f':
        return literal("false") && done();
    case 'n':
        return literal("null") && done();
    default:
        return number() && done();
    }
}

bool Validator::key() noexcept {
    if (text_[at_] != '"') {
        return refuse("JSON object without a key");
    }
    if (!string()) {
        return false;
    }
    at_ = skip_space(text_, at_);
    if (current() != ':') {
        return refuse("JSON key without a value");
    }
    ++at_;
    want_ = Want::value;
    return true;
}

bool Validator::open(bool object) noexcept {
    if (depth_ == max_depth_) {
        code_ = Code::too_deep;
        return refuse("JSON is nested too deep");
    }
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
    std::uint64_t &word = objects_[depth_ / 64];
    word = object ? word | bit : word & ~bit;
    ++depth_;
    ++at_;
    want_ = object ? Want::key_or_end : Want::value_or_end;
    return true;
}

bool Validator::close() noexcept {
    if (text_[at_] != (in_object() ? '}' : ']')) {
        return refuse("JSON value without a comma or an end");
    }
    --depth_;
    ++at_;
    return done();
}

// `at_` stands at the opening quote; afterwards behind the closing one.
bool Validator::string() noexcept {
    ++at_;
    for (;;) {
        at_ = skip_plain(text_, at_);
        if (at_ == text_.size()) {
            return refuse("JSON string without an end");
        }
        const char c = text_[at_++];
        if (c == '"') {
            return true;
        }
        if (c != '\\') {
            return refuse("control character in a JSON string");
        }
        if (!escape()) {
            return false;
        }
    }
}

bool Validator::escape() noexcept {
    const char c = current();
    if (c != 'u') {
        ++at_;
        return Text("\"\\/bfnrt").find(c) != Text::npos || refuse("bad JSON escape");
    }
    const Text hex = text_.substr(at_ + 1, 4);
    if (hex.size() != 4 || !std::all_of(hex.begin(), hex.end(), is_hex)) {
        return refuse("bad JSON escape");
    }
    at_ += 5;
    return true;
}

bool Validator::number() noexcept {
    if (current() == '-') {
        ++at_;
    }
    if (current() == '0') {
        ++at_;
    } else if (!digits()) {
        return false;
    }
    if (current() == '.') {
        ++at_;
        if (!digits()) {
            return false;
        }
    }
    if (current() != 'e' && current() != 'E') {
        return true;
    }
    ++at_;
    if (current() == '+' || current() == '-') {
        ++at_;
    }
    return digits();
}

bool Validator::digits() noexcept {
    if (!is_digit(current())) {
        return refuse("bad JSON value");
    }
    while (is_digit(current())) {
        ++at_;
    }
    return true;
}

bool Validator::literal(Text word) noexcept {
    if (text_.substr(at_, word.size()) != word) {
        return refuse("bad JSON value");
    }
    at_ += word.size();
    return true;
}

} // namespace

Result<void> validate(Text text, unsigned max_depth) {
    if (!is_utf8(as_bytes(text))) {
        return {Code::bad_utf8, "JSON is not UTF-8"};
    }
    return Validator(text, max_depth).run();
}

bool is_json_value(Text text) { return static_cast<bool>(validate(text, kDefaultDepth)); }

} // namespace rt::wire::json
