// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/quota.hpp"

namespace rt::ngx {

Result<void> check_quota(App &app, const LocationConf &conf, ngx_http_request_t *r) {
    const MaxSockets &most = conf.max_sockets;
    if (most.count == 0 || most.per == MaxSockets::Per::user) {
        return {};
    }
    const std::uint32_t open = most.per == MaxSockets::Per::ip
                                   ? app.directory().connections_from(to_text(r->connection->addr_text))
                                   : app.directory().connections();
    return open < most.count ? Result<void>() : Result<void>(Code::full, "realtime_max_sockets");
}

} // namespace rt::ngx
