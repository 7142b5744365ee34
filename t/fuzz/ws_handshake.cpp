// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as the headers of a WebSocket handshake, one to a line: what is answered can stand in
// a response, and says 101 only to what RFC 6455 4.2.1 asks for.
#include "wire/ws_handshake.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <cstdint>
#include <string>

using namespace rt;

namespace {

void check(bool good) {
    if (!good) {
        __builtin_trap();
    }
}

bool is_printable(Text text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

Text take_line(Text &input) {
    const auto [line, rest] = split_once(input, '\n');
    input = rest;
    return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    Text input = as_text(Bytes(data, size));
    wire::WsRequest request;
    request.upgrade = take_line(input);
    request.version = take_line(input);
    request.key = take_line(input);
    request.protocols = take_line(input);
    request.extensions = input;
    for (const bool deflate : {false, true}) {
        const wire::WsAnswer answer = wire::answer_handshake(request, deflate);
        check(answer.status == 101 || answer.status == 400);
        check(answer.status == 400 ||
              (has_token(request.upgrade, "websocket") && trim(request.key).size() == 24));
        check(!answer.deflate || (deflate && answer.status == 101 &&
                                  request.extensions.find("permessage-deflate") != Text::npos));
        bool extensions = false;
        for (const wire::HeaderLine &line : answer.headers) {
            check(is_printable(line.value) && !line.value.empty());
            extensions = extensions || line.name == "Sec-WebSocket-Extensions";
        }
        check(extensions == answer.deflate);
    }
    return 0;
}
