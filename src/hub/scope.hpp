// SPDX-License-Identifier: BSD-2-Clause
// What a running event, connect or disconnect offers to the values of its actions. Plain
// views: building one costs no allocation. A chain that waits keeps a KeptScope.
#pragma once

#include "base/bytes.hpp"

#include <span>
#include <string>
#include <vector>

namespace rt::hub {

struct Scope {
    Text app;
    Text nsp;
    Text event; // plain text, without quotes; empty in connect and disconnect
    Text sid;
    Text user;
    Text transport;    // "polling", "websocket"
    Text close_reason; // in disconnect
    Text worker;
    Text node;
    Text data; // valid JSON, ["event",arguments…] with placeholders; empty without an event
    std::span<const Bytes> attachments; // what the placeholders of `data` mean
    Text auth;                          // valid JSON, or empty if the client sent none
    Text captured; // AppSettings::captured, each written by Writer::put_text, in that order
    std::span<const std::string> nsp_matched; // captures of `namespace ~`
    std::span<const Text> event_matched;      // captures of `on ~`
    bool recovered = false;
};

// The i-th of texts written one after the other by Writer::put_text; empty past the end.
[[nodiscard]] Text packed_text(Text packed, std::size_t index) noexcept;

// A scope that owns everything it shows. Not movable: the views point into it.
class KeptScope {
public:
    explicit KeptScope(const Scope &borrowed);
    KeptScope(const KeptScope &) = delete;
    KeptScope &operator=(const KeptScope &) = delete;

    [[nodiscard]] const Scope &scope() const noexcept { return scope_; }

private:
    std::string bytes_;
    std::vector<Bytes> attachments_;
    std::vector<std::string> nsp_matched_;
    std::vector<Text> event_matched_;
    Scope scope_;
};

} // namespace rt::hub
