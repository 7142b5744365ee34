// SPDX-License-Identifier: BSD-2-Clause
// The directives inside realtime_redis { }. `env:NAME` may stand in place of every value: one that
// is not set, or empty, counts as not written.
#pragma once

#include "ngx/conf_words.hpp"
#include "ngx/redis_conf.hpp"

#include <string>
#include <vector>

namespace rt::ngx {

struct RedisWord {
    Text written;      // in the file
    std::string value; // what it stands for
};
using RedisWords = std::vector<RedisWord>;

char *set_redis_url(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_host(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_port(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_db(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_user(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_password(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_password_file(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_mode(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_server(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_adapter(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_subscribe(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_key_prefix(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_reconnect(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_connect_timeout(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_command_timeout(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_verify(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_verify_depth(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_name(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_server_name(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_trusted(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_certificate(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_key(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_protocols(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);
char *set_redis_ssl_ciphers(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);

using RedisSetter = char *(*)(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words);

// What all of them have in common: once each (but `server`), variables in place.
char *run_redis_directive(ngx_conf_t *cf, RedisDraft &draft, RedisSetter set);

// Without the name. Refused: no name behind "env:". Words whose variable is not set are left out.
struct EnvWords {
    RedisWords words;
    std::string unset; // the first variable that is not
    bool refused = false;
};
[[nodiscard]] EnvWords env_words(ngx_conf_t *cf);

// Of channels and keys: no blanks, no "#".
[[nodiscard]] bool is_redis_prefix(Text prefix) noexcept;

// ngx_command_t::set.
template <RedisSetter Set> char *in_redis(ngx_conf_t *cf, ngx_command_t *, void *) noexcept {
    return guard([cf](const char *what) { return refuse(cf, what); },
                 [cf] { return run_redis_directive(cf, *static_cast<RedisDraft *>(cf->ctx), Set); });
}

} // namespace rt::ngx
