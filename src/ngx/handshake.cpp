// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/handshake.hpp"

#include "base/text.hpp"
#include "ngx/headers.hpp"
#include "ngx/respond.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

namespace {

// Secrets, and what is between this client and this server only (RFC 9110 7.6.1).
constexpr std::array<Text, 12> kLeftOut = {
    "cookie", "authorization", "proxy-authorization", "connection", "keep-alive",        "proxy-connection",
    "te",     "trailer",       "transfer-encoding",   "upgrade",    "sec-websocket-key", "content-length"};

bool is_kept(Text name) {
    return std::none_of(kLeftOut.begin(), kLeftOut.end(), [&](Text left) { return iequals(left, name); });
}

std::vector<std::pair<Text, Text>> kept_headers(const ngx_http_request_t *r) {
    std::vector<std::pair<Text, Text>> kept;
    each_header(r, [&](const ngx_table_elt_t &header) {
        if (is_kept(to_text(header.key))) {
            kept.emplace_back(to_text(header.key), to_text(header.value));
        }
    });
    return kept;
}

std::string captured_values(ngx_http_request_t *r, const AppConf &app) {
    std::string packed;
    Writer out(packed);
    for (const ngx_int_t index : app.captured_indexes) {
        const ngx_http_variable_value_t *value =
            ngx_http_get_indexed_variable(r, static_cast<ngx_uint_t>(index));
        out.put_text(value != nullptr && value->not_found == 0 ? to_text(*value) : Text());
    }
    return packed;
}

} // namespace

hub::Birth make_birth(ngx_http_request_t *r, const LocationConf &conf, engine::TransportKind transport) {
    hub::Birth birth;
    birth.kind = conf.endpoint == Endpoint::echo ? hub::ConnectionKind::echo : hub::ConnectionKind::socket_io;
    birth.settings = &conf.session;
    birth.transport = transport;
    birth.handshake.address = to_text(r->connection->addr_text);
    birth.handshake.url = to_text(r->unparsed_uri);
    birth.handshake.query = to_text(r->args);
    birth.handshake.secure = r->connection->ssl != nullptr;
    birth.handshake.counts_address = conf.max_sockets.per == MaxSockets::Per::ip;
    birth.handshake.most = conf.max_sockets.per == MaxSockets::Per::user ? 0 : conf.max_sockets.count;
    birth.handshake.xdomain = !request_header(r, "origin").empty();
    const ngx_time_t *time = ngx_timeofday();
    birth.handshake.issued =
        static_cast<std::int64_t>(time->sec) * 1000 + static_cast<std::int64_t>(time->msec);
    birth.handshake.headers = kept_headers(r);
    birth.captured = captured_values(r, *conf.app);
    return birth;
}

} // namespace rt::ngx
