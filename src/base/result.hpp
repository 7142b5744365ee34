// SPDX-License-Identifier: BSD-2-Clause
// Errors as values. A function that can fail returns Result<T>; nothing of ours throws.
// An Error is static text and a code: it may be copied and kept for ever.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <variant>

namespace rt {

// What went wrong, in terms a caller can act on. engine/codes.hpp maps a code to its
// HTTP status, Engine.IO number, WebSocket close code and log level.
enum class Code : std::uint16_t {
    ok,
    need_more,    // not an error of the peer: feed more bytes
    protocol,     // the peer broke the protocol: close its connection
    bad_utf8,     // RFC 6455 8.1: close 1007
    too_big,      // over a configured or announced bound of bytes
    too_deep,     // JSON nested deeper than allowed
    too_many,     // more parts than allowed
    unauthorized, // who is it?
    forbidden,    // known, and may not
    not_found,
    exists,
    busy, // try again later
    full, // a table or zone has no room
    lapped,
    unsupported,
    timeout,
    gone,
    unavailable,
    no_memory,
};

struct Error {
    Code code;
    const char *where; // static text, no secrets, fit for a log line
};

template <class T> class [[nodiscard]] Result {
public:
    Result(T value) noexcept(std::is_nothrow_move_constructible_v<T>)
        : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) noexcept : state_(std::in_place_index<1>, error) {}
    Result(Code code, const char *where) noexcept : Result(Error{code, where}) {}

    explicit operator bool() const noexcept { return state_.index() == 0; }

    // Only after a test for success.
    T &operator*() noexcept { return *std::get_if<0>(&state_); }
    const T &operator*() const noexcept { return *std::get_if<0>(&state_); }
    T *operator->() noexcept { return std::get_if<0>(&state_); }
    const T *operator->() const noexcept { return std::get_if<0>(&state_); }

    // Only after a test for failure.
    [[nodiscard]] Error error() const noexcept { return *std::get_if<1>(&state_); }
    [[nodiscard]] Code code() const noexcept { return *this ? Code::ok : error().code; }

private:
    std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
public:
    Result() = default;
    Result(Error error) noexcept : error_(error) {}
    Result(Code code, const char *where) noexcept : error_{code, where} {}

    explicit operator bool() const noexcept { return error_.code == Code::ok; }
    [[nodiscard]] Error error() const noexcept { return error_; }
    [[nodiscard]] Code code() const noexcept { return error_.code; }

private:
    Error error_{Code::ok, ""};
};

} // namespace rt

// Binds the value of an expression to `name`, or returns its error from the enclosing function.
// Variadic, so that the expression may hold the commas of a template. Two statements: give it a
// block of its own under an `if`.
#define RT_TRY(name, ...)                                                                                    \
    auto name##_or = (__VA_ARGS__);                                                                          \
    if (!name##_or)                                                                                          \
        return name##_or.error();                                                                            \
    auto &name = *name##_or
