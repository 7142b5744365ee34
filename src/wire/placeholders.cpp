// SPDX-License-Identifier: BSD-2-Clause
#include "wire/placeholders.hpp"

#include "base/text.hpp"
#include "wire/json_scan.hpp"
#include "wire/json_slice.hpp"

#include <algorithm>

namespace rt::wire {

namespace {

constexpr std::uint32_t kNoNum = UINT32_MAX;

struct Found {
    std::size_t begin;
    std::size_t end;
    std::uint32_t num; // kNoNum: missing, or not written in plain digits
};

std::uint32_t read_num(Text text, std::size_t at) noexcept {
    std::size_t end = at;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') {
        ++end;
    }
    const bool whole =
        end < text.size() && (text[end] == ',' || text[end] == '}' || json::is_space(text[end]));
    const Result<std::uint64_t> num = parse_number(text.substr(at, end - at));
    return whole && num && *num < kNoNum ? static_cast<std::uint32_t>(*num) : kNoNum;
}

// One pass over the text, whatever it nests: looking into each object when it begins would
// read deep text once per level.
class Finder {
public:
    explicit Finder(Text text) : text_(text) {}

    std::vector<Found> run() {
        while (at_ < text_.size()) {
            step();
        }
        return std::move(found_);
    }

private:
    struct Open {
        std::size_t begin;
        std::size_t found_before; // placeholders that were known when it began
        std::uint32_t num = kNoNum;
        bool placeholder = false;
    };

    void step() {
        switch (text_[at_]) {
        case '[':
        case '{':
            open_.push_back({at_++, found_.size()});
            break;
        case ']':
        case '}':
            close();
            break;
        case '"':
            string();
            break;
        default:
            ++at_;
        }
    }

    void close() {
        ++at_;
        if (open_.empty()) {
            return;
        }
        const Open last = open_.back();
        open_.pop_back();
        if (last.placeholder) {
            found_.resize(last.found_before); // what a placeholder contains is not looked at
            found_.push_back({last.begin, at_, last.num});
        }
    }

    void string() {
        const std::size_t end = json::skip_string(text_, at_);
        const Text raw = text_.substr(at_, end - at_);
        at_ = json::skip_space(text_, end);
        if (at_ < text_.size() && text_[at_] == ':' && !open_.empty()) {
            at_ = json::skip_space(text_, at_ + 1);
            key(raw);
        }
    }

    // `at_` stands at the value. Of equal keys the last one counts.
    void key(Text raw) {
        Open &object = open_.back();
        if (json::equals(raw, "_placeholder")) {
            object.placeholder = text_.substr(at_, 4) == "true";
        } else if (json::equals(raw, "num")) {
            object.num = read_num(text_, at_);
        }
    }

    Text text_;
    std::size_t at_ = 0;
    std::vector<Open> open_;
    std::vector<Found> found_;
};

std::vector<Found> find_placeholders(Text value) {
    // An escaped key needs a backslash; most values have neither.
    if (value.find("_placeholder") == Text::npos && value.find('\\') == Text::npos) {
        return {};
    }
    return Finder(value).run();
}

} // namespace

Result<void> check_placeholders(Text data, std::uint32_t attachments) {
    std::vector<bool> named(attachments);
    for (const Found &found : find_placeholders(data)) {
        if (found.num >= attachments) {
            return {Code::protocol, "placeholder of no attachment"};
        }
        named[found.num] = true;
    }
    if (std::find(named.begin(), named.end(), false) != named.end()) {
        return {Code::protocol, "attachment without a placeholder"};
    }
    return {};
}

bool has_placeholders(Text value) { return !find_placeholders(value).empty(); }

void Renumber::append(std::string &out, Text value) {
    std::size_t copied = 0;
    for (const Found &found : find_placeholders(value)) {
        out += value.substr(copied, found.begin - copied);
        out += R"({"_placeholder":true,"num":)";
        append_number(out, renumbered(found.num));
        out += '}';
        copied = found.end;
    }
    out += value.substr(copied);
}

std::uint32_t Renumber::renumbered(std::uint32_t num) {
    const auto at = std::find(used_.begin(), used_.end(), num);
    const auto number = static_cast<std::uint32_t>(at - used_.begin());
    if (at == used_.end()) {
        used_.push_back(num);
    }
    return number;
}

} // namespace rt::wire
