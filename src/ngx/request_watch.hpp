// SPDX-License-Identifier: BSD-2-Clause
// Tells a table of waiting requests that one of them ends, however that happens.
#pragma once

#include "base/slots.hpp"
#include "ngx/guard.hpp"
#include "ngx/ngx.hpp"

#include <new>

namespace rt::ngx {

// Calls owner.on_request_gone(slot) when the request is freed or its client has gone, also after
// an answer. The owner outlives every request of its worker. False: no memory.
template <class Owner>
[[nodiscard]] bool watch_request(ngx_http_request_t *r, Owner &owner, Handle slot) noexcept {
    struct Watch {
        Owner *owner;
        Handle slot;
    };
    ngx_http_cleanup_t *cleanup = ngx_http_cleanup_add(r, sizeof(Watch));
    if (cleanup == nullptr) {
        return false;
    }
    cleanup->data = ::new (cleanup->data) Watch{&owner, slot};
    cleanup->handler = [](void *data) noexcept {
        auto *watch = static_cast<Watch *>(data);
        guard([](const char *) {}, [&] { watch->owner->on_request_gone(watch->slot); });
    };
    return true;
}

} // namespace rt::ngx
