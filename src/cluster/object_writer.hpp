// SPDX-License-Identifier: BSD-2-Clause
// A JSON object, member by member, in the order of the calls.
#pragma once

#include "base/bytes.hpp"
#include "base/text.hpp"
#include "hub/bus.hpp"
#include "wire/json_write.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace rt::cluster {

// ["a","b"]
inline void append_texts(std::string &out, std::span<const Text> texts) {
    out += '[';
    for (const Text &text : texts) {
        out.append(&text == texts.data() ? 0 : 1, ',');
        wire::json::append_string(out, text);
    }
    out += ']';
}

// Begins the object when it is made; end() ends it. Names need no escapes.
class ObjectWriter {
public:
    explicit ObjectWriter(std::string &out) : out_(out) { out_ += '{'; }

    void raw(Text name, Text json) { member(name) += json; }
    void text(Text name, Text value) { wire::json::append_string(member(name), value); }
    void number(Text name, std::uint64_t value) { append_number(member(name), value); }
    void boolean(Text name, bool value) { raw(name, value ? "true" : "false"); }
    void texts(Text name, std::span<const Text> texts) { append_texts(member(name), texts); }

    // The name alone: the caller writes the value.
    std::string &member(Text name) {
        out_ += first_ ? "\"" : ",\"";
        first_ = false;
        out_ += name;
        out_ += "\":";
        return out_;
    }

    void end() { out_ += '}'; }

private:
    std::string &out_;
    bool first_ = true;
};

// {"rooms":[],"except":[]}, with the empty or filled `flags` where they belong.
inline void append_opts(std::string &out, const hub::Envelope &envelope, bool with_flags) {
    ObjectWriter opts(out);
    opts.texts("rooms", envelope.to);
    opts.texts("except", envelope.except);
    if (with_flags) {
        ObjectWriter flags(opts.member("flags"));
        if (envelope.is_volatile) {
            flags.boolean("volatile", true);
        }
        if (envelope.asker.timeout != 0) {
            flags.number("timeout", envelope.asker.timeout);
        }
        flags.end();
    }
    opts.end();
}

} // namespace rt::cluster
