// SPDX-License-Identifier: BSD-2-Clause
// Base64, RFC 4648: the standard alphabet with padding, and the URL alphabet without.
#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <string>

namespace rt {

void append_base64(std::string &out, Bytes bytes);
void append_base64url(std::string &out, Bytes bytes);

// The standard form may lack its padding (engine.io-protocol, binary in polling payloads); the
// URL form has none (RFC 7515 2). Any other character, a space too, and bits that no byte uses
// are refused: unlike Node, which decodes garbage to nothing.
Result<std::string> decode_base64(Text text);
Result<std::string> decode_base64url(Text text);

} // namespace rt
