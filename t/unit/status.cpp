// SPDX-License-Identifier: BSD-2-Clause
// The status document: every number stands where it belongs, and nobody's name breaks it.
#include "hub/status.hpp"

#include "tap.hpp"
#include "wire/dom.hpp"

using namespace rt;
using namespace rt::test;
using hub::Metric;

namespace {

hub::Status sample() {
    hub::Status status;
    status.app = "a\"b<c&";
    status.node = "n";
    status.host = "abcd";
    status.log = {1000, 900, 5000};
    status.roster = {1, 2, 3, 4, 400, 5000, 4600};
    for (std::uint32_t seat = 0; seat < 2; ++seat) {
        hub::WorkerStatus worker;
        worker.seat = seat;
        worker.pid = 100 + static_cast<std::int32_t>(seat);
        worker.cycle = 3;
        worker.quitting = seat == 1;
        worker.silent = seat == 1;
        worker.connections = 7 + seat;
        for (std::size_t i = 0; i < hub::kMetrics; ++i) {
            worker.values[i] = 1000 * seat + i;
            status.totals[i] += worker.values[i];
        }
        status.workers.push_back(worker);
    }
    return status;
}

std::string number(const wire::DomNode &node) {
    std::string out;
    node.append_compact(out);
    return out;
}

// The name of a metric in the document: those of a group stand in an object of their own.
wire::DomNode find(const wire::DomNode &object, Text name) {
    for (const Text group : {Text("refused"), Text("not_recovered")}) {
        if (name.starts_with(std::string(group) + "_")) {
            return object.member(group).member(name.substr(group.size() + 1));
        }
    }
    return object.member(name);
}

void json() {
    const hub::Status status = sample();
    const std::string text = hub::status_json(status);
    const wire::Dom document = wire::Dom::parse(text, {});
    if (!ok(static_cast<bool>(document), "it is JSON")) {
        return;
    }
    const wire::DomNode root = document.root();
    ok(root.member("app").text() == status.app && root.member("node").text() == "n" &&
           root.member("host").text() == "abcd",
       "names");
    is(number(root.member("log")), R"({"size":1000,"span":900,"position":5000})", "the log");
    is(number(root.member("roster")),
       R"({"connections":1,"sockets":2,"rooms":3,"kept":4,"used":400,"free":4600,"size":5000})",
       "the roster");
    std::size_t seat = 0;
    bool good = true;
    for (wire::DomItems each(root.member("workers")); each.next(); ++seat) {
        good = good && number(each.value().member("seat")) == std::to_string(seat) &&
               number(each.value().member("pid")) == std::to_string(100 + seat) &&
               number(each.value().member("quitting")) == (seat == 1 ? "true" : "false") &&
               number(each.value().member("silent")) == (seat == 1 ? "true" : "false") &&
               number(each.value().member("nginx_connections")) == std::to_string(7 + seat);
        for (std::size_t i = 0; i < hub::kMetrics; ++i) {
            good =
                good && number(find(each.value(), hub::kMetricNames[i])) == std::to_string(1000 * seat + i);
        }
    }
    ok(good && seat == 2, "workers");
    for (std::size_t i = 0; i < hub::kMetrics; ++i) {
        is(number(find(root.member("total"), hub::kMetricNames[i])), std::to_string(1000 + 2 * i),
           "total of " + std::string(hub::kMetricNames[i]));
    }
}

void names() {
    const auto at = [](Metric metric) { return hub::kMetricNames[static_cast<std::size_t>(metric)]; };
    is(at(Metric::connections), "connections", "the first name");
    is(at(Metric::dropped_volatile), "dropped_volatile", "one in the middle");
    is(at(Metric::kept_evicted), "kept_evicted", "the last counter");
    is(at(Metric::sockets), "sockets", "the first gauge");
    is(at(Metric::log_lag), "log_lag", "the last name");
}

void html() {
    hub::Status status = sample();
    const std::string page = hub::status_html(status);
    ok(page.find("a\"b&lt;c&amp;") != Text::npos && page.find("<c&") == Text::npos, "names are escaped");
    ok(page.find("pid 101 (quitting) (silent)") != Text::npos, "workers by pid");
    const auto metric = static_cast<std::size_t>(Metric::sockets);
    const std::string row = "<tr><th>sockets<td>" + std::to_string(1000 + 2 * metric) + "<td>" +
                            std::to_string(metric) + "<td>" + std::to_string(1000 + metric);
    ok(page.find(row) != Text::npos, "a row per number");
    status.workers.clear();
    const wire::Dom empty = wire::Dom::parse(hub::status_json(status), {});
    ok(static_cast<bool>(empty), "a host without workers");
}

hub::ClusterStatus cluster() {
    return {.mode = hub::cluster_mode(true, false),
            .state = "degraded",
            .live = 3,
            .servers = 4,
            .holder = 4711,
            .probe_ms = 5,
            .waiting = 6,
            .gaps = 7,
            .missed = 8,
            .malformed = 9,
            .hosts = {{"abcd", "n<1", "1.0", "connected", 10, 11, 12},
                      {"efgh", "n\"2", "1.1", "joining", 13, 14, 15}},
            .redis = {true, {{"url", "redis://h:1"}, {"password", "***"}}, 16, "went & away"}};
}

void others() {
    hub::Status status = sample();
    const auto written = [&] {
        const std::string text = hub::status_json(status);
        return number(wire::Dom::parse(text, {}).root().member("cluster"));
    };
    is(written(),
       R"({"mode":"single-instance","state":"off","live":1,"servers":0,"holder":0,"probe_ms":null,"waiting":0,)"
       R"("gaps":0,"missed":0,"malformed":0,"hosts":[],"redis":{"enabled":false}})",
       "a host without Redis");
    ok(hub::status_html(status).find("<h2>Cluster</h2><p>single-instance\n") != Text::npos, "on the page");
    status.cluster = cluster();
    is(written(),
       R"({"mode":"cluster","state":"degraded","live":3,"servers":4,"holder":4711,"probe_ms":5,"waiting":6,)"
       R"("gaps":7,"missed":8,"malformed":9,"hosts":[{"host":"abcd","node":"n<1","version":"1.0",)"
       R"("state":"connected","heard":10,"last":11,"missed":12},{"host":"efgh","node":"n\"2","version":"1.1",)"
       R"("state":"joining","heard":13,"last":14,"missed":15}],"redis":{"enabled":true,"reconnects":16,)"
       R"("error":"went & away","options":{"url":"redis://h:1","password":"***"}}})",
       "one of several");
    const std::string page = hub::status_html(status);
    for (const Text piece :
         {"cluster, bridge degraded at pid 4711, round trip 5 ms; 3 hosts and 4 other servers",
          "6 bytes wait, 7 gaps, 8 missed, 9 malformed", "went &amp; away",
          "<tr><td>abcd<td>n&lt;1<td>1.0<td>connected<td>10<td>11<td>12\n", "<tr><td>password<td>***\n"}) {
        ok(page.find(piece) != Text::npos, "on the page: " + std::string(piece.substr(0, piece.find('\n'))));
    }
    is(hub::cluster_mode(true, true), "alone", "nobody else is there");
    is(hub::cluster_mode(false, true), "single-instance", "nor can be");
}

} // namespace

int main() {
    others();
    json();
    names();
    html();
    return rt::test::done();
}
