// SPDX-License-Identifier: BSD-2-Clause
// Redis's protocol, RESP2: whole replies out of pieces of bytes, by hiredis' parser into values of
// our own, and commands into a string. What is absurd is refused before it takes memory.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct redisReader;
struct redisReadTask;

namespace rt::wire {

enum class RespKind : std::uint8_t { none, text, status, error, integer, nil, array };

struct RespLimits {
    std::size_t bytes = 64U << 20;    // of one reply; below 4 GiB
    std::uint32_t values = 1'000'000; // of one reply, arrays among them
};

// As the arena holds it: a value, and behind it what is inside of it.
struct RespNode {
    std::int64_t integer = 0;
    std::uint32_t at = 0;     // of its text
    std::uint32_t size = 0;   // of its text, or how many elements it has
    std::uint32_t extent = 1; // values that it consists of, itself among them
    RespKind kind = RespKind::none;
};

// One value of a reply, or none: what is asked of a missing value or of one of another kind is
// answered by nothing (empty, 0), so a path may be followed first and judged once.
class RespValue {
public:
    RespValue() = default;
    RespValue(const RespNode *node, const char *bytes) noexcept : node_(node), bytes_(bytes) {}

    explicit operator bool() const noexcept { return node_ != nullptr; }
    [[nodiscard]] RespKind kind() const noexcept { return node_ == nullptr ? RespKind::none : node_->kind; }
    [[nodiscard]] bool is(RespKind kind) const noexcept { return this->kind() == kind; }

    // Of a bulk string, a status or an error (without its `-`).
    [[nodiscard]] Text text() const noexcept {
        return has_text() ? Text(bytes_ + node_->at, node_->size) : Text();
    }
    [[nodiscard]] std::int64_t integer() const noexcept { return is(RespKind::integer) ? node_->integer : 0; }

    // Elements of an array.
    [[nodiscard]] std::size_t size() const noexcept { return is(RespKind::array) ? node_->size : 0; }
    [[nodiscard]] RespValue operator[](std::size_t index) const noexcept;

    // `for (RespValue each : array)`: linear, unlike a loop over indices.
    class Iterator;
    [[nodiscard]] Iterator begin() const noexcept;
    [[nodiscard]] static Iterator end() noexcept;

private:
    [[nodiscard]] bool has_text() const noexcept {
        return is(RespKind::text) || is(RespKind::status) || is(RespKind::error);
    }

    const RespNode *node_ = nullptr;
    const char *bytes_ = nullptr;
};

class RespValue::Iterator {
public:
    Iterator(const RespNode *node, const char *bytes, std::size_t left) noexcept
        : node_(node), bytes_(bytes), left_(left) {}

    RespValue operator*() const noexcept { return {node_, bytes_}; }
    Iterator &operator++() noexcept {
        --left_;
        node_ += node_->extent;
        return *this;
    }
    bool operator!=(const Iterator &other) const noexcept { return left_ != other.left_; }

private:
    const RespNode *node_;
    const char *bytes_;
    std::size_t left_;
};

inline RespValue::Iterator RespValue::begin() const noexcept {
    return {size() == 0 ? nullptr : node_ + 1, bytes_, size()};
}

inline RespValue::Iterator RespValue::end() noexcept { return {nullptr, nullptr, 0}; }

// Takes bytes as they come, gives whole replies. No allocation per value or, once it is warm, per
// reply. Arrays may be nested 8 deep (hiredis).
class RespReader {
public:
    explicit RespReader(RespLimits limits = {});
    RespReader(const RespReader &) = delete;
    RespReader &operator=(const RespReader &) = delete;
    ~RespReader();

    // Only when next() has returned none. The bytes must live until it does so again.
    void feed(Bytes bytes) noexcept;

    // The next whole reply, whose views live until the next call of anything here. None: it takes
    // more bytes, or error() says why there will be no more replies: protocol, too_big (an
    // announced length, too), too_many, too_deep, no_memory.
    [[nodiscard]] RespValue next();
    [[nodiscard]] Error error() const noexcept { return error_; }

    // Bytes of all that was fed which belong to whole replies that next() has returned; and those
    // behind them. What is pending is kept inside: the rest of a reply is fed without its beginning.
    [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_; }
    [[nodiscard]] std::size_t pending() const noexcept { return static_cast<std::size_t>(fed_ - consumed_); }

    // As new, for another connection.
    void reset();

private:
    struct Release {
        void operator()(redisReader *reader) const noexcept;
    };
    struct Callbacks;

    bool parse();
    bool feed_on();
    [[nodiscard]] std::size_t missing();
    [[nodiscard]] Error fault() const noexcept;
    void forget_reply();
    bool add(const redisReadTask &task, RespNode node, Text text);

    static constexpr std::size_t kDeepest = 9; // of hiredis' stack

    RespLimits limits_;
    std::unique_ptr<redisReader, Release> reader_;
    Bytes input_; // fed, and not yet with hiredis
    std::uint64_t fed_ = 0;
    std::uint64_t consumed_ = 0;
    Error error_{Code::ok, ""};
    Error refusal_{Code::ok, ""}; // by a callback: hiredis knows only "out of memory"
    bool returned_ = false;       // the arena holds a reply that next() gave away
    std::vector<RespNode> nodes_;
    std::string bytes_;
    std::array<std::uint32_t, kDeepest> path_{}; // of the arrays that are being read
};

// Appends one command to `out`: first the number of its words, then each of them.
class RespCommand {
public:
    RespCommand(std::string &out, std::size_t words);

    RespCommand &add(Text word);

    static void append(std::string &out, std::span<const Text> words);
    static void append(std::string &out, std::initializer_list<Text> words) {
        append(out, std::span(words.begin(), words.size()));
    }

private:
    void head(char mark, std::size_t number);

    std::string &out_;
};

} // namespace rt::wire
