// SPDX-License-Identifier: BSD-2-Clause
#include "hub/cluster_status.hpp"

#include "hub/html_text.hpp"
#include "wire/json_object.hpp"

namespace rt::hub {

using wire::json::append_array;
using wire::json::ObjectWriter;

namespace {

void put_host(std::string &out, const HostStatus &host) {
    ObjectWriter object(out);
    object.text("host", host.host);
    object.text("node", host.node);
    object.text("version", host.version);
    object.text("state", host.state);
    object.number("heard", host.heard);
    object.number("last", host.last);
    object.number("missed", host.missed);
}

void put_redis(ObjectWriter &&object, const RedisStatus &redis) {
    object.boolean("enabled", redis.enabled);
    if (!redis.enabled) {
        return;
    }
    object.number("reconnects", redis.reconnects);
    object.text("error", redis.error);
    ObjectWriter options(object.member("options"));
    for (const auto &[name, value] : redis.options) {
        options.text(name, value);
    }
}

void put_cells(std::string &out, std::initializer_list<Text> cells) {
    out += "<tr>";
    for (const Text cell : cells) {
        out += "<td>";
        put_escaped(out, cell);
    }
    out += "\n";
}

void put_hosts(std::string &out, const std::vector<HostStatus> &hosts) {
    if (hosts.empty()) {
        return;
    }
    out += "<table><tr><th>host<th>node<th>version<th>state<th>heard, ms ago<th>last<th>missed\n";
    for (const HostStatus &host : hosts) {
        put_cells(out, {host.host, host.node, host.version, host.state, std::to_string(host.heard),
                        std::to_string(host.last), std::to_string(host.missed)});
    }
    out += "</table>\n";
}

void put_options(std::string &out, const RedisStatus &redis) {
    out += "<table>";
    for (const auto &[name, value] : redis.options) {
        put_cells(out, {name, value});
    }
    out += "</table>\n";
}

} // namespace

void append_cluster_json(std::string &out, const ClusterStatus &cluster) {
    ObjectWriter object(out);
    object.text("mode", cluster.mode);
    object.text("state", cluster.state);
    object.number("live", cluster.live);
    object.number("servers", cluster.servers);
    object.number("holder", static_cast<std::uint64_t>(cluster.holder));
    if (cluster.probe_ms) {
        object.number("probe_ms", *cluster.probe_ms);
    } else {
        object.raw("probe_ms", "null");
    }
    object.number("waiting", cluster.waiting);
    object.number("gaps", cluster.gaps);
    object.number("missed", cluster.missed);
    object.number("malformed", cluster.malformed);
    append_array(object.member("hosts"), cluster.hosts, put_host);
    put_redis(ObjectWriter(object.member("redis")), cluster.redis);
}

void append_cluster_html(std::string &out, const ClusterStatus &cluster) {
    out += "<h2>Cluster</h2><p>";
    out += cluster.mode;
    if (!cluster.redis.enabled) {
        out += "\n";
        return;
    }
    out += ", bridge ";
    out += cluster.state;
    out += " at pid " + std::to_string(cluster.holder);
    out += cluster.probe_ms ? ", round trip " + std::to_string(*cluster.probe_ms) + " ms" : "";
    out += "; " + std::to_string(cluster.live) + " hosts and " + std::to_string(cluster.servers) +
           " other servers; " + std::to_string(cluster.waiting) + " bytes wait, " +
           std::to_string(cluster.gaps) + " gaps, " + std::to_string(cluster.missed) + " missed, " +
           std::to_string(cluster.malformed) + " malformed";
    if (!cluster.redis.error.empty()) {
        out += "<p>";
        put_escaped(out, cluster.redis.error);
    }
    out += "\n";
    put_hosts(out, cluster.hosts);
    put_options(out, cluster.redis);
}

} // namespace rt::hub
