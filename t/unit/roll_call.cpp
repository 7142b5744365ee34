// SPDX-License-Identifier: BSD-2-Clause
// What a host says of its sockets without asking a worker: whom the rooms mean, each once, with a
// handshake like Node's. How long a step takes for many is printed.
#include "cluster/roll_call.hpp"

#include "roster_env.hpp"
#include "tap.hpp"
#include "wire/dom.hpp"
#include "wire/json.hpp"

#include <ctime>
#include <set>

using namespace rt;
using namespace rt::test;
using cluster::PeerMessage;
using cluster::RollCall;
using cluster::Says;

namespace {

PeerMessage question(Says says, std::vector<Text> to = {}, std::vector<Text> except = {}) {
    PeerMessage asked;
    asked.says = says;
    asked.nsp = "/";
    asked.uid = "node";
    asked.request_id = "r1";
    asked.envelope.to = std::move(to);
    asked.envelope.except = std::move(except);
    return asked;
}

struct Client {
    std::uint32_t number;
    Text nsp = "/";
    std::vector<Text> rooms = {};
    bool connected = true;
};

void add(shm::Roster &roster, const Client &client) {
    const auto connection = add_client(roster, sid_of(client.number));
    const auto socket = roster.add_socket(
        *connection,
        {.id = id_of(client.number), .nsp = client.nsp, .user = {}, .pid = {}, .auth = "{\"t\":1}"});
    for (const Text room : client.rooms) {
        static_cast<void>(roster.join(*socket, room));
    }
    if (client.connected) {
        static_cast<void>(roster.set_connected(*socket));
    }
}

void fill(shm::Roster &roster) {
    add(roster, {1, "/", {"a"}});
    add(roster, {2, "/", {"a", "b"}});
    add(roster, {3, "/", {"b", "c"}});
    add(roster, {4, "/", {}});
    add(roster, {5, "/chat", {"a"}});
    add(roster, {6, "/", {"a"}, false});
}

// The numbers of the sockets in the answer's texts or, of fetch, in its array.
std::string numbers(const PeerMessage &answer) {
    std::multiset<std::string> found;
    const wire::Dom array = wire::Dom::parse(answer.envelope.data, {.bytes = 64u << 20});
    for (wire::DomItems each(array.root()); each.next();) {
        found.emplace(each.value().member("id").text());
    }
    found.insert(answer.texts.begin(), answer.texts.end());
    std::string text;
    for (const std::string &id : found) {
        text += (text.empty() ? "" : " ") + (id.size() == 20 ? id.substr(19) : id);
    }
    return text;
}

std::string ask(shm::Roster &roster, const PeerMessage &asked) {
    RollCall call(roster, asked);
    while (call.step()) {
    }
    return numbers(call.answer());
}

void who_is_meant() {
    RosterZone zone(1u << 20);
    fill(zone.roster);
    const std::string two = id_of(2);
    const std::string five = id_of(5);
    struct Row {
        std::vector<Text> to;
        std::vector<Text> except;
        Text expected;
    };
    const Row rows[] = {
        {{}, {}, "1 2 3 4"},
        {{"a"}, {}, "1 2"},
        {{"a", "b"}, {}, "1 2 3"},
        {{"a", "b", "a"}, {"c"}, "1 2"},
        {{"a"}, {"b"}, "1"},
        {{}, {"a"}, "3 4"},
        {{two}, {}, "2"},
        {{"c", two}, {}, "2 3"},
        {{five}, {}, ""},
        {{"none"}, {}, ""},
        {{}, {"none", two}, "1 3 4"},
        {{"a"}, {two, "c"}, "1"},
        {{"v", "w", "x", "y", "z", "a"}, {}, "1 2"},
        {{"v", "w", "x", "y", "z", two}, {}, "2"},
        {{}, {"v", "w", "x", "y", "z", "a"}, "3 4"},
        {{"v", "w", "x", "y", "z", "a"}, {"v", "w", "x", "y", "z", two}, "1"},
        {{""}, {}, ""},
    };
    int number = 0;
    for (const Row &row : rows) {
        ++number;
        for (const Says says : {Says::fetch, Says::list_ids}) {
            is(ask(zone.roster, question(says, row.to, row.except)), row.expected,
               "row " + std::to_string(number) + (says == Says::fetch ? ", fetch" : ", ids"));
        }
    }
    PeerMessage chat = question(Says::fetch);
    chat.nsp = "/chat";
    is(ask(zone.roster, chat), "5", "another namespace");
    chat.nsp = "/none";
    is(ask(zone.roster, chat), "", "one that is not there");
    is(ask(zone.roster, question(Says::list_rooms)), "a b c 1 2 3 4", "all rooms, with those of ids");
    chat.says = Says::list_rooms;
    is(ask(zone.roster, chat), "", "none of no namespace");
}

void as_answered() {
    RosterZone zone(1u << 20);
    struct Row {
        Says asked;
        Says answered;
    };
    for (const Row &row : {Row{Says::fetch, Says::fetched}, Row{Says::list_ids, Says::ids},
                           Row{Says::list_rooms, Says::rooms}}) {
        RollCall call(zone.roster, question(row.asked));
        while (call.step()) {
        }
        ok(!call.step(), "it stays at its end");
        const PeerMessage answer = call.answer();
        ok(answer.says == row.answered && answer.nsp == "/" && answer.request_id == "r1" &&
               call.asker() == "node",
           "an answer to the question");
        is(answer.envelope.data, row.asked == Says::fetch ? "[]" : "", "empty");
    }
}

void as_node_shows_it() {
    RosterZone zone(1u << 20);
    const shm::HeaderText headers[] = {{"Host", "a\"b"}, {"X-A", "1"}, {"x-a", "2"}, {"Accept", "*/*"}};
    shm::HandshakeText handshake = node_handshake();
    handshake.headers = headers;
    handshake.url = "/socket.io/?EIO=4&foo=bar&transport=websocket";
    handshake.query = "EIO=4&foo=bar&transport=websocket";
    handshake.xdomain = false;
    const auto connection =
        zone.roster.add_connection({sid_of(1), {1, 1}, shm::Transport::websocket, handshake});
    const auto socket = zone.roster.add_socket(
        *connection, {.id = id_of(1), .nsp = "/", .user = "7", .pid = pid_of(1), .auth = "{\"t\":1}"});
    static_cast<void>(zone.roster.set_connected(*socket));
    static_cast<void>(zone.roster.join(*socket, "ro\"om"));
    RollCall call(zone.roster, question(Says::fetch));
    while (call.step()) {
    }
    is(call.answer().envelope.data,
       R"-([{"id":"host0000000000000001","handshake":{"headers":{"host":"a\"b","x-a":"1, 2","accept":"*/*"},)-"
       R"-("time":"Fri Nov 20 2026 04:18:05 GMT+0000 (Coordinated Universal Time)",)-"
       R"-("address":"203.0.113.170","xdomain":false,"secure":true,"issued":1795148285282,)-"
       R"-("url":"/socket.io/?EIO=4&foo=bar&transport=websocket",)-"
       R"-("query":{"EIO":"4","foo":"bar","transport":"websocket"},"auth":{"t":1}},)-"
       R"-("rooms":["host0000000000000001","ro\"om"],"data":{}}])-",
       "a socket");
}

void moments() {
    const std::pair<std::int64_t, Text> rows[] = {
        {0, "Thu Jan 01 1970 00:00:00"},
        {-5, "Thu Jan 01 1970 00:00:00"},
        {951782399999, "Mon Feb 28 2000 23:59:59"},
        {951782400000, "Tue Feb 29 2000 00:00:00"},
        {951868800000, "Wed Mar 01 2000 00:00:00"},
        {1735689599000, "Tue Dec 31 2024 23:59:59"},
        {1735689600000, "Wed Jan 01 2025 00:00:00"},
        {4107542400000, "Mon Mar 01 2100 00:00:00"},
    };
    for (const auto &[moment, expected] : rows) {
        is(cluster::date_text(moment), std::string(expected) + " GMT+0000 (Coordinated Universal Time)",
           std::to_string(moment));
    }
}

void queries() {
    const std::pair<Text, Text> rows[] = {
        {"", "{}"},
        {"EIO=4&transport=polling", R"({"EIO":"4","transport":"polling"})"},
        {"a", R"({"a":""})"},
        {"a=", R"({"a":""})"},
        {"=a", R"({"":"a"})"},
        {"&&a=1&", R"({"a":"1"})"},
        {"a=1&b=2&a=3&a=", R"({"a":["1","3",""],"b":"2"})"},
        {"a=b=c", R"({"a":"b=c"})"},
        {"a+b=c+d%20e%2Bf", R"({"a b":"c d e+f"})"},
        {"%22=%5C%0a", R"({"\"":"\\\n"})"},
        {"a=%ff%zz%", "{\"a\":\"\xef\xbf\xbd%zz%\"}"},
    };
    for (const auto &[query, expected] : rows) {
        is(cluster::query_json(query), expected, "query " + std::string(query));
    }
    std::string many;
    for (int i = 0; i < 2000; ++i) {
        many += "&" + std::to_string(i);
    }
    const std::string json = cluster::query_json(many);
    ok(static_cast<bool>(wire::json::validate(json, 4)) && json.size() < 1000,
       "there are only so many names");
}

// Sockets come and go between the steps: who stays is in the answer, once.
void while_they_move() {
    RosterZone zone(4u << 20);
    for (std::uint32_t i = 0; i < 600; ++i) {
        add(zone.roster, {i, "/", {"a"}});
    }
    RollCall call(zone.roster, question(Says::list_ids, {"a"}));
    std::uint32_t turn = 0;
    std::uint32_t steps = 1;
    for (; call.step(); ++steps) {
        // One leaves; another comes back to its id, behind the cursor.
        for (const std::uint32_t number : {turn * 2 + 1, turn * 2 + 2}) {
            static_cast<void>(
                zone.roster.remove_connection(zone.roster.find_connection(sid_of(number))->ref));
        }
        add(zone.roster, {1000 + turn * 2, "/other", {"a"}}); // where they were
        add(zone.roster, {1001 + turn * 2, "/other", {"a"}});
        add(zone.roster, {turn * 2 + 2, "/", {"a"}});
        ++turn;
    }
    ok(steps > 1, "several steps");
    std::multiset<std::string> seen;
    const PeerMessage answer = call.answer();
    for (const Text id : answer.texts) {
        seen.emplace(id);
    }
    bool once = true;
    bool all = true;
    for (std::uint32_t i = 0; i < 600; ++i) {
        once = once && seen.count(id_of(i)) <= 1;
        all = all && (i <= turn * 2 || seen.count(id_of(i)) == 1);
    }
    ok(once, "nobody twice");
    ok(all, "everybody who was there all the while");
}

void many() {
    constexpr std::uint32_t kMany = 10000;
    RosterZone zone(16u << 20);
    for (std::uint32_t i = 0; i < kMany; ++i) {
        add(zone.roster, {i, "/", {"a", "b"}});
    }
    const auto micros = [](std::clock_t since) { return (std::clock() - since) * 1000000 / CLOCKS_PER_SEC; };
    RollCall call(zone.roster, question(Says::fetch));
    std::clock_t longest = 0;
    int steps = 0;
    const std::clock_t began = std::clock();
    for (bool more = true; more; ++steps) {
        const std::clock_t at = std::clock();
        more = call.step();
        longest = std::max(longest, micros(at));
    }
    std::printf("# fetch of %u: %ld us of CPU in %d steps, the longest %ld us, %zu bytes\n", kMany,
                micros(began), steps, longest, call.answer().envelope.data.size());
    ok(steps > 20, "in many steps");
    ok(static_cast<bool>(wire::json::validate(call.answer().envelope.data, 16)), "it is JSON");
    const std::clock_t at = std::clock();
    is(ask(zone.roster, question(Says::fetch, {id_of(7)})), "7", "one of them");
    std::printf("# one of %u: %ld us\n", kMany, micros(at));
}

} // namespace

int main() {
    who_is_meant();
    as_answered();
    as_node_shows_it();
    moments();
    queries();
    while_they_move();
    many();
    return rt::test::done();
}
