// SPDX-License-Identifier: BSD-2-Clause
#include "hub/value.hpp"

#include "hub/payload.hpp"
#include "hub/scope.hpp"
#include "wire/json.hpp"
#include "wire/json_slice.hpp"
#include "wire/json_write.hpp"
#include "wire/placeholders.hpp"
#include "wire/sio.hpp"

namespace rt::hub {

namespace {

namespace json = wire::json;

constexpr Text kNoAuth = "{}";

Text auth_of(const Scope &scope) noexcept { return scope.auth.empty() ? kNoAuth : scope.auth; }

// The value of a typed variable as the client wrote it; empty if it is missing.
Text slice(const ValuePart &part, const Scope &scope) noexcept {
    switch (part.kind) {
    case Variable::args:
        return wire::sio::split_event(scope.data).args;
    case Variable::arg:
        return json::element(scope.data, std::size_t{part.index} + 1);
    case Variable::data:
        return json::member(json::element(scope.data, 1), part.text);
    case Variable::auth:
        return auth_of(scope);
    default:
        return json::member(auth_of(scope), part.text);
    }
}

template <class T> Text nth(std::span<const T> values, std::uint32_t index) noexcept {
    return index < values.size() ? Text(values[index]) : Text{};
}

// The value of any other variable.
Text plain(const ValuePart &part, const Scope &scope) noexcept {
    switch (part.kind) {
    case Variable::app:
        return scope.app;
    case Variable::nsp:
        return scope.nsp;
    case Variable::event:
        return scope.event;
    case Variable::sid:
        return scope.sid;
    case Variable::user:
        return scope.user;
    case Variable::transport:
        return scope.transport;
    case Variable::recovered:
        return scope.recovered ? "1" : "0";
    case Variable::close_reason:
        return scope.close_reason;
    case Variable::worker:
        return scope.worker;
    case Variable::node:
        return scope.node;
    case Variable::nsp_matched:
        return nth(scope.nsp_matched, part.index);
    case Variable::event_matched:
        return nth(scope.event_matched, part.index);
    default:
        return packed_text(scope.captured, part.index);
    }
}

// As text: a string without its quotes; all arguments as an array.
std::string part_text(const ValuePart &part, const Scope &scope) {
    if (part.literal) {
        return part.text;
    }
    if (!is_typed(part.kind)) {
        return std::string(plain(part, scope));
    }
    const Text value = slice(part, scope);
    if (part.kind == Variable::args) {
        return "[" + std::string(value) + "]";
    }
    return json::kind(value) == json::Kind::string ? json::unescape(value) : std::string(value);
}

// Text where JSON is wanted.
void append_judged(std::string &out, Text text) {
    if (json::is_json_value(text)) {
        out += text;
    } else {
        json::append_string(out, text);
    }
}

// Only the placeholders of a binary event mean anything; elsewhere they are plain data.
bool may_hold_buffers(const ValuePart &part) noexcept {
    return part.kind == Variable::args || part.kind == Variable::arg || part.kind == Variable::data;
}

// Writes one value into a payload, and the attachments that it refers to.
class ValueWriter {
public:
    ValueWriter(const Scope &scope, Payload &out) : scope_(scope), out_(out) {}

    // False, and nothing written, if it is missing.
    bool typed(const ValuePart &part) {
        const Text value = slice(part, scope_);
        if (scope_.attachments.empty() || !may_hold_buffers(part)) {
            out_.json += value;
        } else {
            numbers_.append(out_.json, value);
            take_attachments();
        }
        return !value.empty();
    }

    void part(const ValuePart &part) {
        if (part.literal) {
            out_.json += part.text;
        } else if (part.quoted) {
            inside_string(part_text(part, scope_));
        } else if (!is_typed(part.kind)) {
            append_judged(out_.json, plain(part, scope_));
        } else if (part.kind == Variable::args) {
            out_.json += '[';
            typed(part);
            out_.json += ']';
        } else if (!typed(part)) {
            out_.json += "null";
        }
    }

private:
    void take_attachments() {
        for (std::size_t i = out_.attachments.size(); i < numbers_.used().size(); ++i) {
            out_.attachments.push_back(scope_.attachments[numbers_.used()[i]]);
        }
    }

    void inside_string(Text text) {
        std::string quoted;
        json::append_string(quoted, text);
        out_.json += Text(quoted).substr(1, quoted.size() - 2);
    }

    const Scope &scope_;
    Payload &out_;
    wire::Renumber numbers_;
};

} // namespace

std::string Value::text(const Scope &scope) const {
    if (parts_.size() == 1) {
        return part_text(parts_[0], scope);
    }
    std::string out;
    for (const ValuePart &part : parts_) {
        out += part_text(part, scope);
    }
    return out;
}

bool Value::truthy(const Scope &scope) const {
    const std::string result = text(scope);
    return !result.empty() && result != "0";
}

bool Value::append_json(const Scope &scope, Payload &out) const {
    switch (shape_) {
    case Shape::typed:
        return ValueWriter(scope, out).typed(parts_[0]);
    case Shape::fixed:
        out.json += json_;
        return true;
    case Shape::document:
        append_document(scope, out);
        return true;
    default:
        append_judged(out.json, text(scope));
        return true;
    }
}

// What a client sends stays in its place: it can neither end a string of the document nor add
// a member to it. A placeholder that no attachment stands for would end the receivers'
// connections: then the whole is a string.
void Value::append_document(const Scope &scope, Payload &out) const {
    const std::size_t begin = out.json.size();
    ValueWriter writer(scope, out);
    for (const ValuePart &part : parts_) {
        writer.part(part);
    }
    const auto count = static_cast<std::uint32_t>(out.attachments.size());
    if (count != 0 && !wire::check_placeholders(Text(out.json).substr(begin), count)) {
        out.json.resize(begin);
        out.attachments.clear();
        json::append_string(out.json, text(scope));
    }
}

} // namespace rt::hub
