// SPDX-License-Identifier: BSD-2-Clause
// What a session still has to send: shared frames, in order, and how far the first of
// them has been written. A frame once begun on a WebSocket must be finished.
#pragma once

#include "base/fifo.hpp"
#include "base/ref.hpp"
#include "wire/frame.hpp"

#include <cstdint>

namespace rt::engine {

class OutQueue {
public:
    void push(Ref<wire::Frame> frame) {
        bytes_ += frame->size();
        frames_.push(std::move(frame));
    }

    // `count` bytes of the WebSocket form have left, counted from the unwritten end.
    void consume(std::size_t count) noexcept {
        while (count > 0) {
            const std::size_t left = frames_.front()->size() - begun_;
            if (count < left) {
                begun_ += static_cast<std::uint32_t>(count);
                bytes_ -= count;
                return;
            }
            count -= left;
            pop();
        }
    }

    // The first frame has left whole.
    void pop() noexcept {
        bytes_ -= frames_.front()->size() - begun_;
        begun_ = 0;
        frames_.pop();
    }

    void clear() noexcept {
        frames_.clear();
        begun_ = 0;
        bytes_ = 0;
    }

    [[nodiscard]] const wire::Frame &operator[](std::uint32_t i) const noexcept { return *frames_[i]; }
    [[nodiscard]] std::uint32_t frames() const noexcept { return frames_.size(); }
    [[nodiscard]] bool empty() const noexcept { return frames_.empty(); }

    // Bytes of the first frame that are already written.
    [[nodiscard]] std::uint32_t begun() const noexcept { return begun_; }

    // Bytes not yet written, in WebSocket form.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    // For a session that arrives with its first frame half written (SessionImage).
    void set_begun(std::uint32_t count) noexcept {
        begun_ = count;
        bytes_ -= count;
    }

private:
    Fifo<Ref<wire::Frame>> frames_;
    std::uint32_t begun_ = 0;
    std::size_t bytes_ = 0;
};

} // namespace rt::engine
