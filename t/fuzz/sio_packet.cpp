// SPDX-License-Identifier: BSD-2-Clause
// A connection's Socket.IO messages, separated by 0x1E; a message that begins with `b` is
// binary. The connection is frozen and thawed after each.
#include "base/text.hpp"
#include "wire/assembler.hpp"
#include "wire/json.hpp"
#include "wire/sio.hpp"

#include <cstdint>
#include <string>

using namespace rt;
using namespace rt::wire;

namespace {

constexpr AssemblyLimits kLimits{{}, 1000};

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

// Written again it decodes to the same packet.
void check_packet(const sio::Packet &packet) {
    std::string text;
    sio::append_header(text, {packet.type, packet.nsp, packet.id, packet.attachments});
    text += packet.data;
    const Result<sio::Packet> again = sio::decode(text, kLimits.packet);
    check(static_cast<bool>(again));
    check(again->type == packet.type && again->id == packet.id && again->attachments == packet.attachments);
    check(again->nsp == packet.nsp && again->data == packet.data);
    if (!sio::is_event(packet.type)) {
        return;
    }
    const sio::Event event = sio::split_event(packet.data);
    check(packet.data.empty() == event.name.empty());
    check(static_cast<bool>(json::validate("[" + std::string(event.args) + "]", json::kDefaultDepth)));
    static_cast<void>(sio::event_name(event.name));
}

bool on_message(Assembler &assembler, Text message) {
    if (message.starts_with('b')) {
        const auto whole = assembler.on_binary(as_bytes(message.substr(1)));
        if (whole && *whole) {
            check((*whole)->attachments().size() == (*whole)->packet().attachments);
            check_packet((*whole)->packet());
        }
        return static_cast<bool>(whole);
    }
    const auto packet = assembler.on_text(message, kLimits);
    if (packet && *packet) {
        check_packet(**packet);
    }
    return static_cast<bool>(packet);
}

void move(Assembler &assembler) {
    std::string image;
    Writer writer(image);
    assembler.freeze(writer);
    const bool waiting = assembler.waiting();
    Reader reader(image);
    check(assembler.thaw(reader) && reader.at_end() && assembler.waiting() == waiting);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text input = as_text({data, size});
    Reader noise(input);
    static_cast<void>(Assembler().thaw(noise));

    Assembler assembler;
    bool open = true;
    split_each(input, '\x1e', [&](Text message) {
        open = open && on_message(assembler, message);
        if (open) {
            move(assembler);
        }
    });
    return 0;
}
