// SPDX-License-Identifier: BSD-2-Clause
#include "wire/frame.hpp"

#include "base/base64.hpp"
#include "wire/ws_deflate.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace rt::wire {

namespace {

constexpr char kSeparator = 0x1E; // engine.io-protocol, "Encoding" of a payload

// Copies nothing for an empty view, whose data() may be null.
std::uint8_t *put_bytes(std::uint8_t *at, Bytes bytes) noexcept {
    return std::copy(bytes.begin(), bytes.end(), at);
}

std::uint8_t *put_part(std::uint8_t *at, WsOpcode opcode, Bytes payload) noexcept {
    return put_bytes(at + put_ws_head(at, opcode, payload.size(), false), payload);
}

std::size_t size_of(std::span<const Text> pieces) noexcept {
    std::size_t size = 0;
    for (const Text piece : pieces) {
        size += piece.size();
    }
    return size;
}

std::size_t part_size(std::size_t payload) noexcept { return ws_head_size(payload) + payload; }

std::size_t polling_part_size(bool binary, std::size_t payload) noexcept {
    return binary ? 1 + (payload + 2) / 3 * 4 : payload;
}

// At most `most` bytes of the text, cut between two characters.
Text cut(Text text, std::size_t most) noexcept {
    if (text.size() <= most) {
        return text;
    }
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) {
        --most;
    }
    return text.substr(0, most);
}

// Appends the part, compressed if that makes it smaller; says whether it did.
bool append_twin_part(std::string &out, const WsPart &part, Deflater &deflater) {
    const auto packed = deflater.deflate(part.payload);
    if (!packed || packed->size() >= part.payload.size()) {
        out.append(as_text(part.whole));
        return false;
    }
    std::array<std::uint8_t, kWsHeadMax> head;
    const std::size_t size = put_ws_head(head.data(), part.opcode, packed->size(), true);
    out.append(as_text(Bytes(head).first(size)));
    out.append(as_text(*packed));
    return true;
}

} // namespace

Ref<Frame> Frame::text(std::initializer_list<Text> pieces) { return packet(pieces, {}); }

Ref<Frame> Frame::packet(std::initializer_list<Text> pieces, std::span<const Bytes> attachments) {
    return packet(std::span<const Text>(pieces.begin(), pieces.size()), attachments);
}

Ref<Frame> Frame::packet(std::span<const Text> pieces, std::span<const Bytes> attachments) {
    const std::size_t text_size = size_of(pieces);
    std::size_t size = part_size(text_size);
    for (const Bytes attachment : attachments) {
        size += part_size(attachment.size());
    }
    Ref<Frame> frame = make(size, false);
    std::uint8_t *at = frame->memory();
    at += put_ws_head(at, WsOpcode::text, text_size, false);
    for (const Text piece : pieces) {
        at = put_bytes(at, as_bytes(piece));
    }
    for (const Bytes attachment : attachments) {
        at = put_part(at, WsOpcode::binary, attachment);
    }
    return frame;
}

Ref<Frame> Frame::binary(Bytes payload) {
    Ref<Frame> frame = make(part_size(payload.size()), false);
    put_part(frame->memory(), WsOpcode::binary, payload);
    return frame;
}

void Frame::append_message(std::string &out, WsOpcode opcode, std::span<const Text> pieces) {
    std::array<std::uint8_t, kWsHeadMax> head;
    const std::size_t size = put_ws_head(head.data(), opcode, size_of(pieces), false);
    out.append(as_text(Bytes(head).first(size)));
    for (const Text piece : pieces) {
        out.append(piece);
    }
}

Ref<Frame> Frame::joined(Text messages, std::uint32_t packets) {
    Ref<Frame> frame = make(messages.size(), false);
    frame->packets_ = packets;
    put_bytes(frame->memory(), as_bytes(messages));
    return frame;
}

Ref<Frame> Frame::control(WsOpcode opcode, Bytes payload) {
    payload = payload.first(std::min(payload.size(), kWsControlMax));
    Ref<Frame> frame = make(part_size(payload.size()), true);
    put_part(frame->memory(), opcode, payload);
    return frame;
}

Ref<Frame> Frame::close(std::uint16_t code, Text reason) {
    if (code == kWsNoStatus) {
        return control(WsOpcode::close, {});
    }
    std::array<std::uint8_t, kWsControlMax> payload;
    reason = cut(reason, payload.size() - sizeof(code));
    store_be(payload.data(), code);
    put_bytes(payload.data() + sizeof(code), as_bytes(reason));
    return control(WsOpcode::close, Bytes(payload).first(sizeof(code) + reason.size()));
}

Ref<Frame> Frame::raw(Bytes bytes) {
    Ref<Frame> frame = make(bytes.size(), true);
    put_bytes(frame->memory(), bytes);
    return frame;
}

void Frame::append_polling(std::string &out) const {
    bool first = true;
    each_part([&](bool binary, Bytes payload) {
        if (!first) {
            out += kSeparator;
        }
        first = false;
        if (binary) {
            out += 'b';
            append_base64(out, payload);
        } else {
            out += as_text(payload);
        }
    });
}

std::size_t Frame::polling_size() const noexcept {
    std::size_t parts = 0;
    std::size_t size = 0;
    each_part([&](bool binary, Bytes payload) {
        ++parts;
        size += polling_part_size(binary, payload.size());
    });
    return parts == 0 ? 0 : size + parts - 1;
}

Ref<Frame> Frame::deflated(Deflater &deflater, std::size_t threshold) {
    if (!tried_) {
        tried_ = true;
        twin_ = make_twin(*this, deflater, threshold);
    }
    return twin_ ? twin_ : Ref<Frame>(this);
}

// Null if there is nothing to gain.
Ref<Frame> Frame::make_twin(const Frame &frame, Deflater &deflater, std::size_t threshold) {
    if (frame.ws_only_) {
        return {};
    }
    std::string out;
    bool gained = false;
    for (Bytes rest = frame.ws(); !rest.empty();) {
        const WsPart part = first_ws_part(rest);
        rest = rest.subspan(part.whole.size());
        if (part.payload.size() < threshold) {
            out.append(as_text(part.whole));
        } else if (append_twin_part(out, part, deflater)) {
            gained = true;
        }
    }
    return gained ? raw(as_bytes(out)) : Ref<Frame>();
}

Ref<Frame> Frame::make(std::size_t size, bool ws_only) {
    void *memory = ::operator new(sizeof(Frame) + size);
    return Ref<Frame>(new (memory) Frame(size, ws_only));
}

void Frame::dispose(Frame *frame) noexcept {
    frame->~Frame();
    ::operator delete(static_cast<void *>(frame));
}

} // namespace rt::wire
