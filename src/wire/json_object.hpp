// SPDX-License-Identifier: BSD-2-Clause
// Writes JSON objects and arrays, member by member, in the order of the calls.
#pragma once

#include "base/text.hpp"
#include "wire/json_write.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace rt::wire::json {

// Calls put(out, item) for each, between brackets.
template <class Items, class Put> void append_array(std::string &out, const Items &items, Put put) {
    out += '[';
    for (const auto &item : items) {
        out.append(&item == &items.front() ? 0 : 1, ',');
        put(out, item);
    }
    out += ']';
}

// Begins the object when it is made and ends it when it goes: until then nobody else may write
// behind its members.
class ObjectWriter {
public:
    explicit ObjectWriter(std::string &out) : out_(out) { out_ += '{'; }
    ~ObjectWriter() { out_ += '}'; }
    ObjectWriter(const ObjectWriter &) = delete;
    ObjectWriter &operator=(const ObjectWriter &) = delete;

    // The name alone: the caller writes the value.
    std::string &member(Text name) {
        out_.append(empty_ ? 0 : 1, ',');
        empty_ = false;
        append_string(out_, name);
        out_ += ':';
        return out_;
    }
    void raw(Text name, Text json) { member(name) += json; }
    void text(Text name, Text value) { append_string(member(name), value); }
    void number(Text name, std::uint64_t value) { rt::append_number(member(name), value); }
    void boolean(Text name, bool value) { raw(name, value ? "true" : "false"); }
    // ["a","b"]
    void texts(Text name, std::span<const Text> texts) { append_array(member(name), texts, append_string); }

private:
    std::string &out_;
    bool empty_ = true;
};

} // namespace rt::wire::json
