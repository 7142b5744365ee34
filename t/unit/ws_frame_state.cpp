// SPDX-License-Identifier: BSD-2-Clause
// WsDecoder between two reads: what it allocates and holds, pauses, and images that move, also
// cut and changed ones.
#include "wire/ws_frame.hpp"

#include "tap.hpp"
#include "ws_tools.hpp"

#include <cstdlib>
#include <new>

using namespace rt;
using namespace rt::test;
using namespace std::string_literals;

namespace {

std::size_t allocated = 0; // bytes asked for since the start
std::size_t largest = 0;   // the largest piece of them

} // namespace

void *operator new(std::size_t size) {
    allocated += size;
    largest = std::max(largest, size);
    void *memory = std::malloc(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

namespace {

void check_pause() {
    const std::string first = client_frame(kText, "pause here");
    const std::string start = client_frame(kBinaryStart, "half");
    std::string bytes = first + client_frame(kText, "pause here") + start + client_frame(kPing, "p") +
                        client_frame(kEnd, "rest");
    wire::WsDecoder decoder(1000);
    Recorder sink;
    auto used = decoder.feed(as_mutable_bytes(bytes), sink);
    is(*used, first.size(), "a pause ends the call behind the message");
    ok(decoder.idle(), "and leaves nothing behind");
    WsRun run;
    run.step = bytes.size();
    run.moves = true;
    std::string again = bytes.substr(first.size());
    is(run(first + again), "text(pause here) text(pause here) ping(p) binary(halfrest) "s,
       "the rest is fed to a moved decoder");
}

void check_moved_count() {
    std::string input = client_frame(kTextStart, "");
    for (int i = 0; i < 10000; ++i) {
        input += client_frame(kMiddle, "");
    }
    WsRun run{1000, 6 * 1000, true, nullptr};
    is(run(input), "!1008", "empty fragments are counted through moves");
}

void check_memory() {
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += client_frame(kBinary, "0123456789") + client_frame(kPing, "p");
    }
    struct Silent {
        int count = 0;
        bool on_text(Text) { return ++count > 0; }
        bool on_binary(Bytes) { return ++count > 0; }
        bool on_ping(Bytes) { return ++count > 0; }
        bool on_pong(Bytes) { return ++count > 0; }
        bool on_close(std::uint16_t, Text) { return ++count > 0; }
    } sink;
    const auto cost = [&](wire::WsDecoder &decoder, std::string &input) {
        const std::size_t before = allocated;
        (void)decoder.feed(as_mutable_bytes(input), sink);
        return allocated - before;
    };
    wire::WsDecoder decoder(1 << 20);
    is(cost(decoder, many), 0u, "200 messages in one chunk are handed out without an allocation");

    std::string head = client_head(kBinary, 1 << 20);
    is(cost(decoder, head), 0u, "an announced megabyte allocates nothing");

    std::string chunk = big(1000);
    largest = 0;
    (void)decoder.feed(as_mutable_bytes(chunk), sink);
    ok(largest <= 1000, "and the first kilobyte a kilobyte");
    ok(!decoder.idle(), "it is held");
    for (std::size_t got = 1000; got < (1 << 20); got += chunk.size()) {
        chunk = big(std::min<std::size_t>(16384, (1 << 20) - got));
        largest = 0;
        (void)decoder.feed(as_mutable_bytes(chunk), sink);
        if (largest > 2 * (got + chunk.size()) || largest > (1 << 20)) {
            ok(false, "growth at " + std::to_string(got));
        }
    }
    is(sink.count, 201, "the megabyte is delivered");
    ok(decoder.idle(), "an idle decoder holds nothing");

    wire::WsDecoder strict(1000);
    std::string huge = client_head(kBinary, std::uint64_t{1} << 40);
    is(cost(strict, huge), 0u, "2^40 is refused without an allocation");
    ok(!strict.feed(as_mutable_bytes(many), sink), "and nothing is decoded after an error");
}

void check_bound_after_move(Text image) {
    Recorder sink;
    Reader in(image);
    auto thawed = wire::WsDecoder::thaw(in, 4);
    std::string rest = client_frame(kPing, "pingping").substr(9) + client_frame(kEnd, "x");
    const auto used = thawed->feed(as_mutable_bytes(rest), sink);
    ok(!used && used.code() == Code::too_big, "a smaller bound after a move holds for what comes");
}

// Images that are cut or changed must be refused or decode to something, never touch foreign memory.
void check_images() {
    std::string bytes = client_frame(kTextStart, "some text") + client_frame(kPing, "pingping").substr(0, 9);
    wire::WsDecoder decoder(1000);
    Recorder sink;
    (void)decoder.feed(as_mutable_bytes(bytes), sink);
    std::string image;
    Writer out(image);
    decoder.freeze(out);
    for (std::size_t size = 0; size < image.size(); ++size) {
        Reader in(Text(image).substr(0, size));
        if (wire::WsDecoder::thaw(in, 1000)) {
            ok(false, "image cut at " + std::to_string(size));
        }
    }
    int refused = 0;
    for (std::size_t at = 0; at < image.size(); ++at) {
        for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
            std::string copy = image;
            copy[at] = static_cast<char>(copy[at] ^ change);
            Reader in(copy);
            auto thawed = wire::WsDecoder::thaw(in, 1000);
            refused += thawed ? 0 : 1;
            std::string more = big(300);
            if (thawed) {
                (void)thawed->feed(as_mutable_bytes(more), sink);
            }
        }
    }
    ok(refused > 20, "changed images are refused where memory is at stake");
    check_bound_after_move(image);

    std::string lying;
    Writer lie(lying);
    lie.put(std::uint8_t{0});  // open
    lie.put(std::uint8_t{14}); // a whole head
    lie.put(std::array<std::uint8_t, 14>{kPing, 0xFF, 0, 0, 0, 0, 0, 0, 4});
    lie.put(std::uint32_t{1000}); // of a ping's payload to come
    lie.put(std::uint8_t{0});
    Reader in(lying);
    ok(!wire::WsDecoder::thaw(in, 1000), "a ping of 1000 bytes is no image of ours");
}

} // namespace

int main() {
    check_pause();
    check_moved_count();
    check_memory();
    check_images();
    return done();
}
