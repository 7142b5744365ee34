// SPDX-License-Identifier: BSD-2-Clause
// Ref<T>: a shared owner with the count inside the object. Not atomic: a worker is one
// thread. T derives from Counted<T> and is destroyed by a public T::dispose(T *) or delete.
#pragma once

#include <cstdint>
#include <utility>

namespace rt {

template <class T> class Counted {
public:
    Counted() = default;
    Counted(const Counted &) = delete;
    Counted &operator=(const Counted &) = delete;

    void retain() const noexcept { ++count_; }

    // True when the last owner has gone.
    [[nodiscard]] bool release() const noexcept { return --count_ == 0; }

    [[nodiscard]] std::uint32_t owners() const noexcept { return count_; }

protected:
    ~Counted() = default;

private:
    mutable std::uint32_t count_ = 0;
};

template <class T> class Ref {
public:
    Ref() = default;
    explicit Ref(T *object) noexcept : object_(object) { retain(); }
    Ref(const Ref &other) noexcept : object_(other.object_) { retain(); }
    Ref(Ref &&other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ~Ref() { reset(); }

    Ref &operator=(Ref other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }

    void reset() noexcept {
        T *object = std::exchange(object_, nullptr);
        if (object != nullptr && object->release()) {
            destroy(object);
        }
    }

    T *operator->() const noexcept { return object_; }
    T &operator*() const noexcept { return *object_; }
    [[nodiscard]] T *get() const noexcept { return object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    bool operator==(const Ref &other) const noexcept = default;

private:
    void retain() const noexcept {
        if (object_ != nullptr) {
            object_->retain();
        }
    }

    static void destroy(T *object) noexcept {
        if constexpr (requires { T::dispose(object); }) {
            T::dispose(object);
        } else {
            delete object;
        }
    }

    T *object_ = nullptr;
};

} // namespace rt
