// SPDX-License-Identifier: BSD-2-Clause
// What the bridge's holder knows, as other workers read it in the zone.
#include "cluster/bridge_board.hpp"

#include "tap.hpp"

#include <algorithm>

using namespace rt;
using namespace rt::test;
using cluster::read_board;
using cluster::write_board;

namespace {

hub::ClusterStatus status_of(std::size_t hosts) {
    hub::ClusterStatus status;
    status.live = static_cast<std::uint32_t>(hosts + 1);
    status.servers = 3;
    status.probe_ms = 12;
    status.redis.reconnects = 5;
    status.redis.error = "gone";
    for (std::size_t i = 0; i < hosts; ++i) {
        const std::string number = std::to_string(1000 + i);
        status.hosts.push_back({number, "node-" + number, "1.2", "connected", 100 + i, 200 + i, i});
    }
    return status;
}

std::string text_of(const hub::ClusterStatus &status) {
    std::string text = std::to_string(status.live) + " " + std::to_string(status.servers) + " " +
                       (status.probe_ms ? std::to_string(*status.probe_ms) : "-") + " " +
                       std::to_string(status.redis.reconnects) + " " + status.redis.error;
    for (const hub::HostStatus &host : status.hosts) {
        text += "|" + host.host + " " + host.node + " " + host.version + " " + host.state + " " +
                std::to_string(host.heard) + " " + std::to_string(host.last) + " " +
                std::to_string(host.missed);
    }
    return text;
}

std::string read(Text board) {
    const std::string copy(board); // as large as it is: a sanitizer sees what is read behind it
    hub::ClusterStatus status;
    read_board(copy, status);
    return text_of(status);
}

void whole() {
    for (const std::size_t hosts : {0, 1, 2, 50}) {
        const hub::ClusterStatus status = status_of(hosts);
        is(read(write_board(status, 16384)), text_of(status), std::to_string(hosts) + " hosts");
    }
    hub::ClusterStatus status = status_of(1);
    status.probe_ms = std::nullopt;
    status.redis.error.clear();
    is(read(write_board(status, 16384)), text_of(status), "without what is not known");
    hub::ClusterStatus fresh;
    read_board({}, fresh);
    ok(fresh.live == 1 && !fresh.probe_ms && fresh.hosts.empty(), "nobody has written one yet");
}

void too_many() {
    const hub::ClusterStatus all = status_of(400);
    const std::string board = write_board(all, 4096);
    hub::ClusterStatus status;
    read_board(board, status);
    ok(board.size() <= 4096 && board.size() > 3900, "as many hosts as there is room for");
    ok(status.live == 401 && status.hosts.size() > 20 && status.hosts.size() < 400 &&
           status.hosts.back().host == std::to_string(999 + status.hosts.size()),
       "each of them whole, and how many live");
}

// A holder that died over it leaves parts of two.
void torn() {
    const std::string board = write_board(status_of(3), 16384);
    bool good = true;
    for (std::size_t size = 0; size < board.size(); ++size) {
        const std::string part = read(Text(board).substr(0, size));
        good = good && static_cast<int>(std::count(part.begin(), part.end(), '|')) < 3;
    }
    ok(good, "of a part only whole hosts are read");
    std::string odd = board;
    for (std::size_t at = 0; at < board.size(); ++at) {
        odd[at] = '\xff';
        static_cast<void>(read(odd));
    }
    ok(true, "any bytes are survived");
}

} // namespace

int main() {
    whole();
    too_many();
    torn();
    return done();
}
