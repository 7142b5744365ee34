// SPDX-License-Identifier: BSD-2-Clause
// TLS to Redis with nginx's own OpenSSL: the context of a block, made by the master while it
// reads the configuration, and the client's part of a handshake.
#pragma once

#include "ngx/conf.hpp"

#include <string>

namespace rt::ngx {

// What the ssl_* directives of a block said.
struct TlsWords {
    std::string trusted;     // file names; without one the system's authorities are trusted
    std::string certificate; // ours
    std::string key;
    std::string ciphers = "DEFAULT";
    ngx_uint_t protocols = 0; // NGX_SSL_TLSv1_2 and the like; 0: those that nginx takes for good
};

// Makes block.tls. False: refused, logged with file and line.
[[nodiscard]] bool make_tls(ngx_conf_t *cf, RedisBlock &block, const TlsWords &words);

// Begins TLS on a connected socket; the connection needs a pool. Next: ngx_ssl_handshake().
// False: no memory.
[[nodiscard]] bool start_tls(ngx_connection_t *c, const RedisBlock &block, Text host);

// After a handshake: why the peer is not who it should be; empty: it is.
[[nodiscard]] std::string tls_complaint(ngx_connection_t *c, const RedisBlock &block, Text host);

} // namespace rt::ngx
