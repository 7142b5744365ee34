// SPDX-License-Identifier: BSD-2-Clause
// Frame: one immutable encoded packet for every transport and every connection: an Engine.IO
// text packet with its binary attachments, in one allocation. Nothing is copied per connection.
#pragma once

#include "base/bytes.hpp"
#include "base/ref.hpp"
#include "wire/ws_encode.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace rt::wire {

class Deflater;

// Memory: this object, then all parts as finished server-to-client WebSocket frames, the text
// first. Factories copy what they are given. Text must be valid UTF-8.
class Frame final : public Counted<Frame> {
public:
    // One Engine.IO text packet, joined from pieces; its first character is the type digit.
    static Ref<Frame> text(std::initializer_list<Text> pieces);

    // The same, followed by binary messages (engine.io-protocol, "Message").
    static Ref<Frame> packet(std::span<const Text> pieces, std::span<const Bytes> attachments);
    static Ref<Frame> packet(std::initializer_list<Text> pieces, std::span<const Bytes> attachments);

    // An Engine.IO binary message alone.
    static Ref<Frame> binary(Bytes payload);

    // Several packets in one frame: what append_message made of each part, in order.
    static Ref<Frame> joined(Text messages, std::uint32_t packets);
    static void append_message(std::string &out, WsOpcode opcode, std::span<const Text> pieces);

    // For WebSocket only: a control frame. At most 125 bytes of the payload are sent.
    static Ref<Frame> control(WsOpcode opcode, Bytes payload);

    // For WebSocket only: a close frame; kWsNoStatus leaves code and reason out. A reason over
    // 123 bytes is cut at a character.
    static Ref<Frame> close(std::uint16_t code, Text reason);

    // For WebSocket only: bytes as they are, such as the rest of a frame begun elsewhere.
    static Ref<Frame> raw(Bytes bytes);

    // All parts as consecutive complete WebSocket frames. Lives as long as the Frame.
    [[nodiscard]] Bytes ws() const noexcept { return {memory(), size_}; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    // For who counts them.
    [[nodiscard]] std::uint32_t packets() const noexcept { return packets_; }

    // Appends the packets of a long-polling payload, joined by 0x1E, none before the first.
    // A WebSocket-only frame appends nothing: leave out its separator too.
    void append_polling(std::string &out) const;

    // Exactly what append_polling appends; zero for a WebSocket-only frame.
    [[nodiscard]] std::size_t polling_size() const noexcept;

    // Calls visit(bool binary, Bytes payload) for each part: text with its type digit, binary
    // raw. A WebSocket-only frame has none.
    template <class Visitor> void each_part(Visitor visit) const {
        Bytes rest = ws_only_ ? Bytes{} : ws();
        while (!rest.empty()) {
            const WsPart part = first_ws_part(rest);
            visit(part.opcode == WsOpcode::binary, part.payload);
            rest = rest.subspan(part.whole.size());
        }
    }

    // The twin for connections that negotiated permessage-deflate, made by the first caller
    // (whose threshold counts) and shared by all later ones: a WebSocket-only frame in which
    // parts of `threshold` bytes and more are compressed. This very frame if that gains nothing.
    [[nodiscard]] Ref<Frame> deflated(Deflater &deflater, std::size_t threshold);

    // Called by Ref.
    static void dispose(Frame *frame) noexcept;

private:
    Frame(std::size_t size, bool ws_only) noexcept : size_(size), ws_only_(ws_only) {}
    ~Frame() = default;

    static Ref<Frame> make(std::size_t size, bool ws_only);
    static Ref<Frame> make_twin(const Frame &frame, Deflater &deflater, std::size_t threshold);

    // The bytes behind this object, `size_` of them.
    [[nodiscard]] const std::uint8_t *memory() const noexcept {
        return static_cast<const std::uint8_t *>(static_cast<const void *>(this + 1));
    }
    [[nodiscard]] std::uint8_t *memory() noexcept {
        return static_cast<std::uint8_t *>(static_cast<void *>(this + 1));
    }

    std::size_t size_;
    std::uint32_t packets_ = 1;
    Ref<Frame> twin_;
    bool ws_only_;
    bool tried_ = false; // a twin that gained nothing is not tried again
};

} // namespace rt::wire
