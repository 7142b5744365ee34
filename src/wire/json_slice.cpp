// SPDX-License-Identifier: BSD-2-Clause
#include "wire/json_slice.hpp"

#include "wire/json_scan.hpp"

#include <algorithm>

namespace rt::wire::json {

namespace {

// Behind the array or object that starts at `at`.
std::size_t skip_container(Text text, std::size_t at) noexcept {
    std::size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"') {
            at = skip_string(text, at);
            continue;
        }
        ++at;
        if (c == '[' || c == '{') {
            ++depth;
        } else if ((c == ']' || c == '}') && --depth == 0) {
            break;
        }
    }
    return at;
}

bool ends_scalar(char c) noexcept { return c == ',' || c == ']' || c == '}' || is_space(c); }

// Behind the value that starts at `at`, which is inside the text. Always moves on.
std::size_t skip_value(Text text, std::size_t at) noexcept {
    const char c = text[at];
    if (c == '"') {
        return skip_string(text, at);
    }
    if (c == '[' || c == '{') {
        return skip_container(text, at);
    }
    do {
        ++at;
    } while (at < text.size() && !ends_scalar(text[at]));
    return at;
}

// The start of the next value of a container, or the end of the text.
std::size_t skip_to_next(Text text, std::size_t at, char end) noexcept {
    at = skip_space(text, at);
    if (at < text.size() && text[at] == ',') {
        at = skip_space(text, at + 1);
    }
    return at < text.size() && text[at] == end ? text.size() : at;
}

unsigned hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<unsigned>(c - '0');
    }
    return (static_cast<unsigned>(c | 0x20) - 'a' + 10) & 0xf;
}

// The four digits of a \u escape that begins at `at`; 0 where there is none.
unsigned unicode_escape(Text text, std::size_t at) noexcept {
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') {
        return 0;
    }
    unsigned unit = 0;
    for (const char c : text.substr(at + 2, 4)) {
        unit = unit << 4 | hex_digit(c);
    }
    return unit;
}

char simple_escape(char c) noexcept {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

// Yields the text of a raw string piece by piece: runs as they stand, escapes resolved.
class Unescaper {
public:
    explicit Unescaper(Text raw_string) noexcept : text_(raw_string) {
        if (text_.size() >= 2) {
            text_ = text_.substr(1, text_.size() - 2);
        }
    }

    // False at the end.
    bool next() noexcept {
        if (at_ >= text_.size()) {
            return false;
        }
        if (text_[at_] == '\\') {
            resolve();
            return true;
        }
        const std::size_t start = at_;
        at_ = std::min(text_.find('\\', at_), text_.size());
        piece_ = text_.substr(start, at_ - start);
        return true;
    }

    // Valid until next().
    [[nodiscard]] Text piece() const noexcept { return piece_; }

private:
    void resolve() noexcept {
        if (text_.substr(at_, 2) == "\\u") {
            resolve_unicode();
            return;
        }
        buffer_[0] = at_ + 1 < text_.size() ? simple_escape(text_[at_ + 1]) : '\\';
        piece_ = Text(buffer_, 1);
        at_ += 2;
    }

    void resolve_unicode() noexcept {
        std::uint32_t point = unicode_escape(text_, at_);
        at_ += 6;
        if (point >= 0xd800 && point <= 0xdfff) {
            const std::uint32_t low = unicode_escape(text_, at_);
            if (point <= 0xdbff && low >= 0xdc00 && low <= 0xdfff) {
                point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
                at_ += 6;
            } else {
                point = 0xfffd;
            }
        }
        encode(point);
    }

    void encode(std::uint32_t point) noexcept {
        std::size_t size = 0;
        const auto put = [&](std::uint32_t byte) { buffer_[size++] = static_cast<char>(byte); };
        const auto tail = [&](int shift) { put(0x80 | (point >> shift & 0x3f)); };
        if (point < 0x80) {
            put(point);
        } else if (point < 0x800) {
            put(0xc0 | point >> 6);
            tail(0);
        } else if (point < 0x10000) {
            put(0xe0 | point >> 12);
            tail(6);
            tail(0);
        } else {
            put(0xf0 | point >> 18);
            tail(12);
            tail(6);
            tail(0);
        }
        piece_ = Text(buffer_, size);
    }

    Text text_;
    std::size_t at_ = 0;
    Text piece_;
    char buffer_[4];
};

// The inside of a raw string if it stands there as it is meant.
bool is_plain(Text raw_string) noexcept { return raw_string.find('\\') == Text::npos; }

Text unquote(Text raw_string) noexcept {
    return raw_string.size() < 2 ? Text() : raw_string.substr(1, raw_string.size() - 2);
}

} // namespace

Kind kind(Text value) noexcept {
    if (value.empty()) {
        return Kind::none;
    }
    switch (value.front()) {
    case '{':
        return Kind::object;
    case '[':
        return Kind::array;
    case '"':
        return Kind::string;
    case 't':
    case 'f':
        return Kind::boolean;
    case 'n':
        return Kind::null;
    default:
        return Kind::number;
    }
}

Text trim(Text text) noexcept {
    text.remove_prefix(skip_space(text, 0));
    while (!text.empty() && is_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

Text inside(Text container) noexcept { return trim(unquote(container)); }

Elements::Elements(Text array) noexcept : text_(array), at_(kind(array) == Kind::array ? 1 : array.size()) {}

bool Elements::next() noexcept {
    const std::size_t start = skip_to_next(text_, at_, ']');
    if (start == text_.size()) {
        return false;
    }
    at_ = skip_value(text_, start);
    value_ = text_.substr(start, at_ - start);
    return true;
}

Members::Members(Text object) noexcept
    : text_(object), at_(kind(object) == Kind::object ? 1 : object.size()) {}

bool Members::next() noexcept {
    const std::size_t start = skip_to_next(text_, at_, '}');
    if (start == text_.size()) {
        return false;
    }
    const std::size_t end = skip_value(text_, start);
    std::size_t value = skip_space(text_, end);
    value = value < text_.size() ? skip_space(text_, value + 1) : value; // the colon
    if (value == text_.size()) {
        return false;
    }
    at_ = skip_value(text_, value);
    key_ = text_.substr(start, end - start);
    value_ = text_.substr(value, at_ - value);
    return true;
}

Text element(Text array, std::size_t index) noexcept {
    Elements each(array);
    while (each.next()) {
        if (index-- == 0) {
            return each.value();
        }
    }
    return {};
}

Text member(Text object, Text name) noexcept {
    Text found;
    for (Members each(object); each.next();) {
        if (equals(each.key(), name)) {
            found = each.value();
        }
    }
    return found;
}

bool equals(Text raw_string, Text plain) noexcept {
    if (is_plain(raw_string)) {
        return unquote(raw_string) == plain;
    }
    for (Unescaper each(raw_string); each.next();) {
        if (plain.substr(0, each.piece().size()) != each.piece()) {
            return false;
        }
        plain.remove_prefix(each.piece().size());
    }
    return plain.empty();
}

std::string unescape(Text raw_string) {
    std::string out;
    out.reserve(raw_string.size());
    append_unescaped(out, raw_string);
    return out;
}

void append_unescaped(std::string &out, Text raw_string) {
    for (Unescaper each(raw_string); each.next();) {
        out += each.piece();
    }
}

Plain::Plain(Text raw_string) : view_(unquote(raw_string)), copied_(!is_plain(raw_string)) {
    if (copied_) {
        copy_ = unescape(raw_string);
    }
}

} // namespace rt::wire::json
