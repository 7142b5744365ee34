// SPDX-License-Identifier: BSD-2-Clause
// Golden vectors: t/data/<name>.json is an array of objects. Tests run at the top of the tree.
#pragma once

#include "tap.hpp"
#include "wire/json.hpp"
#include "wire/json_slice.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace rt::test {

inline std::string read_file(const std::string &path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    std::string text;
    for (int c = 0; file != nullptr && (c = std::fgetc(file.get())) != EOF;) {
        text.push_back(static_cast<char>(c));
    }
    return text;
}

// The objects of a file, each as JSON text; an unreadable file is a failed test.
inline std::vector<std::string> vectors(const std::string &name) {
    const std::string text = read_file("t/data/" + name + ".json");
    std::vector<std::string> cases;
    if (ok(static_cast<bool>(wire::json::validate(text, wire::json::kDefaultDepth)), name + ": read")) {
        const std::string array(wire::json::trim(text));
        for (wire::json::Elements each(array); each.next();) {
            cases.emplace_back(each.value());
        }
    }
    ok(!cases.empty(), name + ": holds cases");
    return cases;
}

// A member of a case: the text of a string, or any other value as its JSON; empty if missing.
inline std::string field(const std::string &object, const char *name) {
    const Text value = wire::json::member(object, name);
    return wire::json::kind(value) == wire::json::Kind::string ? wire::json::unescape(value)
                                                               : std::string(value);
}

// Text that may stand in the name of a test: TAP has its own idea of newlines and of '#'.
inline std::string shown(Text text) {
    std::string out;
    for (const char c : text.substr(0, 60)) {
        out += c < 0x20 || c > 0x7e || c == '#' ? '?' : c;
    }
    return out;
}

// A copy that ends where its memory ends, so that a read behind it is seen.
class Exact {
public:
    explicit Exact(Text text) : size_(text.size()), bytes_(new char[text.size()]) {
        text.copy(bytes_.get(), text.size());
    }
    [[nodiscard]] Text text() const { return {bytes_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<char[]> bytes_;
};

} // namespace rt::test
