// SPDX-License-Identifier: BSD-2-Clause
// A configured value: text with $variables, compiled once (docs/directives.md, Values).
// A value that is exactly one typed variable keeps its JSON type and its Buffers; any
// other is text, and text that parses as JSON is that JSON where JSON is wanted.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace rt::hub {

struct Scope;
struct Payload;

// $realtime_<name>, without the prefix.
enum class Variable : std::uint8_t {
    app,
    nsp, // $realtime_namespace
    event,
    sid,
    user,
    transport,
    args,       // typed: the event's arguments, without its name
    arg,        // typed: _arg_N, from 0
    data,       // typed: _data_<field>, of the first argument
    auth,       // typed: {} if the client sent none
    auth_field, // typed: _auth_<field>
    recovered,  // "1" or "0"
    close_reason,
    worker,
    node,
    captured,      // any other nginx variable, taken at the handshake
    nsp_matched,   // a named capture of `namespace ~`
    event_matched, // a named capture of `on ~`
};

[[nodiscard]] constexpr bool is_typed(Variable kind) noexcept {
    return kind == Variable::args || kind == Variable::arg || kind == Variable::data ||
           kind == Variable::auth || kind == Variable::auth_field;
}

// A stretch of a value's source: literal text, or one variable.
struct ValuePart {
    bool literal = true;
    bool quoted = false;           // a variable inside a string of a document
    Variable kind = Variable::app; // unless literal
    std::uint32_t index = 0;       // of the argument, the captured variable or the match
    std::string text;              // literal text, or the field's name
};

// Names that are in scope while a value is compiled.
struct CompileScope {
    std::vector<std::string> *captured = nullptr;          // nginx variables to take at the handshake; grows
    const std::vector<std::string> *nsp_names = nullptr;   // named captures of `namespace ~`, or null
    const std::vector<std::string> *event_names = nullptr; // named captures of `on ~`, or null
};

struct Complaint {
    std::string text; // nginx completes it with file and line
};

class Value {
public:
    Value() = default;

    // `source` is one word of the configuration, unquoted by nginx.
    static std::variant<Value, Complaint> compile(Text source, const CompileScope &names);

    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }

    // As text: typed variables that are JSON strings are unquoted, others are their JSON.
    // Missing is empty.
    [[nodiscard]] std::string text(const Scope &scope) const;

    // As JSON: appends one value, or for $realtime_args all arguments separated by commas.
    // Appends nothing and returns false if the variable is missing. Attachments that the value
    // refers to are added to the payload, which must have none yet, under new numbers.
    [[nodiscard]] bool append_json(const Scope &scope, Payload &out) const;

    // Is it non-empty and not "0" (nginx's `if=` rule)?
    [[nodiscard]] bool truthy(const Scope &scope) const;

    // Does this variable occur? `auth` stands for its fields too.
    [[nodiscard]] bool uses(Variable kind) const noexcept;

    // May a client have a hand in the text? (decisions.md, ruling 19)
    [[nodiscard]] bool from_client() const noexcept;

    // No variable occurs: text() is the same in every scope.
    [[nodiscard]] bool constant() const noexcept;

private:
    friend class ValueCompiler;

    // How the value becomes JSON.
    enum class Shape : std::uint8_t {
        typed,    // exactly one typed variable
        text,     // judged when it is evaluated
        fixed,    // `json_` always
        document, // literal JSON with variables in the places of values or inside strings
    };

    void append_document(const Scope &scope, Payload &out) const;

    std::vector<ValuePart> parts_;
    std::string json_;
    Shape shape_ = Shape::text;
};

} // namespace rt::hub
