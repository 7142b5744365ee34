// SPDX-License-Identifier: BSD-2-Clause
// Binary packets and the attachments that follow them.
#include "wire/assembler.hpp"
#include "tap.hpp"
#include "vectors.hpp"

#include <string>
#include <vector>

using namespace rt;
using namespace rt::wire;
using rt::test::Exact;
using rt::test::is;
using rt::test::ok;

namespace {

constexpr Text kOne = R"(51-["a",{"_placeholder":true,"num":0}])";
constexpr Text kTwo = R"(52-/n,7["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])";

struct Message {
    bool binary;
    Text bytes;
};

Text name_of(Code code) {
    return code == Code::protocol   ? "protocol"
           : code == Code::too_big  ? "too big"
           : code == Code::too_many ? "too many"
                                    : "other";
}

std::string describe(const Assembled &packet) {
    std::string out = std::string(packet.packet().data.substr(0, 4)) + ':';
    for (const Bytes bytes : packet.attachments()) {
        out += '[' + std::string(as_text(bytes)) + ']';
    }
    return out;
}

std::string take(Assembler &assembler, const Message &message, const AssemblyLimits &limits) {
    const Exact exact(message.bytes); // gone afterwards: what waits must be a copy
    if (message.binary) {
        const Result<std::unique_ptr<Assembled>> packet = assembler.on_binary(as_bytes(exact.text()));
        return !packet ? std::string(name_of(packet.code())) : *packet ? describe(**packet) : "more";
    }
    const Result<std::optional<sio::Packet>> packet = assembler.on_text(exact.text(), limits);
    return !packet ? std::string(name_of(packet.code())) : *packet ? std::string((*packet)->data) : "more";
}

// What comes of a sequence of messages. A connection that moves is frozen and thawed
// between any two of them, and nobody sees it.
std::string run(const std::vector<Message> &messages, const AssemblyLimits &limits, bool moves) {
    Assembler assembler;
    std::string out;
    for (const Message &message : messages) {
        if (moves) {
            std::string image;
            Writer writer(image);
            assembler.freeze(writer);
            Reader reader(image);
            assembler = Assembler();
            out += assembler.thaw(reader) && reader.at_end() ? "" : "not thawed ";
        }
        out += take(assembler, message, limits) + ' ';
    }
    return out + (assembler.waiting() ? "waiting" : "idle");
}

void assembles() {
    const AssemblyLimits limits{{}, 1000};
    const Text event = R"(2["a"])";
    const Text out_of_range = R"(51-["a",{"_placeholder":true,"num":1}])";
    const Text unnamed = R"(52-["a",{"_placeholder":true,"num":0}])";
    struct {
        const char *name;
        std::vector<Message> messages;
        Text expected;
    } const cases[] = {
        {"plain event", {{false, event}}, R"(["a"] idle)"},
        {"one attachment", {{false, kOne}, {true, "x"}}, R"(more ["a":[x] idle)"},
        {"two attachments", {{false, kTwo}, {true, "x"}, {true, ""}}, R"(more more ["a":[x][] idle)"},
        {"two packets",
         {{false, kOne}, {true, "x"}, {false, kOne}, {true, "y"}},
         R"(more ["a":[x] more ["a":[y] idle)"},
        {"two outstanding", {{false, kTwo}, {true, "x"}}, "more more waiting"},
        {"text between", {{false, kTwo}, {true, "x"}, {false, event}}, "more more protocol waiting"},
        {"binary unannounced", {{true, "x"}}, "protocol idle"},
        {"one too many", {{false, kOne}, {true, "x"}, {true, "y"}}, R"(more ["a":[x] protocol idle)"},
        {"placeholder of none", {{false, out_of_range}, {true, "x"}}, "more protocol waiting"},
        {"attachment unnamed", {{false, unnamed}, {true, "x"}, {true, "y"}}, "more more protocol waiting"},
        {"no data", {{false, "51-"}, {true, "x"}}, "more protocol waiting"},
        {"too many announced", {{false, R"(511-["a"])"}}, "too many idle"},
        {"bad text", {{false, "9"}}, "protocol idle"},
        {"bad binary text", {{false, R"(51-["a")"}}, "protocol idle"},
    };
    for (const auto &each : cases) {
        is(run(each.messages, limits, false), each.expected, each.name);
        is(run(each.messages, limits, true), each.expected, std::string(each.name) + ", moving");
    }
}

void bounds_bytes() {
    const std::string data(1000 - kTwo.size(), 'x');
    const Text half = Text(data).substr(0, data.size() / 2);
    const Text rest = Text(data).substr(data.size() / 2);
    const AssemblyLimits limits{{}, 1000};
    for (const bool moves : {false, true}) {
        const std::string fits = run({{false, kTwo}, {true, half}, {true, rest}}, limits, moves);
        ok(fits.ends_with("] idle"), "text and attachments fill the bound");
        is(run({{false, kTwo}, {true, half}, {true, std::string(rest) + "x"}}, limits, moves),
           "more more too big waiting", "a byte more is too much");
    }
    is(run({{false, kOne}, {true, ""}}, {{}, kOne.size() - 1}, false), "more too big waiting",
       "a text over the bound alone");
}

void knows_its_packet() {
    Assembler assembler;
    ok(take(assembler, {false, kTwo}, {{}, 1000}) == "more" && assembler.waiting(), "waits");
    ok(take(assembler, {true, "x"}, {{}, 1000}) == "more", "waits on");
    const Result<std::unique_ptr<Assembled>> whole = assembler.on_binary(as_bytes("y"));
    if (!ok(whole && *whole && !assembler.waiting(), "whole")) {
        return;
    }
    const sio::Packet &packet = (*whole)->packet();
    ok(packet.type == sio::Type::binary_event && packet.id == 7U && packet.attachments == 2, "its header");
    is(packet.nsp, "/n", "its namespace");
    is(packet.data, kTwo.substr(kTwo.find('[')), "its data");
}

// Limits that were lowered by a reload do not touch what is under way.
void thaws_under_lower_limits() {
    Assembler assembler;
    ok(take(assembler, {false, R"(520-["a"])"}, {{20, 64}, 1000}) == "more", "20 attachments of 20");
    std::string image;
    Writer writer(image);
    assembler.freeze(writer);
    Reader reader(image);
    ok(assembler.thaw(reader) && assembler.waiting(), "thawed, whatever the limits are now");
    for (std::size_t size = 0; size < image.size(); ++size) {
        const Exact part(Text(image).substr(0, size));
        Reader cut(part.text());
        Assembler other;
        if (other.thaw(cut) || other.waiting()) {
            ok(false, "an image cut at " + std::to_string(size) + " is refused");
            return;
        }
    }
    ok(true, "an image cut anywhere is refused");
}

void refuses_senseless_images() {
    struct {
        const char *name;
        Text packet;
        std::uint32_t parts;
    } const cases[] = {
        {"of a packet that needs nothing", R"(2["a"])", 0},
        {"of a bad packet", "52-{", 0},
        {"of a whole packet", kOne, 1},
        {"of more parts than announced", kOne, 2},
        {"of a lying count", kTwo, 1U << 31},
    };
    for (const auto &each : cases) {
        std::string image;
        Writer writer(image);
        writer.put(std::uint8_t{1});
        writer.put(std::uint64_t{1000});
        writer.put_text(each.packet);
        writer.put(each.parts);
        writer.put_text("x");
        writer.put_text("y");
        Reader reader(image);
        Assembler assembler;
        ok(!assembler.thaw(reader) && !assembler.waiting(), std::string("refuses an image ") + each.name);
    }
}

} // namespace

int main() {
    assembles();
    bounds_bytes();
    knows_its_packet();
    thaws_under_lower_limits();
    refuses_senseless_images();
    ok(sizeof(Assembler) == sizeof(void *), "costs a pointer while idle");
    return rt::test::done();
}
