// SPDX-License-Identifier: BSD-2-Clause
#include "hub/burst.hpp"

#include "hub/frames.hpp"
#include "wire/sio.hpp"

#include <algorithm>

namespace rt::hub {

bool Burst::suits(const Envelope &envelope) noexcept {
    return envelope.op == Op::emit && !envelope.is_volatile && !envelope.asker;
}

bool Burst::takes(const Envelope &envelope) const noexcept {
    return events_ > 0 && suits(envelope) && messages_.size() + envelope.data.size() <= kMost &&
           envelope.nsp == audience_.nsp && std::ranges::equal(envelope.to, audience_.to) &&
           std::ranges::equal(envelope.except, audience_.except);
}

void Burst::begin(const Envelope &envelope, Text offset) {
    audience_.nsp = envelope.nsp;
    audience_.to.assign(envelope.to.begin(), envelope.to.end());
    audience_.except.assign(envelope.except.begin(), envelope.except.end());
    add(envelope, offset);
}

void Burst::add(const Envelope &envelope, Text offset) {
    header_ = "4";
    const auto attached = static_cast<std::uint32_t>(envelope.attachments.size());
    wire::sio::append_header(header_, {wire::sio::Type::event, envelope.nsp, {}, attached});
    wire::Frame::append_message(messages_, wire::WsOpcode::text,
                                event_pieces(header_, envelope.data, offset));
    for (const Bytes attachment : envelope.attachments) {
        const Text payload = as_text(attachment);
        wire::Frame::append_message(messages_, wire::WsOpcode::binary, {&payload, 1});
    }
    ++events_;
}

Ref<wire::Frame> Burst::take() {
    Ref<wire::Frame> frame = wire::Frame::joined(messages_, events_);
    drop();
    return frame;
}

void Burst::drop() noexcept {
    events_ = 0;
    messages_.clear();
    if (messages_.capacity() > 2 * kMost) {
        std::string().swap(messages_);
    }
}

} // namespace rt::hub
