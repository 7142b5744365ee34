// SPDX-License-Identifier: BSD-2-Clause
// Fn<R(Args...)>: a callable that can be moved and not copied, so it may own what it
// captures (GCC 12 has no std::move_only_function). Capture handles, never pointers to
// sessions: the callable fires later. Nor may it destroy the Fn it runs in: move that out first.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace rt {

template <class Signature> class Fn;

template <class F, class Self, class R, class... Args>
concept CallableFor = !std::is_same_v<F, Self> && std::is_invocable_r_v<R, F &, Args...>;

template <class R, class... Args> class Fn<R(Args...)> {
public:
    Fn() = default;

    template <CallableFor<Fn, R, Args...> F>
    Fn(F callable) : body_(std::make_unique<Body<F>>(std::move(callable))) {}

    explicit operator bool() const noexcept { return body_ != nullptr; }

    // Only while it holds a callable.
    R operator()(Args... args) { return body_->call(std::forward<Args>(args)...); }

private:
    struct Base {
        virtual ~Base() = default;
        virtual R call(Args... args) = 0;
    };

    template <class F> struct Body final : Base {
        explicit Body(F callable) : callable_(std::move(callable)) {}
        R call(Args... args) override {
            if constexpr (std::is_void_v<R>) {
                static_cast<void>(callable_(std::forward<Args>(args)...)); // may answer: nobody asked
            } else {
                return callable_(std::forward<Args>(args)...);
            }
        }
        F callable_;
    };

    std::unique_ptr<Base> body_;
};

} // namespace rt
