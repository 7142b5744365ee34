// SPDX-License-Identifier: BSD-2-Clause
// Captured values go by name wherever another configuration may be in force: from order to order,
// in an image of a session, and for a worker that died.
#include "hub/captures.hpp"

#include "cluster/reaper.hpp"
#include "host_env.hpp"
#include "roster_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

std::string packed(std::initializer_list<Text> values) {
    std::string bytes;
    Writer out(bytes);
    for (const Text value : values) {
        out.put_text(value);
    }
    return bytes;
}

std::string shown(Text values, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        text += "<" + std::string(hub::packed_text(values, i)) + ">";
    }
    return text;
}

void orders() {
    const std::string values = packed({"A", "", "C"});
    const struct {
        Text wanted;
        Text names;
        Text expected;
    } cases[] = {
        {"a,b,c,", "a,b,c,", "<A><><C><>"}, {"c,a,", "a,b,c,", "<C><A><><>"}, {"x,c,", "a,b,c,", "<><C><><>"},
        {"a,aa,", "aa,b,a,", "<C><A><><>"}, {"", "a,b,c,", "<><><><>"},       {"a,", "", "<><><><>"},
    };
    for (const auto &[wanted, names, expected] : cases) {
        is(shown(hub::captured_values(wanted, {names, values}), 4), expected,
           std::string(wanted) + " of " + std::string(names));
    }
    const std::vector<std::string> names{"http_host", "pid"};
    is(hub::captured_names(names), "http_host,pid,", "names as one text");
    for (std::size_t size = 0; size < values.size(); ++size) { // damaged: whatever it is, no harm
        static_cast<void>(hub::captured_values("c,a,", {"a,b,c,", Text(values).substr(0, size)}));
    }
}

constexpr const char *kTwo = "emit two data=$http_one;emit two data=$http_two";
constexpr const char *kSwapped = "emit two all data=$http_two$http_none;emit two all data=$http_one";

// A session of a host whose rules mention them in one order, at a worker with another.
void moves() {
    Rules rules;
    rules.nsp("/").on("who", kTwo);
    Host host(rules, 1);
    const std::string values = packed({"first", "second"});
    Peer peer(host[0], host.session, values);
    peer.say({"40", "42[\"who\"]"});
    ok(peer.heard().ends_with("42[\"two\",\"first\"] 42[\"two\",\"second\"]"), "what the handshake left");
    std::string image;
    Writer out(image);
    hub::Connection &connection = *peer.connection();
    connection.session().quiet(0);
    host[0].hub.freeze(connection, out, 0);
    host[0].end_turn(0);

    Rules swapped;
    swapped.nsp("/").on("who", kSwapped);
    Host other(swapped, 1);
    Reader in(image);
    const Result<hub::Connection *> thawed = other[0].hub.thaw(in, 0);
    ok(static_cast<bool>(thawed), "it goes on elsewhere");
    is(shown((*thawed)->captured(), 3), "<second><><first>", "each value under its name");
}

// The roster has them for disconnect { } of a worker that died.
void mourned() {
    Rules rules;
    rules.nsp("/", "", kSwapped);
    Host host(rules, 1);
    RosterZone zone(1u << 20);
    cluster::RosterDirectory directory(zone.roster, {1, 1});
    hub::Handshake handshake;
    const std::string values = packed({"first", "second"});
    handshake.captured = {"http_one,http_two,", values};
    const auto record = directory.add_connection(sid_of(1), handshake, engine::TransportKind::polling);
    const auto socket = directory.add_socket(*record, {"/", id_of(1), "u", "{}"});
    directory.set_connected(*socket);
    Peer watch(host[0], host.session);
    watch.say({"40"});
    watch.heard();
    const auto row = zone.roster.handshake_of({record->cell, record->serial});
    host[0].hub.mourn(
        {"/", id_of(1), "u", "{}", engine::TransportKind::polling, {row->captured_names, row->captured}}, 0);
    host.deliver();
    is(watch.heard(), "42[\"two\",\"second\"] 42[\"two\",\"first\"]", "each value under its name");
}

} // namespace

int main() {
    orders();
    moves();
    mourned();
    return done();
}
