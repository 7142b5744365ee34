// SPDX-License-Identifier: BSD-2-Clause
// What a WebSocket takes along: a stream of frames is cut at every byte, the link frozen and thawed
// there, and goes on as if nothing had been. Images that are cut short or torn.
#include "engine/link_image.hpp"
#include "tap.hpp"
#include "wire/ws_deflate.hpp"

#include <utility>

using namespace rt;
using namespace rt::test;

namespace {

constexpr Text kApp = "shop";

// Masked by zeros, so that the payload can be read here.
std::string frame(std::uint8_t first, Text payload) {
    std::string out{static_cast<char>(first), static_cast<char>(0x80 | payload.size())};
    out.append(4, '\0');
    return out.append(payload);
}

struct Sink {
    std::string got;
    bool pauses = false;

    bool add(const char *what, Text data) {
        got.append(what).append(data).append(" ");
        return !pauses;
    }
    bool on_text(Text text) { return add("text:", text); }
    bool on_binary(Bytes data) { return add("binary:", as_text(data)); }
    bool on_ping(Bytes data) { return add("ping:", as_text(data)); }
    bool on_pong(Bytes data) { return add("pong:", as_text(data)); }
    bool on_close(std::uint16_t, Text reason) { return add("close:", reason); }
};

engine::LinkImage link_of(std::size_t max_payload) {
    return {std::string(kApp), 4711, true, 512, wire::WsDecoder(max_payload), {}};
}

std::string frozen(const engine::LinkImage &link) {
    std::string image;
    Writer out(image);
    link.freeze(out);
    return image;
}

// Feeds what the link has not decoded yet, then `more`.
void feed(engine::LinkImage &link, Text more, Sink &sink) {
    wire::Inflater inflater;
    std::string in = std::exchange(link.unread, {}) + std::string(more);
    const auto used = link.decoder.feed(as_mutable_bytes(in), sink, &inflater);
    link.unread = used ? in.substr(*used) : "";
    sink.got += used ? "" : "failed ";
}

std::string stream() {
    wire::Deflater deflater;
    const std::string packed(as_text(*deflater.deflate(as_bytes(Text("aaaaaaaaaaaaaaaaaaaaaaaa")))));
    return frame(0x81, "one") + frame(0x01, "tw") + frame(0x89, "ping") + frame(0x80, "o\xc3\xa4") +
           frame(0xC1, packed) + frame(0x82, "three") +
           frame(0x88, "\x03\xe8"
                       "bye");
}

void every_byte() {
    const std::string whole = stream();
    Sink expected;
    engine::LinkImage alone = link_of(100);
    feed(alone, whole, expected);
    is(expected.got,
       "text:one ping:ping text:two\xc3\xa4 text:aaaaaaaaaaaaaaaaaaaaaaaa binary:three close:bye ",
       "the stream, uncut");
    int wrong = 0;
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        Sink sink;
        engine::LinkImage before = link_of(100);
        feed(before, Text(whole).substr(0, cut), sink);
        const std::string image = frozen(before) + "session";
        Reader in(image);
        Result<engine::LinkImage> after = engine::LinkImage::thaw(in);
        if (!after || in.rest() != "session" || frozen(*after) + "session" != image) {
            ++wrong;
            continue;
        }
        feed(*after, Text(whole).substr(cut), sink);
        wrong += sink.got == expected.got ? 0 : 1;
    }
    is(wrong, 0, "moved at every byte of it");
}

// The decoder was paused: what it has not seen yet travels as it came.
void paused() {
    Sink sink;
    sink.pauses = true;
    engine::LinkImage before = link_of(100);
    feed(before, stream(), sink);
    is(sink.got, "text:one ", "paused after the first message");
    const std::string image = frozen(before);
    Reader in(image);
    Result<engine::LinkImage> after = engine::LinkImage::thaw(in);
    ok(static_cast<bool>(after) && !after->unread.empty(), "the rest came along");
    sink.pauses = false;
    feed(*after, {}, sink);
    ok(sink.got.ends_with("close:bye "), "and is understood there");
}

void names() {
    const std::string image = frozen(link_of(77));
    Reader in(image);
    const Result<engine::LinkImage> after = engine::LinkImage::thaw(in);
    ok(after && after->app == kApp && after->number == 4711 && after->deflate &&
           after->deflate_threshold == 512 && after->decoder.max_payload() == 77,
       "application, number, compression and bound");
}

void broken() {
    Sink sink;
    engine::LinkImage link = link_of(100);
    feed(link, Text(stream()).substr(0, 20), sink);
    link.unread = "unread";
    const std::string image = frozen(link);
    int thawed = 0;
    for (std::size_t size = 0; size < image.size(); ++size) {
        Reader in(Text(image).substr(0, size));
        thawed += engine::LinkImage::thaw(in) ? 1 : 0;
    }
    is(thawed, 0, "no part of an image");
    for (std::size_t at = 0; at < image.size(); ++at) {
        for (const int mask : {0x01, 0x80, 0xff}) {
            std::string bad = image;
            bad[at] = static_cast<char>(bad[at] ^ mask);
            Reader in(bad);
            if (Result<engine::LinkImage> torn = engine::LinkImage::thaw(in); torn) {
                feed(*torn, stream(), sink);
            }
        }
    }
    ok(true, "a torn one does no harm");
}

} // namespace

int main() {
    every_byte();
    paused();
    names();
    broken();
    return rt::test::done();
}
