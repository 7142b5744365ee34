// SPDX-License-Identifier: BSD-2-Clause
// The way back: MessagePack to JSON.
#include "wire/transcode.hpp"

#include "base/calendar.hpp"
#include "base/text.hpp"
#include "wire/json.hpp"
#include "wire/json_write.hpp"
#include "wire/placeholders.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace rt::wire {

namespace {

using msgpack::Kind;
using msgpack::Token;

constexpr std::int64_t kExact = std::int64_t{1} << 53;

void append_digits(std::string &out, std::int64_t value, int width) {
    std::array<char, 8> digits;
    for (int i = width; i-- > 0; value /= 10) {
        digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    }
    out.append(digits.data(), static_cast<std::size_t>(width));
}

// ECMA-262 21.4.1.32: years outside of four digits have six and a sign.
void append_year(std::string &out, std::int64_t year) {
    if (year >= 0 && year <= 9999) {
        append_digits(out, year, 4);
        return;
    }
    out += year < 0 ? '-' : '+';
    append_digits(out, std::abs(year), 6);
}

// Date.prototype.toISOString, in quotes; null where there is no date.
void append_date(std::string &out, double milliseconds) {
    if (std::isnan(milliseconds)) {
        out += "null";
        return;
    }
    const Moment moment = moment_of(static_cast<std::int64_t>(milliseconds));
    out += '"';
    append_year(out, moment.year);
    struct {
        char before;
        unsigned value;
        int width;
    } const parts[] = {
        {'-', moment.month, 2},  {'-', moment.day, 2},    {'T', moment.hour, 2},
        {':', moment.minute, 2}, {':', moment.second, 2}, {'.', moment.milli, 3},
    };
    for (const auto &part : parts) {
        out += part.before;
        append_digits(out, part.value, part.width);
    }
    out += "Z\"";
}

// One value, however deep, without recursion: a peer chooses how deep it nests.
class JsonMaker {
public:
    JsonMaker(std::string &json, std::vector<Bytes> &attachments, msgpack::Reader &in) noexcept
        : json_(json), attachments_(attachments), in_(in) {}

    Result<void> run(unsigned max_depth) {
        const std::size_t begin = json_.size();
        max_depth_ = std::min(max_depth, json::kMaxDepth);
        bool good = in_.next() && value();
        while (good && depth_ > 0) {
            good = member();
        }
        if (!good) {
            return error_;
        }
        // Plain data in the shape of a placeholder would name an attachment of somebody else.
        if (says_placeholder_ && !attachments_.empty()) {
            return check_placeholders(Text(json_).substr(begin),
                                      static_cast<std::uint32_t>(attachments_.size()));
        }
        return {};
    }

private:
    struct Level {
        std::size_t begin; // of what is inside
        std::uint32_t left;
        bool is_map;
    };

    // The next one of the innermost container, or its end.
    bool member() {
        Level &level = levels_[depth_ - 1];
        const std::size_t before = json_.size();
        if (level.left == 0) {
            json_ += level.is_map ? '}' : ']';
            --depth_;
            return true;
        }
        --level.left;
        if (before > level.begin) {
            json_ += ',';
        }
        if ((level.is_map && !key()) || !in_.next()) {
            return false;
        }
        if (level.is_map && in_.token().kind == Kind::undefined) {
            json_.resize(before);
            return true;
        }
        return value();
    }

    bool key() {
        if (!in_.next()) {
            return false;
        }
        switch (in_.token().kind) {
        case Kind::text:
            json::append_string(json_, as_text(in_.token().bytes));
            says_placeholder_ = says_placeholder_ || as_text(in_.token().bytes) == "_placeholder";
            break;
        case Kind::natural:
        case Kind::integer:
        case Kind::real:
        case Kind::boolean:
        case Kind::nil:
            json_ += '"';
            value();
            json_ += '"';
            break;
        default:
            return false;
        }
        json_ += ':';
        return true;
    }

    bool value() {
        const Token &token = in_.token();
        switch (token.kind) {
        case Kind::nil:
        case Kind::undefined:
            json_ += "null";
            return true;
        case Kind::boolean:
            json_ += token.truth ? "true" : "false";
            return true;
        case Kind::natural:
            return natural(token.natural);
        case Kind::integer:
            return integer(token.integer);
        case Kind::real:
            json::append_number(json_, token.real);
            return true;
        case Kind::text:
            json::append_string(json_, as_text(token.bytes));
            return true;
        case Kind::bin:
            return attachment(token.bytes);
        case Kind::array:
        case Kind::map:
            return open(token.kind == Kind::map, token.count);
        case Kind::date:
            append_date(json_, token.real);
            return true;
        case Kind::ext:
            return ext(token);
        }
        return false;
    }

    bool natural(std::uint64_t value) {
        if (value <= static_cast<std::uint64_t>(kExact)) {
            rt::append_number(json_, value);
        } else {
            json::append_number(json_, static_cast<double>(value));
        }
        return true;
    }

    bool integer(std::int64_t value) {
        if (value >= -kExact) {
            json::append_integer(json_, value);
        } else {
            json::append_number(json_, static_cast<double>(value));
        }
        return true;
    }

    bool attachment(Bytes bytes) {
        json_ += R"({"_placeholder":true,"num":)";
        rt::append_number(json_, attachments_.size());
        json_ += '}';
        attachments_.push_back(bytes);
        return true;
    }

    // As notepack gives it to a program.
    bool ext(const Token &token) {
        json_ += '[';
        json::append_integer(json_, token.type);
        json_ += ',';
        attachment(token.bytes);
        json_ += ']';
        return true;
    }

    bool open(bool is_map, std::uint32_t count) {
        if (depth_ == max_depth_) {
            error_ = {Code::too_deep, "MessagePack is nested too deep"};
            return false;
        }
        json_ += is_map ? '{' : '[';
        levels_[depth_++] = {json_.size(), count, is_map};
        return true;
    }

    std::string &json_;
    std::vector<Bytes> &attachments_;
    msgpack::Reader &in_;
    unsigned max_depth_ = 0;
    unsigned depth_ = 0;
    bool says_placeholder_ = false;
    Error error_{Code::protocol, "malformed MessagePack"};
    std::array<Level, json::kMaxDepth> levels_; // as far as depth_
};

} // namespace

Result<void> append_json(std::string &json, std::vector<Bytes> &attachments, msgpack::Reader &in,
                         unsigned max_depth) {
    return JsonMaker(json, attachments, in).run(max_depth);
}

} // namespace rt::wire
