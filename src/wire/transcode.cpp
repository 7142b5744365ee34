// SPDX-License-Identifier: BSD-2-Clause
#include "wire/transcode.hpp"

#include "base/text.hpp"
#include "wire/json.hpp"
#include "wire/json_scan.hpp"
#include "wire/json_slice.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <tuple>

namespace rt::wire {

namespace {

constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
constexpr std::uint64_t kNoNum = UINT64_MAX;
constexpr std::uint64_t kNoIndex = UINT64_MAX;

// Up to here a pair of equal keys is looked for without sorting.
constexpr std::size_t kFewKeys = 16;

// Keys that differ by their length or their first bytes differ here.
std::uint64_t digest_of(Text key) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data(), std::min(key.size(), sizeof(word)));
    return word ^ key.size() * 0x9e3779b97f4a7c15;
}

// ECMA-262 6.1.7, array index: an object's members of such names come first, in their order.
std::uint64_t array_index(Text key) noexcept {
    constexpr std::uint64_t most = UINT32_MAX - 1;
    if (key.empty() || key.size() > 10 || (key.front() == '0' && key.size() > 1)) {
        return kNoIndex;
    }
    const Result<std::uint64_t> number = parse_number(key);
    return number && *number <= most ? *number : kNoIndex;
}

// What a string stands for, of which the head stands at `begin`.
Text encoded_text(Text out, std::size_t begin) noexcept {
    const unsigned head = as_bytes(out)[begin];
    const std::size_t width = head < 0xc0 ? 0 : std::size_t{1} << (head - 0xd9);
    return out.substr(begin + 1 + width);
}

// Of a number that is no double: has it grown too big, or vanished? By the place of its first
// digit that counts.
double beyond_double(Text text) noexcept {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const std::size_t e = std::min(text.find_first_of("eE"), text.size());
    const std::size_t point = std::min(text.find('.'), e);
    const std::size_t first = text.find_first_of("123456789");
    Text exponent = text.substr(std::min(e + 1, text.size()));
    const bool shrinks = exponent.starts_with('-');
    exponent.remove_prefix(exponent.starts_with('+') || shrinks ? 1 : 0);
    const Result<std::uint64_t> shift = parse_number(exponent);
    const double places = static_cast<double>(point) - static_cast<double>(std::min(first, e));
    const double by = shift ? static_cast<double>(*shift) : (exponent.empty() ? 0 : 1e18);
    const bool big = first < e && places + (shrinks ? -by : by) > 0;
    const double value = big ? std::numeric_limits<double>::infinity() : 0;
    return negative ? -value : value;
}

bool append_float(msgpack::Writer &out, Text text) {
    double value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (stop != end) {
        return false;
    }
    out.number(error == std::errc() ? value : beyond_double(text));
    return true;
}

// Every number is a double: long integers lose digits as in JavaScript.
bool append_number(msgpack::Writer &out, Text text) {
    const bool negative = text.starts_with('-');
    const Text digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || digits.front() < '0' || digits.front() > '9') {
        return false;
    }
    const Result<std::uint64_t> whole = parse_number(digits);
    if (!whole) {
        return append_float(out, text);
    }
    if (*whole > kExact) {
        const auto value = static_cast<double>(*whole);
        out.number(negative ? -value : value);
    } else {
        const auto value = static_cast<std::int64_t>(*whole);
        out.integer(negative ? -value : value);
    }
    return true;
}

bool ends_scalar(char c) noexcept {
    return c == ',' || c == ']' || c == '}' || c == ':' || json::is_space(c);
}

} // namespace

bool JsonToMsgpack::append(std::string &out, Text json, std::span<const Bytes> attachments) {
    const std::size_t begin = out.size();
    out_ = &out;
    in_ = json;
    at_ = 0;
    attachments_ = attachments;
    open_.clear();
    keys_.clear();
    whole_ = false;
    while ((at_ = json::skip_space(in_, at_)) < in_.size()) {
        if (whole_ || !step()) {
            whole_ = false;
            break;
        }
    }
    if (!whole_) {
        out.resize(begin);
    }
    return whole_;
}

// The text has been checked: commas and colons say nothing that the counts do not.
bool JsonToMsgpack::step() {
    const char c = in_[at_];
    switch (c) {
    case '"':
        return string();
    case ',':
    case ':':
        ++at_;
        return !open_.empty();
    case '{':
    case '[':
        return open(c == '{');
    case '}':
    case ']':
        return close(c == '}');
    default:
        return scalar();
    }
}

bool JsonToMsgpack::open(bool is_map) {
    if (wants_key() || open_.size() == json::kMaxDepth) {
        return false;
    }
    ++at_;
    open_.push_back({.head = out_->size(), .keys = keys_.size(), .is_map = is_map});
    *out_ += '\0';
    return true;
}

bool JsonToMsgpack::close(bool is_map) {
    if (open_.empty() || open_.back().is_map != is_map || (is_map && !wants_key())) {
        return false;
    }
    ++at_;
    const Open last = open_.back();
    open_.pop_back();
    if (is_map) {
        close_map(last);
    } else {
        msgpack::Writer(*out_).head_at(last.head, false, last.count);
    }
    return done({});
}

void JsonToMsgpack::close_map(const Open &object) {
    msgpack::Writer out(*out_);
    if (object.placeholder && object.num < attachments_.size()) {
        out_->resize(object.head);
        out.bin(attachments_[object.num]);
    } else if (object.indices || has_equal_keys(object.keys)) {
        out.head_at(object.head, true, put_in_order(object));
    } else {
        out.head_at(object.head, true, keys_.size() - object.keys);
    }
    keys_.erase(keys_.begin() + static_cast<std::ptrdiff_t>(object.keys), keys_.end());
}

bool JsonToMsgpack::string() {
    const std::size_t begin = out_->size();
    msgpack::Writer out(*out_);
    std::size_t end = json::skip_plain(in_, at_ + 1);
    if (end < in_.size() && in_[end] == '"') {
        out.text(in_.substr(at_ + 1, end - at_ - 1));
        ++end;
    } else {
        end = json::skip_string(in_, at_);
        scratch_.clear();
        json::append_unescaped(scratch_, in_.substr(at_, end - at_));
        out.text(scratch_);
    }
    at_ = end;
    if (wants_key()) {
        key(begin);
        return true;
    }
    return done("\"");
}

bool JsonToMsgpack::scalar() {
    if (wants_key()) {
        return false;
    }
    const std::size_t begin = at_;
    while (at_ < in_.size() && !ends_scalar(in_[at_])) {
        ++at_;
    }
    const Text literal = in_.substr(begin, at_ - begin);
    msgpack::Writer out(*out_);
    if (literal == "null") {
        out.nil();
    } else if (literal == "true" || literal == "false") {
        out.boolean(literal == "true");
    } else if (!append_number(out, literal)) {
        return false;
    }
    return done(literal);
}

// After a whole value. `literal`: the text of a scalar, or anything else for other values.
bool JsonToMsgpack::done(Text literal) {
    if (open_.empty()) {
        whole_ = true;
        return true;
    }
    Open &parent = open_.back();
    ++parent.count;
    if (parent.is_map && !attachments_.empty()) {
        note_member(parent, literal);
    }
    return true;
}

bool JsonToMsgpack::wants_key() const noexcept {
    return !open_.empty() && open_.back().is_map && open_.back().count % 2 == 0;
}

void JsonToMsgpack::key(std::size_t begin) {
    Open &object = open_.back();
    const Text text = encoded_text(*out_, begin);
    ++object.count;
    object.indices = object.indices || array_index(text) != kNoIndex;
    keys_.push_back({.begin = begin, .value = out_->size(), .digest = digest_of(text)});
}

void JsonToMsgpack::note_member(Open &object, Text literal) {
    const Key &last = keys_.back();
    const Text key = encoded_text(Text(*out_).substr(0, last.value), last.begin);
    if (key == "_placeholder") {
        object.placeholder = literal == "true";
    } else if (key == "num") {
        const Result<std::uint64_t> num = parse_number(literal);
        object.num = num ? *num : kNoNum;
    }
}

// Most objects have few members: each is compared with those before it.
bool JsonToMsgpack::has_equal_keys(std::size_t first) {
    if (keys_.size() - first > kFewKeys) {
        return many_have_equal(first);
    }
    bool found = false;
    for (std::size_t one = first + 1; one < keys_.size(); ++one) {
        for (std::size_t other = first; other < one; ++other) {
            found = found || keys_[one].digest == keys_[other].digest;
        }
    }
    return found;
}

bool JsonToMsgpack::many_have_equal(std::size_t first) {
    const auto by_digest = [](const Key &a, const Key &b) { return a.digest < b.digest; };
    const auto same_digest = [](const Key &a, const Key &b) { return a.digest == b.digest; };
    order_.assign(keys_.begin() + static_cast<std::ptrdiff_t>(first), keys_.end());
    std::sort(order_.begin(), order_.end(), by_digest);
    return std::adjacent_find(order_.begin(), order_.end(), same_digest) != order_.end();
}

// The members as JavaScript keeps them; returns how many are left.
std::size_t JsonToMsgpack::put_in_order(const Open &object) {
    const Text out = *out_;
    std::size_t end = out.size();
    order_.assign(keys_.begin() + static_cast<std::ptrdiff_t>(object.keys), keys_.end());
    for (std::size_t i = order_.size(); i-- > 0;) {
        Key &key = order_[i];
        key.end = end;
        end = key.begin;
        key.text = encoded_text(out.substr(0, key.value), key.begin);
        key.digest = array_index(key.text);
    }
    merge_equal_keys();
    scratch_.clear();
    for (const Key &key : order_) {
        const auto key_end = static_cast<std::size_t>(key.text.data() + key.text.size() - out.data());
        scratch_ += out.substr(key.begin, key_end - key.begin);
        scratch_ += out.substr(key.value, key.end - key.value);
    }
    out_->resize(object.head + 1);
    *out_ += scratch_;
    return order_.size();
}

// The first of them keeps its place and gets the value of the last.
void JsonToMsgpack::merge_equal_keys() {
    const auto by_text = [](const Key &a, const Key &b) {
        return std::tie(a.text, a.begin) < std::tie(b.text, b.begin);
    };
    const auto by_place = [](const Key &a, const Key &b) {
        return std::tie(a.digest, a.begin) < std::tie(b.digest, b.begin);
    };
    std::sort(order_.begin(), order_.end(), by_text);
    std::size_t kept = 0;
    for (std::size_t i = 1; i < order_.size(); ++i) {
        if (order_[i].text == order_[kept].text) {
            order_[kept].value = order_[i].value;
            order_[kept].end = order_[i].end;
        } else {
            order_[++kept] = order_[i];
        }
    }
    order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(std::min(kept + 1, order_.size())),
                 order_.end());
    std::sort(order_.begin(), order_.end(), by_place);
}

} // namespace rt::wire
