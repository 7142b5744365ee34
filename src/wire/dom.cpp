// SPDX-License-Identifier: BSD-2-Clause
#include "wire/dom.hpp"

#include "base/utf8.hpp"
#include "wire/json_scan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <jansson.h>
#include <utility>

namespace rt::wire {

namespace {

DomFault fault_at(Text text, std::size_t at, Error why) {
    const Text before = text.substr(0, at);
    const Text line = before.substr(before.rfind('\n') + 1); // all, if there is none: npos + 1 is 0
    const auto is_lead = [](char c) { return (c & 0xC0) != 0x80; };
    const auto lines = std::count(before.begin(), before.end(), '\n');
    const auto columns = std::count_if(line.begin(), line.end(), is_lead);
    return {why.code, static_cast<std::uint32_t>(lines + 1), static_cast<std::uint32_t>(columns + 1),
            why.where};
}

// jansson recurses once per level and allocates for every value, so both are bounded before it
// sees the text. On bad text the count means nothing, but up to jansson's first error both read
// the same tokens.
class Census {
public:
    Census(Text text, const DomLimits &limits) noexcept : text_(text), limits_(limits) {}

    DomFault run() {
        if (text_.size() > limits_.bytes) {
            return fault_at({}, 0, {Code::too_big, "the document is too long"});
        }
        if (text_.empty()) {
            return fault_at({}, 0, {Code::protocol, "the document is empty"});
        }
        // No JSON holds a raw NUL, but jansson skips one that stands behind a number or a word.
        const std::size_t nul = text_.find('\0');
        if (nul != Text::npos) {
            return fault_at(text_, nul, {Code::protocol, "NUL in the text"});
        }
        for (std::size_t at = 0; at < text_.size();) {
            count(text_[at]);
            if (depth_ > limits_.depth) {
                return fault_at(text_, at, {Code::too_big, "nested too deep"});
            }
            if (values_ > limits_.values) {
                return fault_at(text_, at, {Code::too_big, "too many values"});
            }
            at = text_[at] == '"' ? json::skip_string(text_, at) : at + 1;
        }
        return {};
    }

private:
    // Every value but the root stands behind a bracket or a comma.
    void count(char c) noexcept {
        switch (c) {
        case '[':
        case '{':
            ++depth_;
            ++values_;
            break;
        case ']':
        case '}':
            depth_ -= depth_ > 0 ? 1 : 0;
            break;
        case ',':
            ++values_;
            break;
        default:
            break;
        }
    }

    Text text_;
    const DomLimits &limits_;
    std::size_t depth_ = 0;
    std::size_t values_ = 1;
};

Code code_of(const json_error_t &error) noexcept {
    switch (json_error_code(&error)) {
    case json_error_out_of_memory:
        return Code::no_memory;
    case json_error_invalid_utf8:
        return Code::bad_utf8;
    default:
        return Code::protocol;
    }
}

DomFault fault_of(const json_error_t &error) {
    std::string message = error.text;
    // What jansson quotes may end inside a character: behind a bad escape it takes one byte.
    while (!is_utf8(as_bytes(message))) {
        message.pop_back();
    }
    return {code_of(error), static_cast<std::uint32_t>(error.line), static_cast<std::uint32_t>(error.column),
            std::move(message)};
}

} // namespace

Text DomNode::text() const noexcept {
    const char *start = json_string_value(value_);
    return start == nullptr ? Text() : Text(start, json_string_length(value_));
}

Result<std::int64_t> DomNode::integer() const noexcept {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(raw_.data(), raw_.data() + raw_.size(), value);
    if (error == std::errc() && stop == raw_.data() + raw_.size()) {
        return value;
    }
    constexpr double exact = 9007199254740992; // 2^53: a double holds all integers up to here
    const double real = json_real_value(value_);
    if (!json_is_real(value_) || std::trunc(real) != real || std::abs(real) > exact) {
        return {Code::protocol, "not an integer"};
    }
    return static_cast<std::int64_t>(real);
}

std::size_t DomNode::size() const noexcept {
    return json_is_object(value_) ? json_object_size(value_) : json_array_size(value_);
}

DomNode DomNode::member(Text key) const noexcept {
    const json_t *value = json_object_getn(value_, key.data(), key.size());
    return value == nullptr ? DomNode() : DomNode(value, json::member(raw_, key));
}

DomNode DomNode::element(std::size_t index) const noexcept {
    const json_t *value = json_array_get(value_, index);
    return value == nullptr ? DomNode() : DomNode(value, json::element(raw_, index));
}

void DomNode::append_compact(std::string &out) const {
    for (std::size_t at = 0; at < raw_.size();) {
        std::size_t end = raw_.find_first_of(" \t\r\n\"", at);
        end = std::min(end, raw_.size());
        if (end < raw_.size() && raw_[end] == '"') {
            end = json::skip_string(raw_, end);
        }
        out.append(raw_.substr(at, end - at));
        at = json::skip_space(raw_, end);
    }
}

std::string DomNode::dump() const {
    std::string out;
    out.reserve(raw_.size());
    append_compact(out);
    return out;
}

DomItems::DomItems(const DomNode &container) noexcept
    : container_(container.value_), elements_(container.raw_), members_(container.raw_) {}

// jansson keeps members in the order of the text and refused duplicates, so both walks agree.
bool DomItems::next() noexcept {
    if (elements_.next()) {
        value_ = DomNode(json_array_get(container_, index_++), elements_.value());
        return true;
    }
    if (!members_.next()) {
        return false;
    }
    json_t *object = const_cast<json_t *>(container_); // jansson's iterators can also write
    member_ = member_ == nullptr ? json_object_iter(object) : json_object_iter_next(object, member_);
    key_ = Text(json_object_iter_key(member_), json_object_iter_key_len(member_));
    value_ = DomNode(json_object_iter_value(member_), members_.value());
    return true;
}

Dom Dom::parse(Text text, const DomLimits &limits) {
    DomFault fault = Census(text, limits).run();
    if (fault.code != Code::ok) {
        return Dom(std::move(fault));
    }
    // All numbers as doubles: an integer over 64 bits would be refused; its digits are in raw().
    constexpr std::size_t flags =
        JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL;
    json_error_t error;
    json_t *tree = json_loadb(text.data(), text.size(), flags, &error);
    return tree == nullptr ? Dom(fault_of(error)) : Dom(tree, json::trim(text));
}

void Dom::Release::operator()(json_t *value) const noexcept { json_decref(value); }

} // namespace rt::wire
