// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/origin.hpp"

#include "base/text.hpp"
#include "ngx/headers.hpp"
#include "ngx/respond.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

bool is_clean(Text origin) {
    return std::none_of(origin.begin(), origin.end(), [](char c) {
        const auto code = static_cast<unsigned char>(c);
        return code < 0x20 || code >= 0x7f;
    });
}

// The scheme is not compared: behind a balancer that ends TLS ours is another than the page's.
bool is_own(const ngx_http_request_t *r, Text origin) {
    const std::size_t authority = origin.find("://");
    return authority != Text::npos && r->headers_in.host != nullptr &&
           iequals(origin.substr(authority + 3), to_text(r->headers_in.host->value));
}

bool allow(ngx_http_request_t *r, const CorsRules &rules, Text origin) {
    // Credentials and `*` do not go together: the origin is named then.
    const bool any = rules.any() && !rules.credentials();
    return add_header_copy(r, "Access-Control-Allow-Origin", any ? Text("*") : origin) &&
           (any || add_header(r, "Vary", "Origin")) &&
           (!rules.credentials() || add_header(r, "Access-Control-Allow-Credentials", "true"));
}

bool refuse(ngx_http_request_t *r, Text origin) {
    return add_header_copy(r, "Access-Control-Allow-Origin", origin) && add_header(r, "Vary", "Origin");
}

bool has_several(const ngx_http_request_t *r) {
    int origins = 0;
    each_header(
        r, [&](const ngx_table_elt_t &header) { origins += iequals(to_text(header.key), "origin") ? 1 : 0; });
    return origins > 1;
}

} // namespace

OriginVerdict judge_origin(ngx_http_request_t *r, const LocationConf &conf) {
    const Text origin = request_header(r, "origin");
    if (origin.empty()) {
        const bool any = conf.cors != nullptr && conf.cors->any() && !conf.cors->credentials();
        const bool done = !any || add_header(r, "Access-Control-Allow-Origin", "*");
        return done ? OriginVerdict::absent : OriginVerdict::failed;
    }
    if (has_several(r)) {
        return OriginVerdict::malformed;
    }
    if (!is_clean(origin)) {
        return OriginVerdict::malformed;
    }
    if (conf.cors != nullptr && conf.cors->allows(origin)) {
        return allow(r, *conf.cors, origin) ? OriginVerdict::allowed : OriginVerdict::failed;
    }
    if (is_own(r, origin)) {
        return OriginVerdict::same;
    }
    return refuse(r, origin) ? OriginVerdict::refused : OriginVerdict::failed;
}

ngx_int_t answer_preflight(ngx_http_request_t *r, OriginVerdict verdict) {
    const Text headers = request_header(r, "access-control-request-headers");
    bool ok = true;
    if (verdict == OriginVerdict::allowed) {
        ok = add_header(r, "Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE") &&
             (headers.empty() || (add_header_copy(r, "Access-Control-Allow-Headers", headers) &&
                                  add_header(r, "Vary", "Access-Control-Request-Headers")));
    }
    if (!ok) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
    return send_reply(r, {NGX_HTTP_NO_CONTENT, {}, {}, true});
}

} // namespace rt::ngx
