// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/bridge_board.hpp"

namespace rt::cluster {

namespace {

std::string row_of(const hub::HostStatus &host) {
    std::string row;
    Writer out(row);
    out.put_text(host.host);
    out.put_text(host.node);
    out.put_text(host.version);
    out.put_text(host.state);
    out.put(host.heard);
    out.put(host.last);
    out.put(host.missed);
    return row;
}

hub::HostStatus read_row(Reader &in) {
    hub::HostStatus host;
    host.host = in.get_text();
    host.node = in.get_text();
    host.version = in.get_text();
    host.state = in.get_text();
    host.heard = in.get<std::uint64_t>();
    host.last = in.get<std::uint64_t>();
    host.missed = in.get<std::uint64_t>();
    return host;
}

} // namespace

std::string write_board(const hub::ClusterStatus &status, std::size_t most) {
    std::string board;
    Writer out(board);
    out.put(status.live);
    out.put(status.servers);
    out.put(status.probe_ms.value_or(UINT64_MAX));
    out.put(status.redis.reconnects);
    out.put_text(status.redis.error);
    for (const hub::HostStatus &host : status.hosts) {
        const std::string row = row_of(host);
        if (board.size() + row.size() > most) {
            break;
        }
        board += row;
    }
    return board;
}

void read_board(Text board, hub::ClusterStatus &into) {
    if (board.empty()) {
        return; // nobody has written it yet
    }
    Reader in(board);
    into.live = in.get<std::uint32_t>();
    into.servers = in.get<std::uint32_t>();
    const auto probe = in.get<std::uint64_t>();
    into.probe_ms = probe == UINT64_MAX ? std::nullopt : std::optional(probe);
    into.redis.reconnects = in.get<std::uint64_t>();
    into.redis.error = in.get_text();
    while (in.ok() && !in.at_end()) {
        hub::HostStatus host = read_row(in);
        if (in.ok()) {
            into.hosts.push_back(std::move(host));
        }
    }
}

} // namespace rt::cluster
