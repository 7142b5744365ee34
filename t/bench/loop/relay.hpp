// SPDX-License-Identifier: BSD-2-Clause
// The least that Redis between two loops can be: one channel, on which frames are published as
// they are written to clients. Two connections; Redis is trusted to speak well.
#pragma once

#include "net/sockets.hpp"

#include <string>

namespace bench {

class Relay {
public:
    // Connected and subscribed when it returns.
    explicit Relay(std::uint16_t port);

    // Two descriptors that are to be waited for.
    [[nodiscard]] int says() const noexcept { return says_; }
    [[nodiscard]] int hears() const noexcept { return hears_; }

    void say(Text frame) const;
    // What Redis answers to that, which nobody needs.
    void skip_answers();

    // Calls visit(Text frame) for all that has come.
    template <class Visitor> void each(Visitor visit) {
        receive();
        Text rest = buffer_;
        for (Text frame = first(rest); frame.data() != nullptr; frame = first(rest)) {
            visit(frame);
        }
        buffer_.erase(0, buffer_.size() - rest.size());
    }

private:
    void receive();
    // The first message's payload, which is taken from the text; none if it is not whole.
    [[nodiscard]] static Text first(Text &bytes);

    int says_;
    int hears_;
    std::string chunk_;  // one read
    std::string buffer_; // what is not whole
};

} // namespace bench
