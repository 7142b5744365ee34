// SPDX-License-Identifier: BSD-2-Clause
// A frame as bytes, as it stands in images: its messages, or, where it is for WebSocket only, itself.
#pragma once

#include "base/bytes.hpp"
#include "base/ref.hpp"
#include "wire/frame.hpp"

namespace rt::engine {

void freeze_frame(Writer &out, const wire::Frame &frame);

// A damaged image shows in the reader.
[[nodiscard]] Ref<wire::Frame> thaw_frame(Reader &in);

} // namespace rt::engine
