// SPDX-License-Identifier: BSD-2-Clause
// What a session still has to send: shared frames, in order, and how far the first of
// them has been written. A frame once begun on a WebSocket must be finished.
#pragma once

#include "base/fifo.hpp"
#include "base/ref.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace rt::engine {

// The first frame has a place of its own: the common queue of one allocates nothing.
class OutQueue {
public:
    static constexpr std::size_t kFrameCost = 64; // bytes, of each behind the first frames:
    static constexpr std::uint32_t kFewFrames = 32;

    OutQueue() = default;
    OutQueue(OutQueue &&other) noexcept { take(other); }
    OutQueue &operator=(OutQueue &&other) noexcept {
        if (this != &other) {
            take(other);
        }
        return *this;
    }

    void push(Ref<wire::Frame> frame) {
        bytes_ += frame->size();
        if (first_) {
            more_.push(std::move(frame));
        } else {
            first_ = std::move(frame);
        }
    }

    // `count` bytes of the WebSocket form have left, counted from the unwritten end.
    void consume(std::size_t count) noexcept {
        while (count > 0) {
            const std::size_t left = first_->size() - begun_;
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
        bytes_ -= first_->size() - begun_;
        begun_ = 0;
        first_.reset();
        if (!more_.empty()) {
            first_ = std::move(more_.front());
            more_.pop();
        }
    }

    void clear() noexcept {
        first_.reset();
        more_.clear();
        begun_ = 0;
        bytes_ = 0;
    }

    [[nodiscard]] const wire::Frame &operator[](std::uint32_t i) const noexcept {
        return i == 0 ? *first_ : *more_[i - 1];
    }
    [[nodiscard]] std::uint32_t frames() const noexcept { return first_ ? 1 + more_.size() : 0; }
    [[nodiscard]] bool empty() const noexcept { return !first_; }

    // Bytes of the first frame that are already written.
    [[nodiscard]] std::uint32_t begun() const noexcept { return begun_; }

    // Bytes not yet written, in WebSocket form.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

    // What the queue costs: the bytes, and what it takes to keep each frame, so that a crowd of
    // tiny ones is no way around a bound.
    [[nodiscard]] std::size_t cost() const noexcept {
        return bytes_ + std::size_t{std::max(frames(), kFewFrames) - kFewFrames} * kFrameCost;
    }

    // For a session that arrives with its first frame half written (SessionImage).
    void set_begun(std::uint32_t count) noexcept {
        begun_ = count;
        bytes_ -= count;
    }

private:
    void take(OutQueue &other) noexcept {
        first_ = std::move(other.first_);
        more_ = std::move(other.more_);
        begun_ = std::exchange(other.begun_, 0);
        bytes_ = std::exchange(other.bytes_, 0);
    }

    Ref<wire::Frame> first_; // null: nothing waits
    Fifo<Ref<wire::Frame>> more_;
    std::uint32_t begun_ = 0;
    std::size_t bytes_ = 0;
};

} // namespace rt::engine
