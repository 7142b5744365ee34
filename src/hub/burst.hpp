// SPDX-License-Identifier: BSD-2-Clause
// Events that follow each other in the log and go to the same sockets: collected while the log
// is read, they leave as one frame.
#pragma once

#include "hub/bus.hpp"
#include "wire/frame.hpp"

#include <string>

namespace rt::hub {

// Nothing else may be sent, joined or left between begin() and take(): the hub sees to that.
class Burst {
public:
    // Whether events like this one may wait for others: no volatile one, none that is answered.
    [[nodiscard]] static bool suits(const Envelope &envelope) noexcept;

    // Does the envelope mean the same sockets, and is there room for it?
    [[nodiscard]] bool takes(const Envelope &envelope) const noexcept;

    // `offset`: as event_frame() takes it.
    void begin(const Envelope &envelope, Text offset);
    void add(const Envelope &envelope, Text offset);

    [[nodiscard]] bool empty() const noexcept { return events_ == 0; }

    // All of them, in order; the burst is over.
    [[nodiscard]] Ref<wire::Frame> take();
    void drop() noexcept;

private:
    static constexpr std::size_t kMost = 64 * 1024; // bytes, but for one large event

    struct Audience {
        std::string nsp;
        std::vector<std::string> to;
        std::vector<std::string> except;
    };

    Audience audience_; // of the first; the strings keep their memory
    std::string header_;
    std::string messages_;
    std::uint32_t events_ = 0;
};

} // namespace rt::hub
