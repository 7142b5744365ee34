// SPDX-License-Identifier: BSD-2-Clause
// The only door from nginx's C into our C++. Every callback that nginx gets is noexcept and
// its whole body is one guard(): an exception (the standard library throws bad_alloc) then
// costs one connection or one message, and not the worker with all its clients.
#pragma once

#include <new>
#include <type_traits>

namespace rt::ngx {

// Returns body(), or on_fail(what) if the body threw. `what` is static text for a log line.
// on_fail must not throw.
template <class OnFail, class Body>
auto guard(OnFail on_fail, Body body) noexcept -> std::invoke_result_t<Body> {
    try {
        return body();
    } catch (const std::bad_alloc &) {
        return on_fail("no memory");
    } catch (...) {
        return on_fail("unexpected exception");
    }
}

} // namespace rt::ngx
