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

} // namespace

int main() {
    json();
    names();
    html();
    return rt::test::done();
}
