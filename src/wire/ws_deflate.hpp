// SPDX-License-Identifier: BSD-2-Clause
// permessage-deflate (RFC 7692) without context takeover in either direction: nothing is kept
// per connection, so one Inflater and one Deflater serve a whole worker.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace rt::wire {

// A scratch buffer that keeps its content when it grows, and is not zeroed.
class Scratch {
public:
    // Makes room for `capacity` bytes; the first `used` survive.
    void grow(std::size_t capacity, std::size_t used);

    // Gives memory back that an unusually large message left.
    void trim(std::size_t most) noexcept;

    [[nodiscard]] std::uint8_t *data() const noexcept { return data_.get(); }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    std::unique_ptr<std::uint8_t[]> data_;
    std::size_t capacity_ = 0;
};

// About 7 KiB and a 32 KiB window from the first message on.
class Inflater {
public:
    Inflater();
    ~Inflater();

    // One whole compressed message, fragments joined. The view lives until the next call.
    // `most` is below SIZE_MAX.
    // too_big: more than `most` bytes come out, found without inflating the rest.
    // bad_utf8 (close 1007, as for any data that is not what its type says): no deflate data.
    Result<Bytes> inflate(Bytes message, std::size_t most);

private:
    struct Stream;

    Result<Stream *> open();
    Result<std::size_t> run(Bytes input, std::size_t used, std::size_t most);

    std::unique_ptr<Stream> stream_;
    Scratch out_;
};

// About 260 KiB from the first message on.
class Deflater {
public:
    Deflater();
    ~Deflater();

    // One message without the 00 00 ff ff at its end (RFC 7692 7.2.1). The view lives until
    // the next call. no_memory: send the message uncompressed.
    Result<Bytes> deflate(Bytes message);

private:
    struct Stream;

    Result<Stream *> open();

    std::unique_ptr<Stream> stream_;
    Scratch out_;
};

} // namespace rt::wire
