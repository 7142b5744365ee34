// SPDX-License-Identifier: BSD-2-Clause
// For tests of the WebSocket codec: a client that masks its frames, and a sink that writes down
// what it is given.
#pragma once

#include "wire/ws_frame.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace rt::test {

// First bytes: a final frame of the opcode, or one that others follow.
inline constexpr unsigned kText = 0x81, kBinary = 0x82, kClose = 0x88, kPing = 0x89, kPong = 0x8A;
inline constexpr unsigned kTextStart = 0x01, kBinaryStart = 0x02, kMiddle = 0x00, kEnd = 0x80;

// A payload in which every byte has its place.
inline std::string big(std::size_t size) {
    std::string out(size, 'x');
    for (std::size_t i = 0; i < size; ++i) {
        out[i] = static_cast<char>('a' + i % 23);
    }
    return out;
}

// The head of a client's frame. `length` need not be the truth.
inline std::string client_head(unsigned first, std::uint64_t length, std::uint32_t mask = 0x37fa213d) {
    std::array<std::uint8_t, 14> raw{static_cast<std::uint8_t>(first)};
    std::size_t size = 2;
    if (length <= 125) {
        raw[1] = static_cast<std::uint8_t>(0x80 | length);
    } else if (length <= 0xFFFF) {
        raw[1] = 0x80 | 126;
        store_be(&raw[2], static_cast<std::uint16_t>(length));
        size = 4;
    } else {
        raw[1] = 0x80 | 127;
        store_be(&raw[2], length);
        size = 10;
    }
    store_be(&raw[size], mask);
    return std::string(as_text(Bytes(raw).first(size + 4)));
}

// `first` is the frame's first byte: 0x80 FIN, 0x40 RSV1, then the opcode.
inline std::string client_frame(unsigned first, Text payload, std::uint32_t mask = 0x37fa213d) {
    std::string out = client_head(first, payload.size(), mask);
    for (std::size_t i = 0; i < payload.size(); ++i) {
        out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ (mask >> (24 - 8 * (i % 4))));
    }
    return out;
}

// "text(hello) ping() close(1000,bye) " and so on; long payloads by size and checksum.
class Recorder {
public:
    bool on_text(Text text) { return note("text", text) && text != pause_at; }
    bool on_binary(Bytes bytes) { return note("binary", as_text(bytes)); }
    bool on_ping(Bytes bytes) { return note("ping", as_text(bytes)); }
    bool on_pong(Bytes bytes) { return note("pong", as_text(bytes)); }
    bool on_close(std::uint16_t code, Text reason) {
        std::string text = std::to_string(code);
        text.append(",").append(reason);
        return note("close", text);
    }

    static std::string show(Text kind, Text payload) {
        std::string out(kind);
        out += '(';
        if (payload.size() <= 40) {
            out += payload;
        } else {
            std::uint64_t sum = 14695981039346656037u;
            for (const char c : payload) {
                sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211u;
            }
            out += std::to_string(payload.size()) + ":" + std::to_string(sum);
        }
        return out + ") ";
    }

    std::string heard;
    Text pause_at = "pause here";

private:
    bool note(Text kind, Text payload) {
        heard += show(kind, payload);
        return true;
    }
};

// Feeds `input` in pieces of `step` bytes; with `moves` the decoder is frozen and thawed between
// them. Paused pieces are fed again. Returns what the sink heard, then the close code of an error.
struct WsRun {
    std::size_t max_payload = 100000;
    std::size_t step = SIZE_MAX;
    bool moves = false;
    wire::Inflater *inflater = nullptr;

    std::size_t used = 0; // bytes fed when it ended

    std::string operator()(Text input) {
        wire::WsDecoder decoder(max_payload);
        Recorder sink;
        std::string bytes(input);
        const MutableBytes all = as_mutable_bytes(bytes);
        for (used = 0; used < all.size();) {
            const MutableBytes piece = all.subspan(used, std::min(step, all.size() - used));
            const auto eaten = decoder.feed(piece, sink, inflater);
            if (!eaten) {
                used += piece.size();
                return sink.heard + "!" + std::to_string(wire::close_code(eaten.code()));
            }
            used += *eaten;
            if (moves) {
                move(decoder);
            }
        }
        return sink.heard;
    }

    void move(wire::WsDecoder &decoder) const {
        std::string image;
        Writer out(image);
        decoder.freeze(out);
        Reader in(image);
        auto thawed = wire::WsDecoder::thaw(in, max_payload);
        if (thawed && in.at_end()) {
            decoder = std::move(*thawed);
        } else {
            decoder = wire::WsDecoder(0); // refuses all data: the comparison will show it
        }
    }
};

} // namespace rt::test
