// SPDX-License-Identifier: BSD-2-Clause
// Fifo<T>: a queue of 24 bytes that allocates nothing while it is empty (an empty
// std::deque costs 704). Elements are moved when it grows, and only then.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace rt {

template <class T> class Fifo {
public:
    Fifo() = default;
    Fifo(Fifo &&other) noexcept
        : ring_(std::exchange(other.ring_, nullptr)), head_(std::exchange(other.head_, 0)),
          size_(std::exchange(other.size_, 0)), capacity_(std::exchange(other.capacity_, 0)) {}
    Fifo &operator=(Fifo &&other) noexcept {
        Fifo taken(std::move(other));
        std::swap(ring_, taken.ring_);
        std::swap(head_, taken.head_);
        std::swap(size_, taken.size_);
        std::swap(capacity_, taken.capacity_);
        return *this;
    }
    ~Fifo() { clear(); }

    void push(T value) {
        if (size_ == capacity_) {
            grow();
        }
        std::construct_at(at(size_), std::move(value));
        ++size_;
    }

    // Only while not empty. The memory goes back when the last element leaves.
    void pop() noexcept {
        std::destroy_at(at(0));
        head_ = (head_ + 1) & (capacity_ - 1);
        if (--size_ == 0) {
            clear();
        }
    }

    void clear() noexcept {
        for (std::uint32_t i = 0; i < size_; ++i) {
            std::destroy_at(at(i));
        }
        if (ring_ != nullptr) {
            std::allocator<T>().deallocate(ring_, capacity_);
        }
        ring_ = nullptr;
        head_ = size_ = capacity_ = 0;
    }

    [[nodiscard]] T &front() const noexcept { return *at(0); }
    [[nodiscard]] T &operator[](std::uint32_t i) const noexcept { return *at(i); }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    T *at(std::uint32_t i) const noexcept { return ring_ + ((head_ + i) & (capacity_ - 1)); }

    void grow() {
        static_assert(std::is_nothrow_move_constructible_v<T>); // or a throw would lose elements
        const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
        T *ring = std::allocator<T>().allocate(capacity);
        for (std::uint32_t i = 0; i < size_; ++i) {
            std::construct_at(ring + i, std::move(*at(i)));
            std::destroy_at(at(i));
        }
        if (ring_ != nullptr) {
            std::allocator<T>().deallocate(ring_, capacity_);
        }
        ring_ = ring;
        head_ = 0;
        capacity_ = capacity;
    }

    T *ring_ = nullptr;
    std::uint32_t head_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0; // zero or a power of two
};

} // namespace rt
