// SPDX-License-Identifier: BSD-2-Clause
#include "wire/ws_deflate.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <zlib.h>

namespace rt::wire {

namespace {

constexpr int kRaw = -15; // no zlib header, 32 KiB window
constexpr int kMemLevel = 8;
constexpr std::size_t kStepSize = 16 * 1024;
constexpr std::size_t kKeep = 64 * 1024; // scratch that stays between messages

// Ends every message on the inside, and is left out on the wire (RFC 7692 7.2.1).
constexpr std::array<std::uint8_t, 4> kTail = {0x00, 0x00, 0xFF, 0xFF};

// zlib reads its input through a pointer to non-const and does not write there.
void set_input(z_stream &z, Bytes input) noexcept {
    z.next_in = const_cast<std::uint8_t *>(input.data());
    z.avail_in = static_cast<uInt>(input.size());
}

bool fits(Bytes input) noexcept { return input.size() <= std::numeric_limits<uInt>::max(); }

} // namespace

void Scratch::grow(std::size_t capacity, std::size_t used) {
    if (capacity <= capacity_) {
        return;
    }
    auto bigger = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    std::copy_n(data_.get(), used, bigger.get());
    data_ = std::move(bigger);
    capacity_ = capacity;
}

void Scratch::trim(std::size_t most) noexcept {
    if (capacity_ > most) {
        data_.reset();
        capacity_ = 0;
    }
}

struct Inflater::Stream {
    Stream() { ready = inflateInit2(&z, kRaw) == Z_OK; }
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;
    ~Stream() { inflateEnd(&z); }

    z_stream z{};
    bool ready = false;
    bool ended = false; // a block marked as the last one was the last thing read
};

Inflater::Inflater() = default;
Inflater::~Inflater() = default;

Result<Bytes> Inflater::inflate(Bytes message, std::size_t most) {
    out_.trim(kKeep);
    if (message.empty()) {
        return Bytes{}; // not even one block; common peers read it as an empty message
    }
    RT_TRY(stream, open());
    RT_TRY(used, run(message, 0, most));
    // A sender that ends its stream with a final block has no use for the tail.
    if (stream->ended) {
        return Bytes(out_.data(), used);
    }
    RT_TRY(total, run(kTail, used, most));
    // Bit 7: between two blocks. Anything else is a message cut in the middle.
    if ((stream->z.data_type & 128) == 0) {
        return {Code::bad_utf8, "compressed message is cut short"};
    }
    return Bytes(out_.data(), total);
}

Result<Inflater::Stream *> Inflater::open() {
    if (stream_ == nullptr) {
        stream_ = std::make_unique<Stream>();
    }
    if (!stream_->ready || inflateReset(&stream_->z) != Z_OK) {
        stream_.reset();
        return {Code::no_memory, "no memory to inflate"};
    }
    return stream_.get();
}

// Inflates the input behind `used` bytes of output; returns how many there are then. One byte
// above the bound is room enough to see that the bound is passed.
Result<std::size_t> Inflater::run(Bytes input, std::size_t used, std::size_t most) {
    z_stream &z = stream_->z;
    if (!fits(input)) {
        return {Code::too_big, "compressed message is too big"};
    }
    set_input(z, input);
    for (;;) {
        if (used == out_.capacity()) {
            out_.grow(std::min(std::max(kStepSize, 2 * used), most + 1), used);
        }
        const std::size_t end = std::min({out_.capacity(), most + 1, used + kStepSize});
        z.next_out = out_.data() + used;
        z.avail_out = static_cast<uInt>(end - used);
        const int status = ::inflate(&z, Z_SYNC_FLUSH);
        used = end - z.avail_out;
        if (used > most) {
            return {Code::too_big, "inflated message is too big"};
        }
        if (status == Z_STREAM_END) {
            stream_->ended = true;
            inflateReset(&z); // RFC 7692 7.2.3.4: more blocks may follow a final one
        } else if (status == Z_OK) {
            stream_->ended = false;
        } else if (status != Z_BUF_ERROR) { // which only says that there was nothing to do
            return {Code::bad_utf8, "compressed message is garbage"};
        }
        if (z.avail_in == 0 && z.avail_out != 0) {
            return used;
        }
    }
}

struct Deflater::Stream {
    Stream() {
        ready =
            deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRaw, kMemLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    Stream(const Stream &) = delete;
    Stream &operator=(const Stream &) = delete;
    ~Stream() { deflateEnd(&z); }

    z_stream z{};
    bool ready = false;
};

Deflater::Deflater() = default;
Deflater::~Deflater() = default;

Result<Bytes> Deflater::deflate(Bytes message) {
    out_.trim(kKeep);
    RT_TRY(stream, open());
    z_stream &z = stream->z;
    if (!fits(message)) {
        return {Code::too_big, "message is too big to compress"};
    }
    set_input(z, message);
    const std::size_t bound = deflateBound(&z, static_cast<uLong>(message.size())) + kTail.size();
    out_.grow(std::max(bound, kStepSize), 0);
    std::size_t used = 0;
    do {
        if (used == out_.capacity()) {
            out_.grow(2 * used, used);
        }
        const std::size_t room =
            std::min<std::size_t>(out_.capacity() - used, std::numeric_limits<uInt>::max());
        z.next_out = out_.data() + used;
        z.avail_out = static_cast<uInt>(room);
        ::deflate(&z, Z_SYNC_FLUSH);
        used += room - z.avail_out;
    } while (z.avail_out == 0);
    return Bytes(out_.data(), used - kTail.size());
}

Result<Deflater::Stream *> Deflater::open() {
    if (stream_ == nullptr) {
        stream_ = std::make_unique<Stream>();
    }
    if (!stream_->ready || deflateReset(&stream_->z) != Z_OK) {
        stream_.reset();
        return {Code::no_memory, "no memory to deflate"};
    }
    return stream_.get();
}

} // namespace rt::wire
