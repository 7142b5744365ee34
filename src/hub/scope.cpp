// SPDX-License-Identifier: BSD-2-Clause
#include "hub/scope.hpp"

#include <array>

namespace rt::hub {

namespace {

using Member = Text Scope::*;

constexpr std::array<Member, 12> kTexts = {
    &Scope::app,          &Scope::nsp,    &Scope::event, &Scope::sid,  &Scope::user, &Scope::transport,
    &Scope::close_reason, &Scope::worker, &Scope::node,  &Scope::data, &Scope::auth, &Scope::captured,
};

std::size_t total_size(const Scope &scope) {
    std::size_t size = 0;
    for (const Member member : kTexts) {
        size += (scope.*member).size();
    }
    for (const Bytes bytes : scope.attachments) {
        size += bytes.size();
    }
    for (const Text text : scope.event_matched) {
        size += text.size();
    }
    return size;
}

// Appends to a string that has the room already, so that earlier views stay valid.
Text keep(std::string &bytes, Text text) {
    const std::size_t at = bytes.size();
    bytes.append(text);
    return Text(bytes).substr(at);
}

} // namespace

Text packed_text(Text packed, std::size_t index) noexcept {
    Reader reader(packed);
    for (; index > 0 && reader.ok(); --index) {
        reader.get_text();
    }
    return reader.get_text();
}

KeptScope::KeptScope(const Scope &borrowed)
    : nsp_matched_(borrowed.nsp_matched.begin(), borrowed.nsp_matched.end()), scope_(borrowed) {
    bytes_.reserve(total_size(borrowed));
    for (const Member member : kTexts) {
        scope_.*member = keep(bytes_, borrowed.*member);
    }
    for (const Bytes bytes : borrowed.attachments) {
        attachments_.push_back(as_bytes(keep(bytes_, as_text(bytes))));
    }
    for (const Text text : borrowed.event_matched) {
        event_matched_.push_back(keep(bytes_, text));
    }
    scope_.attachments = attachments_;
    scope_.nsp_matched = nsp_matched_;
    scope_.event_matched = event_matched_;
}

} // namespace rt::hub
