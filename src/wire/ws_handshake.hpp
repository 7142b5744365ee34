// SPDX-License-Identifier: BSD-2-Clause
// The server's side of the WebSocket handshake (RFC 6455 4.2): judges the request's header
// values and says what to answer. Linear in the size of what it is given.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace rt::wire {

// Header values as received; several headers of one name are joined with ", ". Empty = absent.
struct WsRequest {
    Text upgrade;    // Upgrade
    Text version;    // Sec-WebSocket-Version
    Text key;        // Sec-WebSocket-Key
    Text protocols;  // Sec-WebSocket-Protocol
    Text extensions; // Sec-WebSocket-Extensions
};

struct HeaderLine {
    Text name; // static
    std::string value;
};

struct WsAnswer {
    std::uint16_t status;            // 101, 400, or 500 if SHA-1 is not to be had
    Text reason;                     // static; for the log and as the body of an error
    bool deflate = false;            // permessage-deflate is on, both sides without context takeover
    std::vector<HeaderLine> headers; // all but Connection, which belongs to the HTTP server
};

// `deflate`: may permessage-deflate be accepted? If not, extensions are not even read.
WsAnswer answer_handshake(const WsRequest &request, bool deflate);

// RFC 6455 4.2.2, 5.4: 28 characters. unavailable: no SHA-1.
Result<std::string> ws_accept_key(Text key);

// The value of Sec-WebSocket-Extensions to answer with; empty if no offer suits (RFC 7692 5.1).
// protocol: the list breaks the grammar of RFC 6455 9.1 or is unreasonably long.
Result<Text> negotiate_deflate(Text offers);

} // namespace rt::wire
