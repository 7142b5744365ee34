// SPDX-License-Identifier: BSD-2-Clause
// The words of the directive that is being read, and complaints about them. A complaint is
// logged with file and line; the caller returns what it gives.
#pragma once

#include "base/ports.hpp"
#include "ngx/conf.hpp"
#include "ngx/guard.hpp"

#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <vector>

namespace rt::ngx {

// The words, the directive's name first. The views live as long as the configuration.
[[nodiscard]] std::vector<Text> words_of(const ngx_conf_t *cf);

// The same without the name.
[[nodiscard]] std::vector<Text> arguments_of(const ngx_conf_t *cf);

[[nodiscard]] Where here(const ngx_conf_t *cf) noexcept;

// Logs at [emerg] and gives what the directive's function returns.
char *refuse(ngx_conf_t *cf, Text complaint) noexcept;
void warn(ngx_conf_t *cf, Text words) noexcept;

// A fragment that nginx completes: `"realtime_ping" directive is duplicate`.
char *duplicate() noexcept;

// About an earlier place.
void complain_at(ngx_uint_t level, ngx_log_t *log, const Where &where, Text words) noexcept;

// `invalid value "x" in "realtime_ping" directive`, and what it must be.
char *invalid(ngx_conf_t *cf, Text word, Text wanted = {});

[[nodiscard]] std::string quoted(Text word);

// nginx's times in milliseconds and sizes in bytes; nothing if it is none. A time fits the
// clients' timers: 31 bits.
[[nodiscard]] std::optional<Millis> parse_time(Text word) noexcept;
[[nodiscard]] std::optional<std::size_t> parse_size(Text word) noexcept;

// "32m", "1k", "1000".
[[nodiscard]] std::string size_text(std::size_t size);

// Lets nginx read the block that was just opened. `ctx` is cf->ctx of what stands in it; it begins
// with a null pointer, where nginx looks for settings per module (ngx_conf_handler).
char *read_block(ngx_conf_t *cf, void *ctx, ngx_uint_t place);

// Letters, digits, "_" and "-", at most 64: the name of a block.
[[nodiscard]] bool is_block_name(Text name) noexcept;
inline constexpr Text kBlockName = "a name of letters, digits, \"_\" and \"-\"";

// An object with a destructor in a pool of nginx; null if there is no memory.
template <class T> T *make_in_pool(ngx_pool_t *pool) {
    static_assert(alignof(T) <= NGX_ALIGNMENT);
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(pool, sizeof(T));
    if (cleanup == nullptr) {
        return nullptr;
    }
    T *object = new (cleanup->data) T();
    cleanup->handler = [](void *data) noexcept { static_cast<T *>(data)->~T(); };
    return object;
}

// ngx_command_t::set for a function `char *Set(ngx_conf_t *cf, Conf &conf)`.
template <class Conf, auto Set> char *directive(ngx_conf_t *cf, ngx_command_t *, void *conf) noexcept {
    return guard([cf](const char *what) { return refuse(cf, what); },
                 [cf, conf] { return Set(cf, *static_cast<Conf *>(conf)); });
}

} // namespace rt::ngx
