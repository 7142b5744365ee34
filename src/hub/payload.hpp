// SPDX-License-Identifier: BSD-2-Clause
// JSON text whose Buffers stand beside it: `{"_placeholder":true,"num":i}` in the text means
// the i-th attachment (socket.io-protocol, binary events).
#pragma once

#include "base/bytes.hpp"

#include <string>
#include <vector>

namespace rt::hub {

struct Payload {
    std::string json;
    std::vector<Bytes> attachments; // views; who made the payload says how long they live
};

} // namespace rt::hub
