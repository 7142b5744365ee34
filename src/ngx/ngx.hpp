// SPDX-License-Identifier: BSD-2-Clause
// The only door to nginx's headers, and the bridges between its types and ours. Views made
// here live as long as the memory of nginx that they show.
#pragma once

extern "C" {
#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>
}

#include "base/bytes.hpp"

#include <type_traits>

extern ngx_module_t ngx_http_realtime_module;  // directives in http, server and location
extern ngx_module_t ngx_realtime_rules_module; // directives inside realtime_app

namespace rt::ngx {

static_assert(std::is_same_v<u_char, std::uint8_t>);

inline Text to_text(const ngx_str_t &text) noexcept {
    return {reinterpret_cast<const char *>(text.data), text.len};
}

inline Text to_text(const u_char *begin, const u_char *end) noexcept {
    return {reinterpret_cast<const char *>(begin), static_cast<std::size_t>(end - begin)};
}

inline Text to_text(const ngx_variable_value_t &value) noexcept {
    return value.not_found != 0 ? Text{} : Text{reinterpret_cast<const char *>(value.data), value.len};
}

// What a buffer in memory still holds.
inline Bytes to_bytes(const ngx_buf_t &buffer) noexcept {
    return {buffer.pos, static_cast<std::size_t>(buffer.last - buffer.pos)};
}

// nginx takes its strings without const; the callee must not write.
inline u_char *to_u_char(const char *text) noexcept {
    return const_cast<u_char *>(reinterpret_cast<const u_char *>(text));
}

inline ngx_str_t to_ngx_str(Text text) noexcept { return {text.size(), to_u_char(text.data())}; }

// A copy that lives as long as the pool; with a 0 behind it, as nginx's file names have.
// Its data is null if there is no memory.
inline ngx_str_t copy_text(ngx_pool_t *pool, Text text) noexcept {
    auto *data = static_cast<u_char *>(ngx_pnalloc(pool, text.size() + 1));
    if (data == nullptr) {
        return {0, nullptr};
    }
    if (!text.empty()) {
        std::memcpy(data, text.data(), text.size());
    }
    data[text.size()] = '\0';
    return {text.size(), data};
}

// The address that a buffer for all kinds of addresses holds.
inline sockaddr *generic(sockaddr_storage &storage) noexcept {
    return reinterpret_cast<sockaddr *>(&storage);
}

// nginx's macros are several statements each: after an `if` without braces half of them
// would always run.
inline void post_event(ngx_event_t *event, ngx_queue_t *queue) noexcept { ngx_post_event(event, queue) }

inline void delete_posted_event(ngx_event_t *event) noexcept {
    if (event->posted != 0) {
        ngx_delete_posted_event(event);
    }
}

template <class T> T *event_connection(ngx_event_t *event) noexcept { return static_cast<T *>(event->data); }

// The settings of nginx's core: worker_processes and the like.
inline ngx_core_conf_t *core_settings(ngx_cycle_t *cycle) noexcept {
    return reinterpret_cast<ngx_core_conf_t *>(ngx_get_conf(cycle->conf_ctx, ngx_core_module));
}

// Results of a directive's `set` function.
inline char *conf_ok() noexcept { return nullptr; }
inline char *conf_error() noexcept { return static_cast<char *>(NGX_CONF_ERROR); }

} // namespace rt::ngx
