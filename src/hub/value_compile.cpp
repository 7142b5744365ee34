// SPDX-License-Identifier: BSD-2-Clause
// From a word of the configuration to a Value.
#include "base/text.hpp"
#include "hub/value.hpp"
#include "wire/json.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace rt::hub {

namespace {

constexpr Text kPrefix = "realtime_";

constexpr std::array<std::pair<Text, Variable>, 12> kNames = {{
    {"app", Variable::app},
    {"namespace", Variable::nsp},
    {"event", Variable::event},
    {"sid", Variable::sid},
    {"user", Variable::user},
    {"transport", Variable::transport},
    {"args", Variable::args},
    {"auth", Variable::auth},
    {"recovered", Variable::recovered},
    {"close_reason", Variable::close_reason},
    {"worker", Variable::worker},
    {"node", Variable::node},
}};

constexpr bool is_name_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::optional<std::uint32_t> position(const std::vector<std::string> *names, Text name) {
    if (names == nullptr) {
        return std::nullopt;
    }
    const auto found =
        std::find_if(names->begin(), names->end(), [&](Text one) { return iequals(one, name); });
    if (found == names->end()) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(found - names->begin());
}

// Inside a JSON string or not, as literal text goes by.
class StringState {
public:
    void feed(Text literal) noexcept {
        for (const char c : literal) {
            step(c);
        }
    }

    [[nodiscard]] bool inside() const noexcept { return inside_; }

private:
    void step(char c) noexcept {
        if (escaped_) {
            escaped_ = false;
        } else if (inside_ && c == '\\') {
            escaped_ = true;
        } else if (c == '"') {
            inside_ = !inside_;
        }
    }

    bool inside_ = false;
    bool escaped_ = false;
};

} // namespace

class ValueCompiler {
public:
    ValueCompiler(Text source, const CompileScope &names) : source_(source), names_(names) {}

    std::variant<Value, Complaint> run() {
        while (at_ < source_.size() && complaint_.empty()) {
            if (source_[at_] == '$') {
                variable();
            } else {
                literal();
            }
        }
        if (!complaint_.empty()) {
            return Complaint{complaint_};
        }
        settle_shape();
        return std::move(value_);
    }

private:
    void literal() {
        const std::size_t end = std::min(source_.find('$', at_), source_.size());
        value_.parts_.push_back({.text = std::string(source_.substr(at_, end - at_))});
        at_ = end;
    }

    void variable() {
        const bool braced = source_.substr(at_ + 1, 1) == "{";
        const std::size_t begin = at_ + (braced ? 2 : 1);
        std::size_t end = begin;
        while (end < source_.size() && is_name_char(source_[end])) {
            ++end;
        }
        const Text name = source_.substr(begin, end - begin);
        if (name.empty() || (name[0] >= '0' && name[0] <= '9')) {
            complaint_ = "invalid variable name in \"" + std::string(source_) + "\"";
        } else if (braced && source_.substr(end, 1) != "}") {
            complaint_ = "the closing bracket in \"" + std::string(name) + "\" variable is missing";
        } else {
            at_ = end + (braced ? 1 : 0);
            named(name);
        }
    }

    void named(Text name) {
        if (iequals(name.substr(0, kPrefix.size()), kPrefix)) {
            if (!own(name.substr(kPrefix.size()))) {
                complaint_ = "unknown variable \"" + std::string(name) + "\"";
            }
        } else if (const auto match = position(names_.event_names, name)) {
            add(Variable::event_matched, *match);
        } else if (const auto nsp_match = position(names_.nsp_names, name)) {
            add(Variable::nsp_matched, *nsp_match);
        } else {
            capture(name);
        }
    }

    // A variable of ours, without its prefix.
    bool own(Text name) {
        for (const auto &[known, kind] : kNames) {
            if (known == name) {
                add(kind);
                return true;
            }
        }
        const auto [kind, rest] = split_once(name, '_');
        if (rest.empty()) {
            return false;
        }
        if (kind == "data") {
            add(Variable::data, 0, rest);
        } else if (kind == "auth") {
            add(Variable::auth_field, 0, rest);
        } else {
            return kind == "arg" && argument(rest);
        }
        return true;
    }

    bool argument(Text digits) {
        const Result<std::uint64_t> number = parse_number(digits);
        if (!number || *number > UINT16_MAX) {
            return false;
        }
        add(Variable::arg, static_cast<std::uint32_t>(*number));
        return true;
    }

    // nginx's variables have no case.
    void capture(Text name) {
        if (names_.captured == nullptr) {
            complaint_ = "variable \"" + std::string(name) + "\" is not available here";
            return;
        }
        auto at = position(names_.captured, name);
        if (!at) {
            names_.captured->push_back(lower(name));
            at = static_cast<std::uint32_t>(names_.captured->size() - 1);
        }
        add(Variable::captured, *at);
    }

    void add(Variable kind, std::uint32_t index = 0, Text field = {}) {
        value_.parts_.push_back({.literal = false, .kind = kind, .index = index, .text = std::string(field)});
    }

    void settle_shape() {
        std::vector<ValuePart> &parts = value_.parts_;
        if (value_.constant()) {
            value_.shape_ = Value::Shape::fixed;
            fix(parts.empty() ? Text{} : Text(parts[0].text));
        } else if (parts.size() == 1 && is_typed(parts[0].kind)) {
            value_.shape_ = Value::Shape::typed;
        } else if (parts[0].literal && is_document()) {
            value_.shape_ = Value::Shape::document;
        }
    }

    void fix(Text text) {
        if (wire::json::is_json_value(text)) {
            value_.json_ = text;
        } else {
            wire::json::append_string(value_.json_, text);
        }
    }

    // Is it JSON whatever the variables hold? Marks those inside strings on the way.
    bool is_document() {
        const std::size_t first = value_.parts_[0].text.find_first_not_of(" \t\r\n");
        if (first == std::string::npos ||
            (value_.parts_[0].text[first] != '{' && value_.parts_[0].text[first] != '[')) {
            return false;
        }
        StringState state;
        std::string probe;
        for (ValuePart &part : value_.parts_) {
            if (part.literal) {
                state.feed(part.text);
                probe += part.text;
            } else if (part.quoted = state.inside(); !part.quoted) {
                probe += "null";
            }
        }
        return wire::json::is_json_value(probe);
    }

    Text source_;
    const CompileScope &names_;
    std::size_t at_ = 0;
    Value value_;
    std::string complaint_;
};

std::variant<Value, Complaint> Value::compile(Text source, const CompileScope &names) {
    return ValueCompiler(source, names).run();
}

bool Value::uses(Variable kind) const noexcept {
    return std::any_of(parts_.begin(), parts_.end(), [kind](const ValuePart &part) {
        return !part.literal &&
               (part.kind == kind || (kind == Variable::auth && part.kind == Variable::auth_field));
    });
}

bool Value::from_client() const noexcept {
    return std::any_of(parts_.begin(), parts_.end(), [](const ValuePart &part) {
        return !part.literal &&
               (is_typed(part.kind) || part.kind == Variable::event || part.kind == Variable::captured ||
                part.kind == Variable::nsp_matched || part.kind == Variable::event_matched);
    });
}

bool Value::constant() const noexcept {
    return std::all_of(parts_.begin(), parts_.end(), [](const ValuePart &part) { return part.literal; });
}

} // namespace rt::hub
