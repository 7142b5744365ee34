// SPDX-License-Identifier: BSD-2-Clause
// WsDecoder: an incremental RFC 6455 decoder for the server's side. It may be fed one byte at a
// time, hands out whole messages, fails at the first wrong byte, and holds no buffer when idle.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/ws_encode.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace rt::wire {

class Inflater;

// Gets whole messages and control frames. Views live until the call returns. False means pause:
// feed() then returns at once. A sink must neither destroy nor feed the decoder that calls it.
template <class Sink>
concept WsSink = requires(Sink &sink, Text text, Bytes bytes, std::uint16_t code) {
    { sink.on_text(text) } -> std::same_as<bool>;
    { sink.on_binary(bytes) } -> std::same_as<bool>;
    { sink.on_ping(bytes) } -> std::same_as<bool>;
    { sink.on_pong(bytes) } -> std::same_as<bool>;
    { sink.on_close(code, text) } -> std::same_as<bool>;
};

class WsDecoder {
public:
    // The bound is for a whole message, fragments joined and inflated; 2 GiB at most.
    explicit WsDecoder(std::size_t max_payload) noexcept;
    WsDecoder(WsDecoder &&other) noexcept;
    WsDecoder &operator=(WsDecoder &&other) noexcept;
    ~WsDecoder();

    // Unmasks `in` in place. Returns how many bytes were used: all of them, unless the sink
    // paused; then the rest is to be fed again (unchanged, and to a thawed copy if need be).
    // An error ends the connection: close with close_code(error.code) and feed no more.
    // After a close frame everything is dropped (RFC 6455 5.5.1).
    // `inflater`: not null if permessage-deflate was negotiated.
    template <WsSink Sink>
    Result<std::size_t> feed(MutableBytes in, Sink &sink, Inflater *inflater = nullptr);

    // Nothing half-received: between messages and between frames.
    [[nodiscard]] bool idle() const noexcept { return head_size_ == 0 && partial_ == nullptr; }

    [[nodiscard]] std::uint32_t max_payload() const noexcept { return max_payload_; }

    // The state between two calls of feed(). The bound is configuration and is given anew.
    void freeze(Writer &out) const;
    static Result<WsDecoder> thaw(Reader &in, std::size_t max_payload);

private:
    struct Partial; // what was collected of a message or control frame

    enum class Stage : std::uint8_t { open, closed, failed };
    enum class What : std::uint8_t { nothing, text, binary, ping, pong, close };

    struct Step {
        What what = What::nothing;
        std::uint16_t code = 0; // of a close frame
        std::size_t used = 0;
        Bytes payload{}; // of a close frame: the reason
    };

    // Decodes up to the next message or control frame, or to the end of `in` (not empty).
    Result<Step> next(MutableBytes in, Inflater *inflater);
    Result<Step> decode(MutableBytes in, Inflater *inflater);
    Result<std::size_t> take_head(Bytes in, bool deflate);
    Result<Step> take_data(Bytes piece, Inflater *inflater);
    Result<Step> take_control(Bytes piece);
    Result<Step> take_close(Bytes payload);
    Result<void> collect(Bytes piece);
    Result<Step> finish(std::uint8_t first, Bytes data, Inflater *inflater);
    Bytes collect_control(Bytes piece);
    Partial &partial();
    void settle() noexcept; // after delivery: frees what was delivered

    [[nodiscard]] Result<void> check_first(bool deflate) const noexcept;
    [[nodiscard]] Result<void> check_second() const noexcept;
    [[nodiscard]] Result<void> check_size() const noexcept;
    [[nodiscard]] bool is_sane() const noexcept;

    [[nodiscard]] std::uint8_t opcode() const noexcept { return head_[0] & 0x0F; }
    [[nodiscard]] bool in_message() const noexcept;
    [[nodiscard]] bool in_payload() const noexcept;
    [[nodiscard]] std::size_t head_need() const noexcept;
    [[nodiscard]] std::uint64_t announced() const noexcept;
    [[nodiscard]] std::uint64_t bound(std::uint8_t first) const noexcept;

    template <WsSink Sink> static bool deliver(const Step &step, Sink &sink);

    std::unique_ptr<Partial> partial_; // only while something is half-received
    std::uint32_t max_payload_;
    std::uint32_t left_ = 0;              // payload bytes still to come in this frame
    std::array<std::uint8_t, 14> head_{}; // the head of the frame being received
    std::uint8_t head_size_ = 0;
    Stage stage_ = Stage::open;
};

template <WsSink Sink> Result<std::size_t> WsDecoder::feed(MutableBytes in, Sink &sink, Inflater *inflater) {
    std::size_t used = 0;
    while (used < in.size()) {
        RT_TRY(step, next(in.subspan(used), inflater));
        used += step.used;
        const bool more = deliver(step, sink);
        settle();
        if (!more) {
            break;
        }
    }
    return used;
}

template <WsSink Sink> bool WsDecoder::deliver(const Step &step, Sink &sink) {
    switch (step.what) {
    case What::nothing:
        return true;
    case What::text:
        return sink.on_text(as_text(step.payload));
    case What::binary:
        return sink.on_binary(step.payload);
    case What::ping:
        return sink.on_ping(step.payload);
    case What::pong:
        return sink.on_pong(step.payload);
    case What::close:
        return sink.on_close(step.code, as_text(step.payload));
    }
    return true;
}

} // namespace rt::wire
