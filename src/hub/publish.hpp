// SPDX-License-Identifier: BSD-2-Clause
// The document of an HTTP publish (docs/api.md, Publish): one message, or an array of them that
// is taken whole or refused whole. What is wrong is told with its place.
#pragma once

#include "hub/bus.hpp"
#include "wire/dom.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

namespace rt::hub {

struct PublishFault {
    std::uint16_t status; // HTTP: 400 or 413
    std::string code;
    std::string message;
};

// Envelopes that view the document's text: it must outlive this. Not movable, it owns texts that
// its envelopes view.
class PublishRequest {
public:
    PublishRequest() = default;
    PublishRequest(const PublishRequest &) = delete;
    PublishRequest &operator=(const PublishRequest &) = delete;

    // Reads the body. A fault leaves nothing to be published.
    [[nodiscard]] std::variant<std::monostate, PublishFault> read(Text body, const wire::DomLimits &limits);

    [[nodiscard]] const std::vector<Envelope> &envelopes() const noexcept { return envelopes_; }
    [[nodiscard]] bool batch() const noexcept { return batch_; }
    // Of a single message whose acks are asked for, in milliseconds; 0: they are not.
    [[nodiscard]] std::uint32_t ack_timeout() const noexcept { return ack_timeout_; }

private:
    using Fault = std::variant<std::monostate, PublishFault>;

    Fault add(const wire::DomNode &message, std::size_t index);
    Fault read_member(Text key, const wire::DomNode &value, Envelope &envelope);
    Fault read_ack(const wire::DomNode &value);
    Fault read_audience(Text key, const wire::DomNode &value, Envelope &envelope);
    [[nodiscard]] Fault check(bool good, const char *rule) const;
    Fault read_rooms(Text key, const wire::DomNode &value, std::vector<Text> &rooms);
    void set_data(Envelope &envelope, const wire::DomNode &message);
    [[nodiscard]] PublishFault bad(const std::string &what) const;

    wire::Dom document_ = wire::Dom::parse("null", {});
    std::vector<Envelope> envelopes_;
    std::deque<std::string> texts_;
    std::uint32_t ack_timeout_ = 0;
    std::size_t index_ = 0; // of the message being read
    bool batch_ = false;
};

} // namespace rt::hub
