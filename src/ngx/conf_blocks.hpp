// SPDX-License-Identifier: BSD-2-Clause
// realtime_app { } and what stands in it. nginx reads the nested blocks itself, so `include`
// works everywhere; what a block is about stands in cf->ctx.
#pragma once

#include "ngx/conf.hpp"
#include "ngx/conf_words.hpp"

namespace rt::ngx {

// Where the directives of our blocks may stand; bits of NGX_ANY_CONF, apart from those of
// nginx's core module type, which has NGX_MAIN_CONF alone.
inline constexpr ngx_uint_t kInApp = 0x02000000;
inline constexpr ngx_uint_t kInNamespace = 0x04000000;
inline constexpr ngx_uint_t kInChain = 0x08000000;
inline constexpr ngx_uint_t kInRedis = 0x10000000;

struct Block;

char *set_app(ngx_conf_t *cf, MainConf &main);

char *set_zone(ngx_conf_t *cf, Block &block);
char *set_user(ngx_conf_t *cf, Block &block);
char *set_recovery(ngx_conf_t *cf, Block &block);
char *set_app_redis(ngx_conf_t *cf, Block &block);
char *set_namespace(ngx_conf_t *cf, Block &block);
char *set_connect(ngx_conf_t *cf, Block &block);
char *set_disconnect(ngx_conf_t *cf, Block &block);
char *set_on(ngx_conf_t *cf, Block &block);
char *set_action(ngx_conf_t *cf, Block &block); // every action of hub::action_kinds()

// ngx_command_t::set for a directive inside a block.
template <auto Set> char *in_block(ngx_conf_t *cf, ngx_command_t *command, void *) noexcept {
    return directive<Block, Set>(cf, command, cf->ctx);
}

} // namespace rt::ngx
