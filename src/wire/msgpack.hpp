// SPDX-License-Identifier: BSD-2-Clause
// MessagePack as the official Redis adapter writes it (notepack.io 3), byte for byte, and a
// reader of whatever that library reads. The reader allocates nothing and never recurses.
#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace rt::wire::msgpack {

// Appends values. An array of n is followed by n values, a map of n by n keys and values.
class Writer {
public:
    explicit Writer(std::string &out) noexcept : out_(out) {}

    void nil() { put(0xc0); }
    void boolean(bool value) { put(value ? 0xc3 : 0xc2); }
    void natural(std::uint64_t value);
    void integer(std::int64_t value);

    // As a JavaScript number: whole ones in the shortest integer form, -0 as 0, all others as 64
    // bits of float. From 2^64 on notepack writes rubbish; here it is a float, too.
    void number(double value);

    void text(Text text);
    void bin(Bytes bytes);
    void array(std::size_t count);
    void map(std::size_t count);

    // Milliseconds since 1970: the standard timestamp, in its shortest form.
    void date(double milliseconds);

    // The head of an array or a map whose count was not known when it began: `at` is where its
    // one byte was left free. Moves what follows it if the head is longer.
    void head_at(std::size_t at, bool is_map, std::size_t count);

private:
    void put(unsigned byte) { out_ += static_cast<char>(byte); }
    template <class T> void put_sized(unsigned byte, T value);

    std::string &out_;
};

enum class Kind : std::uint8_t {
    nil,
    undefined, // notepack up to 2
    boolean,
    natural,
    integer, // below zero
    real,
    text,
    bin,
    array,
    map,
    date,
    ext, // of an unknown type
};

// The head of a value; arrays and maps are followed by theirs. Views into the input.
struct Token {
    Kind kind = Kind::nil;
    bool truth = false;
    std::int8_t type = 0;    // of an ext
    std::uint32_t count = 0; // of elements, or of pairs: never more than the input can hold
    std::uint64_t natural = 0;
    std::int64_t integer = 0;
    double real = 0; // of a date: milliseconds since 1970, not always whole, NaN where there is none
    Bytes bytes;     // of text (any bytes), bin, ext
};

class Reader {
public:
    explicit Reader(Bytes input) noexcept : in_(input) {}

    // The next token. False: malformed, or the input ends before it; then it stays false.
    [[nodiscard]] bool next() noexcept;
    [[nodiscard]] const Token &token() const noexcept { return token_; }

    // Passes over the rest of the value that the token is the head of, however deep.
    [[nodiscard]] bool skip() noexcept;

    // Has all of the input been read?
    [[nodiscard]] bool at_end() const noexcept { return in_.empty() && good_; }

private:
    bool set_natural(std::uint64_t value) noexcept;
    bool set_integer(std::int64_t value) noexcept;
    bool set_real(double value) noexcept;
    bool set_date(double milliseconds) noexcept;
    bool set_bytes(Kind kind, std::uint64_t size) noexcept;
    bool set_count(Kind kind, std::uint64_t count) noexcept;
    bool set_ext(std::uint64_t size, bool fixed) noexcept;
    bool set_timestamp() noexcept;
    bool set_old_ext(bool fixed) noexcept;
    bool sized(unsigned byte) noexcept;
    std::uint64_t take(std::size_t width) noexcept;
    bool fail() noexcept;

    Bytes in_; // what is left
    Token token_;
    bool good_ = true;
};

} // namespace rt::wire::msgpack
