// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_tls.hpp"

#include "ngx/conf_words.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr ngx_uint_t kProtocols = NGX_SSL_TLSv1_2 | NGX_SSL_TLSv1_3;

ngx_str_t kept(ngx_conf_t *cf, Text text) noexcept { return copy_text(cf->pool, text); }

bool load_certificate(ngx_conf_t *cf, ngx_ssl_t &tls, const TlsWords &words) {
    if (words.certificate.empty()) {
        return true;
    }
    if (words.key.empty()) {
        refuse(cf, "no \"ssl_certificate_key\" for " + quoted(words.certificate));
        return false;
    }
    ngx_str_t certificate = kept(cf, words.certificate);
    ngx_str_t key = kept(cf, words.key);
    return certificate.data != nullptr && key.data != nullptr &&
           ngx_ssl_certificate(cf, &tls, &certificate, &key, nullptr) == NGX_OK;
}

bool load_authorities(ngx_conf_t *cf, RedisBlock &block, const TlsWords &words) {
    if (!block.settings.tls.verify) {
        return true;
    }
    ngx_str_t trusted = kept(cf, words.trusted);
    const auto depth = static_cast<ngx_int_t>(block.settings.tls.depth);
    if (trusted.data == nullptr || ngx_ssl_trusted_certificate(cf, &block.tls, &trusted, depth) != NGX_OK) {
        return false;
    }
    return !words.trusted.empty() || SSL_CTX_set_default_verify_paths(block.tls.ctx) == 1;
}

bool set_up(ngx_conf_t *cf, RedisBlock &block, const TlsWords &words) {
    ngx_str_t ciphers = kept(cf, words.ciphers);
    return ciphers.data != nullptr && ngx_ssl_ciphers(cf, &block.tls, &ciphers, 0) == NGX_OK &&
           load_certificate(cf, block.tls, words) && load_authorities(cf, block, words);
}

// An address in numbers is no server name (RFC 6066 3), nor is a path.
bool is_number(Text host) noexcept {
    return host.find(':') != Text::npos || host.find('/') != Text::npos ||
           std::all_of(host.begin(), host.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::string peer_name(const RedisBlock &block, Text host) {
    const std::string &name = block.settings.tls.name;
    if (!name.empty()) {
        return name;
    }
    return std::string(host.starts_with("unix:") ? Text("localhost") : host);
}

// X509_check_host(), which nginx calls, knows names only.
bool is_of(ngx_connection_t *c, const std::string &name) noexcept {
    if (!is_number(name)) {
        ngx_str_t wanted = to_ngx_str(name);
        return ngx_ssl_check_host(c, &wanted) == NGX_OK;
    }
    X509 *certificate = SSL_get_peer_certificate(c->ssl->connection);
    const bool is_it = certificate != nullptr && X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    X509_free(certificate);
    return is_it;
}

} // namespace

bool make_tls(ngx_conf_t *cf, RedisBlock &block, const TlsWords &words) {
    block.tls.log = cf->log;
    const ngx_uint_t protocols = words.protocols != 0 ? words.protocols : kProtocols;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
    if (cleanup == nullptr || ngx_ssl_create(&block.tls, protocols, nullptr) != NGX_OK) {
        return false;
    }
    cleanup->handler = ngx_ssl_cleanup_ctx;
    cleanup->data = &block.tls;
    if (!set_up(cf, block, words)) {
        refuse(cf, "no TLS for realtime_redis " + quoted(block.settings.name));
        return false;
    }
    return true;
}

bool start_tls(ngx_connection_t *c, const RedisBlock &block, Text host) {
    // nginx only reads the context.
    if (ngx_ssl_create_connection(const_cast<ngx_ssl_t *>(&block.tls), c, NGX_SSL_BUFFER | NGX_SSL_CLIENT) !=
        NGX_OK) {
        return false;
    }
    // What waits is written from where it stands then, not from where it stood (nginx' own writers keep it).
    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const std::string name = peer_name(block, host);
    const bool sends = block.settings.tls.server_name && !is_number(name);
    return !sends || SSL_ctrl(c->ssl->connection, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              const_cast<char *>(name.c_str())) != 0;
}

std::string tls_complaint(ngx_connection_t *c, const RedisBlock &block, Text host) {
    if (!block.settings.tls.verify) {
        return {};
    }
    if (const long verdict = SSL_get_verify_result(c->ssl->connection); verdict != X509_V_OK) {
        return std::string("its certificate is not trusted: ") + X509_verify_cert_error_string(verdict);
    }
    const std::string name = peer_name(block, host);
    return is_of(c, name) ? std::string() : "its certificate is not of " + quoted(name);
}

} // namespace rt::ngx
