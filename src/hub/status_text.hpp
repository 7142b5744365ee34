// SPDX-License-Identifier: BSD-2-Clause
// How the status document is written: JSON objects and arrays in order, and text fit for HTML.
#pragma once

#include "base/text.hpp"
#include "wire/json_write.hpp"

#include <cstdint>
#include <string>

namespace rt::hub {

// Builds one JSON object: members in order, commas where they belong.
class Object {
public:
    explicit Object(std::string &out) : out_(out) { out_ += '{'; }
    ~Object() { out_ += '}'; }
    Object(const Object &) = delete;
    Object &operator=(const Object &) = delete;

    std::string &key(Text name) {
        out_ += empty_ ? "" : ",";
        empty_ = false;
        wire::json::append_string(out_, name);
        out_ += ':';
        return out_;
    }
    void text(Text name, Text value) { wire::json::append_string(key(name), value); }
    void number(Text name, std::uint64_t value) { append_number(key(name), value); }
    void boolean(Text name, bool value) { key(name) += value ? "true" : "false"; }

private:
    std::string &out_;
    bool empty_ = true;
};

// Calls put(out, item) for each, between brackets.
template <class Items, class Put> void put_array(std::string &out, const Items &items, Put put) {
    out += '[';
    for (const auto &item : items) {
        out += &item == &items.front() ? "" : ",";
        put(out, item);
    }
    out += ']';
}

inline void put_escaped(std::string &out, Text text) {
    for (const char c : text) {
        switch (c) {
        case '<':
            out += "&lt;";
            break;
        case '&':
            out += "&amp;";
            break;
        default:
            out += c;
        }
    }
}

} // namespace rt::hub
