// SPDX-License-Identifier: BSD-2-Clause
// JSON documents of the control path: publish and API bodies, key sets. jansson checks the whole
// text and resolves its strings; each node also keeps its slice of the text, so that numbers,
// key order and nested values travel on as they came. Views: the text must outlive the Dom.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/json_slice.hpp"

#include <cstdint>
#include <memory>
#include <string>

struct json_t;

namespace rt::wire {

struct DomLimits {
    std::size_t bytes = 1024 * 1024;
    unsigned depth = 64;          // a scalar has depth 0, `[]` has depth 1
    std::size_t values = 100'000; // jansson takes up to 250 bytes for an empty object
};

// Why a text was refused. Lines and columns count from 1, columns in characters. The message may
// quote a piece of the text: it is for who sent it.
struct DomFault {
    Code code = Code::ok; // too_big (a limit), bad_utf8, no_memory, or protocol
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::string message;
};

// One value, or none: what is asked of a missing node or of one of another kind is answered by
// nothing (empty, 0, false), so a path may be followed first and judged once.
class DomNode {
public:
    DomNode() = default;
    DomNode(const json_t *value, Text raw) noexcept : value_(value), raw_(raw) {}

    explicit operator bool() const noexcept { return value_ != nullptr; }
    [[nodiscard]] json::Kind kind() const noexcept {
        return value_ == nullptr ? json::Kind::none : json::kind(raw_);
    }
    [[nodiscard]] bool is(json::Kind kind) const noexcept { return this->kind() == kind; }

    // A string's text, escapes resolved; it may hold NUL. Lives as long as the Dom.
    [[nodiscard]] Text text() const noexcept;

    // The number where it is whole and fits; `5.0` and `5e3` are whole, as in JavaScript.
    [[nodiscard]] Result<std::int64_t> integer() const noexcept;

    // True for `true` alone.
    [[nodiscard]] bool boolean() const noexcept { return raw_ == "true"; }

    // Elements of an array, members of an object.
    [[nodiscard]] std::size_t size() const noexcept;

    // Linear in the text of this node: to see all, use DomItems.
    [[nodiscard]] DomNode member(Text key) const noexcept;
    [[nodiscard]] DomNode element(std::size_t index) const noexcept;

    // The value as it stands in the document, white space inside included.
    [[nodiscard]] Text raw() const noexcept { return raw_; }

    // The value without white space between its parts; all else as it stands.
    void append_compact(std::string &out) const;
    [[nodiscard]] std::string dump() const;

private:
    friend class DomItems;

    const json_t *value_ = nullptr;
    Text raw_;
};

// Walks an array or object in order: `for (DomItems each(node); each.next();) use(each.value());`
class DomItems {
public:
    explicit DomItems(const DomNode &container) noexcept;
    [[nodiscard]] bool next() noexcept;

    // Of a member, escapes resolved; empty in an array. Lives as long as the Dom.
    [[nodiscard]] Text key() const noexcept { return key_; }
    [[nodiscard]] DomNode value() const noexcept { return value_; }

private:
    const json_t *container_;
    void *member_ = nullptr; // jansson's place in an object
    std::size_t index_ = 0;
    json::Elements elements_;
    json::Members members_;
    Text key_;
    DomNode value_;
};

// A parsed document, or the reason why there is none. Refused besides bad syntax and UTF-8: a
// key twice in one object, NUL in a key, an escape of a lone surrogate, and a number beyond a
// double (1e400). Integers of any length within that are kept by their digits.
class Dom {
public:
    static Dom parse(Text text, const DomLimits &limits);

    explicit operator bool() const noexcept { return tree_ != nullptr; }
    [[nodiscard]] DomNode root() const noexcept { return {tree_.get(), raw_}; }
    [[nodiscard]] const DomFault &fault() const noexcept { return fault_; }

private:
    struct Release {
        void operator()(json_t *value) const noexcept;
    };

    explicit Dom(DomFault fault) noexcept : fault_(std::move(fault)) {}
    Dom(json_t *tree, Text raw) noexcept : tree_(tree), raw_(raw) {}

    std::unique_ptr<json_t, Release> tree_;
    Text raw_;
    DomFault fault_;
};

} // namespace rt::wire
