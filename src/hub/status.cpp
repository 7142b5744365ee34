// SPDX-License-Identifier: BSD-2-Clause
#include "hub/status.hpp"

#include "hub/html_text.hpp"
#include "wire/json_object.hpp"

#include <algorithm>
#include <array>

namespace rt::hub {

using wire::json::append_array;
using wire::json::ObjectWriter;

namespace {

// Metrics whose names begin so stand together, in an object of that name.
constexpr std::array<Text, 2> kGroups = {"refused_", "not_recovered_"};

bool is_in_group(Text name) {
    return std::ranges::any_of(kGroups, [&](Text group) { return name.starts_with(group); });
}

using Values = std::array<std::uint64_t, kMetrics>;

void put_group(ObjectWriter &&object, Text group, const Values &values) {
    for (std::size_t i = 0; i < kMetrics; ++i) {
        if (kMetricNames[i].starts_with(group)) {
            object.number(kMetricNames[i].substr(group.size()), values[i]);
        }
    }
}

void put_metrics(ObjectWriter &object, const Values &values) {
    for (std::size_t i = 0; i < kMetrics; ++i) {
        if (!is_in_group(kMetricNames[i])) {
            object.number(kMetricNames[i], values[i]);
        }
    }
    for (const Text group : kGroups) {
        put_group(ObjectWriter(object.member(group.substr(0, group.size() - 1))), group, values);
    }
}

void put_worker(std::string &out, const WorkerStatus &worker) {
    ObjectWriter object(out);
    object.number("seat", worker.seat);
    object.number("pid", static_cast<std::uint64_t>(worker.pid));
    object.number("cycle", worker.cycle);
    object.boolean("quitting", worker.quitting);
    object.boolean("silent", worker.silent);
    object.number("nginx_connections", worker.connections);
    put_metrics(object, worker.values);
}

void put_slow(std::string &out, const SlowStatus &client) {
    ObjectWriter object(out);
    object.text("sid", client.sid);
    object.text("user", client.user);
    object.text("address", client.address);
    object.text("transport", client.transport);
    object.number("queued", client.queued);
    object.number("waits", client.waits);
    object.number("pid", static_cast<std::uint64_t>(client.pid));
}

void put_row(std::string &out, Text name, const Status &status, std::size_t metric) {
    out += "<tr><th>";
    out += name;
    out += "<td>";
    append_number(out, status.totals[metric]);
    for (const WorkerStatus &worker : status.workers) {
        out += "<td>";
        append_number(out, worker.values[metric]);
    }
    out += "\n";
}

void put_slow_rows(std::string &out, const Status &status) {
    if (status.slowest.empty()) {
        return;
    }
    out +=
        "<h2>Slowest clients</h2><table><tr><th>sid<th>user<th>address<th>transport<th>bytes<th>ms<th>pid\n";
    for (const SlowStatus &client : status.slowest) {
        out += "<tr>";
        for (const Text text :
             {Text(client.sid), Text(client.user), Text(client.address), client.transport}) {
            out += "<td>";
            put_escaped(out, text);
        }
        for (const std::uint64_t number :
             {client.queued, client.waits, static_cast<std::uint64_t>(client.pid)}) {
            out += "<td>";
            append_number(out, number);
        }
        out += "\n";
    }
    out += "</table>\n";
}

} // namespace

std::string status_json(const Status &status) {
    std::string out;
    {
        ObjectWriter object(out);
        object.text("app", status.app);
        object.text("node", status.node);
        object.text("host", status.host);
        {
            ObjectWriter log(object.member("log"));
            log.number("size", status.log.size);
            log.number("span", status.log.span);
            log.number("position", status.log.position);
        }
        {
            ObjectWriter roster(object.member("roster"));
            roster.number("connections", status.roster.connections);
            roster.number("sockets", status.roster.sockets);
            roster.number("rooms", status.roster.rooms);
            roster.number("kept", status.roster.kept);
            roster.number("used", status.roster.used);
            roster.number("free", status.roster.free);
            roster.number("size", status.roster.size);
        }
        {
            ObjectWriter total(object.member("total"));
            put_metrics(total, status.totals);
        }
        append_cluster_json(object.member("cluster"), status.cluster);
        append_array(object.member("slowest"), status.slowest, put_slow);
        append_array(object.member("workers"), status.workers, put_worker);
    }
    return out;
}

std::string status_html(const Status &status) {
    std::string out = "<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=2><title>";
    put_escaped(out, status.app);
    out += "</title><style>body{font:14px system-ui;margin:2em}td{text-align:right}th{text-align:left}"
           "td,th{padding:.1em .8em;border-bottom:1px solid #ddd}</style><h1>";
    put_escaped(out, status.app);
    out += " on ";
    put_escaped(out, status.node);
    out += "</h1><p>rooms ";
    append_number(out, status.roster.rooms);
    out += ", roster ";
    append_number(out, status.roster.used);
    out += " of ";
    append_number(out, status.roster.size);
    out += " bytes, log span ";
    append_number(out, status.log.span);
    out += " of ";
    append_number(out, status.log.size);
    out += " bytes<table><tr><th><th>total";
    for (const WorkerStatus &worker : status.workers) {
        out += "<th>pid ";
        append_number(out, static_cast<std::uint64_t>(worker.pid));
        out += worker.quitting ? " (quitting)" : "";
        out += worker.silent ? " (silent)" : "";
    }
    out += "\n";
    for (std::size_t i = 0; i < kMetrics; ++i) {
        put_row(out, kMetricNames[i], status, i);
    }
    out += "</table>\n";
    append_cluster_html(out, status.cluster);
    put_slow_rows(out, status);
    return out;
}

} // namespace rt::hub
