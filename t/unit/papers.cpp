// SPDX-License-Identifier: BSD-2-Clause
// The records of a session as another host sends them: whole, cut anywhere, and with any byte
// changed. What makes no sense leaves no record behind.
#include "papers_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr std::uint32_t kSockets = 3;

// A session of three sockets, the last of which is not connected yet.
hub::RecordRef add_session(PapersHost &host) {
    hub::Handshake handshake;
    handshake.issued = 1795148285282;
    handshake.address = "203.0.113.170";
    handshake.url = "/socket.io/?EIO=4&transport=polling";
    handshake.query = "EIO=4&transport=polling";
    handshake.secure = true;
    handshake.captured = {"one,", "kept"};
    handshake.headers = {{"host", "chat.example.com"}, {"x-one", "1"}, {"x-one", ""}};
    const hub::RecordRef connection =
        *host.directory.add_connection(sid_of(1), handshake, engine::TransportKind::polling);
    for (std::uint32_t i = 1; i <= kSockets; ++i) {
        const std::string id = id_of(i);
        const std::string pid = i == 1 ? pid_of(i) : std::string();
        const std::string nsp = i == 1 ? "/" : "/n-" + std::to_string(i);
        const hub::SocketText socket{nsp, id, i == 2 ? Text("user") : Text(), R"({"token":[1,"x"]})", pid, 5};
        const hub::RecordRef record = *host.directory.add_socket(connection, socket);
        if (i != kSockets) {
            host.directory.set_connected(record);
        }
    }
    return connection;
}

std::string shown(PapersHost &host) {
    std::string all;
    for (const shm::SocketRow &row : all_sockets(host.zone.roster)) {
        all += row.id + " " + row.nsp + " " + row.user + " " + row.pid + " " + row.auth +
               (row.connected ? " yes\n" : " no\n");
    }
    return all;
}

void whole() {
    PapersHost old_home;
    const std::string bytes = old_home.papers(add_session(old_home));
    PapersHost new_home;
    const Result<hub::Papers> papers = new_home.make(sid_of(1), bytes);
    ok(static_cast<bool>(papers), "whole papers are taken");
    is(papers->sockets.size(), std::size_t{kSockets}, "with all sockets");
    is(shown(new_home), shown(old_home), "as they were");
    ok(new_home.papers(papers->connection) == bytes, "and written the same");
    ok(new_home.make(sid_of(1), bytes).code() != Code::ok, "a session comes once");
    is(shown(new_home), shown(old_home), "and the second one changes nothing");
    new_home.registrar.remove(papers->connection);
    ok(new_home.is_empty(), "it goes whole");
}

void cut() {
    PapersHost old_home;
    const std::string bytes = old_home.papers(add_session(old_home));
    PapersHost new_home;
    std::string wrong;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const bool refused = new_home.make(sid_of(1), Text(bytes).substr(0, size)).code() == Code::protocol;
        wrong += refused && new_home.is_empty() ? "" : std::to_string(size) + " ";
    }
    is(wrong, "", "cut anywhere: refused, and nothing is left");
}

void flipped() {
    PapersHost old_home;
    const std::string bytes = old_home.papers(add_session(old_home));
    PapersHost new_home;
    std::string wrong;
    int refused = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
            std::string bad = bytes;
            bad[at] = static_cast<char>(bad[at] ^ flip);
            const Result<hub::Papers> papers = new_home.make(sid_of(1), bad);
            refused += papers ? 0 : 1;
            const bool same = !papers || new_home.papers(papers->connection).size() <= bad.size();
            if (papers) {
                new_home.registrar.remove(papers->connection);
            }
            wrong += same && new_home.is_empty() ? "" : std::to_string(at) + " ";
        }
    }
    is(wrong, "", "any byte changed: refused, or another session; nothing is left");
    ok(refused > 50, "some are refused");
}

void no_room() {
    PapersHost old_home;
    const std::string bytes = old_home.papers(add_session(old_home));
    PapersHost new_home(1U << 14);
    std::uint32_t made = 0;
    while (new_home.make(sid_of(made + 1), bytes)) {
        ++made; // the ids of its sockets are the first one's
    }
    ok(made <= 1, "ids that are here already are refused");
    PapersHost small(1U << 14);
    std::uint32_t clients = 0;
    while (add_client(small.zone.roster, sid_of(100 + clients))) {
        ++clients;
    }
    const auto before = small.zone.roster.counts();
    ok(small.make(sid_of(1), bytes).code() == Code::full, "where there is no room they are refused");
    is(small.zone.roster.counts().connections, before.connections, "and nothing is left");
}

void no_json() {
    PapersHost old_home;
    std::string bytes = old_home.papers(add_session(old_home));
    const std::size_t at = bytes.rfind(R"("x"])");
    bytes[at] = 'x';
    PapersHost new_home;
    ok(new_home.make(sid_of(1), bytes).code() == Code::protocol && new_home.is_empty(),
       "what every answer about its socket would repeat has to be JSON");
}

} // namespace

int main() {
    whole();
    cut();
    flipped();
    no_room();
    no_json();
    return done();
}
