// SPDX-License-Identifier: BSD-2-Clause
// JSON text with attachments beside it (hub/payload.hpp) to MessagePack and back, as a Node
// server does it in passing. One pass, no tree, no recursion.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/msgpack.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace rt::wire {

// What notepack makes of JSON.parse's value: numbers are doubles, of equal keys the last one
// counts at the place of the first, keys that are array indices come first. With attachments,
// placeholders become bytes. A lone surrogate becomes U+FFFD. Keeps its scratch.
class JsonToMsgpack {
public:
    // Appends one value. `json` has passed json::validate() once; false: it has not, or nests
    // deeper than json::kMaxDepth, and nothing was appended. Whatever the text, what is appended
    // is well-formed.
    [[nodiscard]] bool append(std::string &out, Text json, std::span<const Bytes> attachments = {});

private:
    struct Open {
        std::size_t head;      // where its one byte was left free
        std::size_t keys;      // of keys_, when it began
        std::size_t count = 0; // elements; keys and values
        std::uint64_t num = 0; // of a placeholder
        bool is_map = false;
        bool placeholder = false; // it says that it is one
        bool indices = false;     // a key is an array index
    };
    // Where a member stands in the output.
    struct Key {
        std::size_t begin;
        std::size_t value;
        std::uint64_t digest; // equal keys have equal ones
        std::size_t end = 0;
        Text text = {};
    };

    bool step();
    bool open(bool is_map);
    bool close(bool is_map);
    bool string();
    bool scalar();
    bool done(Text literal);
    void key(std::size_t begin);
    void note_member(Open &object, Text literal);
    void close_map(const Open &object);
    [[nodiscard]] bool wants_key() const noexcept;
    [[nodiscard]] bool has_equal_keys(std::size_t first);
    [[nodiscard]] bool many_have_equal(std::size_t first);
    std::size_t put_in_order(const Open &object);
    void merge_equal_keys();

    std::string *out_ = nullptr;
    Text in_;
    std::size_t at_ = 0;
    std::span<const Bytes> attachments_;
    std::vector<Open> open_;
    std::vector<Key> keys_; // of all that are open
    std::vector<Key> order_;
    std::string scratch_;
    bool whole_ = false; // the value has ended
};

// Appends the value of which `in` has not yet read anything, as socket.io's encoder would write
// it for a client: a date as its ISO text, what is no number as null, undefined as null or not at
// all; bytes as placeholders, and themselves as views behind what `attachments` holds.
// Errors: protocol (malformed; a key that is no text or number; a placeholder in the value itself
// that names no attachment), too_deep. Then `json` and `attachments` hold a part.
Result<void> append_json(std::string &json, std::vector<Bytes> &attachments, msgpack::Reader &in,
                         unsigned max_depth);

} // namespace rt::wire
