// SPDX-License-Identifier: BSD-2-Clause
// The Socket.IO side of one connection: what joins and leaves a namespace, what is refused, what
// closes the connection and what is dropped, its two timeouts, and its image.
#include "engine/client.hpp"

#include "engine_env.hpp"

#include <optional>
#include <set>

using namespace rt;
using namespace rt::test;

namespace {

namespace sio = wire::sio;

engine::SessionSettings settings() {
    engine::SessionSettings made;
    made.ping_interval = 1000000;
    made.connect_timeout = 48; // so short that no time left is rounded
    made.max_payload = 1000;
    made.limits.namespaces = 3;
    made.limits.attachments = 2;
    made.limits.depth = 4;
    return made;
}

// The names of namespaces, as the hub would keep them.
Text interned(const std::string &name) {
    static std::set<std::string> names;
    return *names.insert(name).first;
}

// A client on a session of SessionBench. Further words: accept:/a refuse:/a out:/a what the
// application answers; every P is told `r1 200o ok` by the session.
class ClientBench final : public engine::SessionEvents, public engine::ClientEvents {
public:
    ClientBench() : bench(settings()) {
        bench.start(engine::TransportKind::polling);
        renew();
        client_->start(0);
    }

    std::string run(const std::string &script) {
        for (const std::string &word : split(script, ' ')) {
            const std::size_t colon = word.find(':');
            const std::string verb = word.substr(0, colon);
            const std::string name = colon == std::string::npos ? "" : word.substr(colon + 1);
            if (verb == "accept") {
                client_->accept(interned(name), {++sockets_, 1}, "{\"sid\":\"s\"}", bench.notes.now);
            } else if (verb == "refuse") {
                client_->refuse(name, "{\"message\":\"no\"}", bench.notes.now);
            } else if (verb == "out") {
                client_->put_out(name, bench.notes.now);
            } else if (verb == "move") {
                move();
            } else if (verb == "quiet") {
                bench.notes.add(client_->quiet() ? "quiet" : "not quiet");
            } else {
                told_ += bench.run(word) + "; ";
            }
            bench.turn.flush(bench.notes.now);
        }
        told_ += bench.notes.take();
        return clean(std::exchange(told_, {}));
    }

    SessionBench bench;

private:
    void renew() {
        bench.events.upper = this;
        client_.emplace(*bench.session, *this, bench.deadlines);
    }

    void move() {
        std::string image;
        Writer out(image);
        client_->freeze(out, bench.notes.now);
        client_.reset();
        bench.move();
        renew();
        Reader in(image);
        const auto members = client_->thaw(in, bench.notes.now);
        if (!members || !in.at_end()) {
            bench.notes.add("not thawed");
            return;
        }
        for (const auto &member : *members) {
            if (member.joined) {
                client_->adopt(interned(member.nsp), {++sockets_, 1});
            }
        }
    }

    // Without the empty parts, and without the answers to POSTs.
    static std::string clean(const std::string &told) {
        std::string out;
        for (std::string part : split(told, ';')) {
            part.erase(0, part.find_first_not_of(' '));
            const bool post = part.find(" 200o ok") != std::string::npos;
            out += part.empty() || post ? "" : (out.empty() ? "" : "; ") + part;
        }
        return out;
    }

    static std::string joined(std::span<const Bytes> attachments) {
        std::string out;
        for (const Bytes bytes : attachments) {
            out += " #" + std::string(as_text(bytes));
        }
        return out;
    }

    void on_text(Text data, Millis now) override { client_->on_text(data, now); }
    void on_binary(Bytes data, Millis now) override { client_->on_binary(data, now); }
    void on_closed(engine::CloseReason, Millis) override { client_->stop(); }
    void on_slow(Millis) override {}
    void on_finished() override {}

    void on_connect(Text nsp, Text auth, Millis) override {
        bench.notes.add("connect " + std::string(nsp) + " " + std::string(auth));
    }
    void on_event(Handle socket, const sio::Packet &packet, std::span<const Bytes> attachments,
                  Millis) override {
        bench.notes.add("event " + std::to_string(socket.index) + " " + std::string(packet.data) +
                        joined(attachments));
    }
    void on_ack(Handle socket, const sio::Packet &packet, std::span<const Bytes> attachments,
                Millis) override {
        bench.notes.add("ack " + std::to_string(socket.index) + " " + std::to_string(packet.id.value_or(0)) +
                        " " + std::string(packet.data) + joined(attachments));
    }
    void on_leave(Handle socket, Millis) override {
        bench.notes.add("leave " + std::to_string(socket.index));
    }
    void on_bad_packet(Error error) override { bench.notes.add("bad: " + std::string(error.where)); }
    void on_too_many_namespaces() override { bench.notes.add("too many"); }

    std::optional<engine::Client> client_;
    std::string told_;
    std::uint32_t sockets_ = 0;
};

struct Case {
    const char *name;
    const char *script;
    const char *told;
};

constexpr Case kJoining[] = {
    {"CONNECT", "P1:40 accept:/ G1", "0 connect / {}; 0 r1 200p 40{\"sid\":\"s\"}"},
    {"with auth, elsewhere", "P1:40/a,{\"t\":1} accept:/a G1",
     "0 connect /a {\"t\":1}; 0 r1 200p 40/a,{\"sid\":\"s\"}"},
    {"refused", "P1:40/a, refuse:/a G1 P2:40/a,",
     "0 connect /a {}; 0 r1 200p 44/a,{\"message\":\"no\"}; 0 connect /a {}"},
    {"events and acks", "P1:40|40/a, accept:/ accept:/a P2:42[\"x\",1]|42/a,[\"y\"]|437[2]",
     "0 connect / {}; 0 connect /a {}; 0 event 1 [\"x\",1]; 0 event 2 [\"y\"]; 0 ack 1 7 [2]"},
    {"attachments",
     "P1:40 accept:/ "
     "P2:452-[\"x\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]|bYQ==|bYg==",
     "0 connect / {}; 0 event 1 [\"x\",{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}] "
     "#a #b"},
    {"a binary ack", "P1:40 accept:/ P2:461-3[{\"_placeholder\":true,\"num\":0}]|bYQ==",
     "0 connect / {}; 0 ack 1 3 [{\"_placeholder\":true,\"num\":0}] #a"},
    {"DISCONNECT, and again CONNECT", "P1:40 accept:/ P2:41 P3:40 accept:/ P4:42[\"x\"]",
     "0 connect / {}; 0 leave 1; 0 connect / {}; 0 event 2 [\"x\"]"},
    {"put out", "P1:40 accept:/ out:/ G1 out:/ G2", "0 connect / {}; 0 r1 200p 40{\"sid\":\"s\"}|41"},
    {"an answer for nobody", "accept:/ G1", ""},
};

// What races the end of its namespace is dropped; what was never joined closes the connection.
constexpr Case kRaces[] = {
    {"behind our DISCONNECT",
     "P1:40|40/a, accept:/ accept:/a out:/a P2:42/a,[\"x\"]|43/a,1[]|41/a,|42[\"y\"]",
     "0 connect / {}; 0 connect /a {}; 0 event 1 [\"y\"]"},
    {"behind the client's own", "P1:40|40/a, accept:/ accept:/a P2:41/a,|42/a,[\"x\"]|42[\"y\"]",
     "0 connect / {}; 0 connect /a {}; 0 leave 2; 0 event 1 [\"y\"]"},
    {"an event before any CONNECT", "P1:42[\"x\"]",
     "0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
    {"an event for another namespace", "P1:40 accept:/ P2:42/a,[\"x\"]|42[\"y\"]",
     "0 connect / {}; 0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
    {"an event before the answer", "P1:40|42[\"x\"]",
     "0 connect / {}; 0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
    {"an event after the refusal", "P1:40 refuse:/ P2:42[\"x\"]",
     "0 connect / {}; 0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
    {"a second CONNECT", "P1:40 accept:/ P2:40",
     "0 connect / {}; 0 bad: second CONNECT to a namespace; 0 closed parse error; 0 finished"},
    {"a second CONNECT before the answer", "P1:40|40",
     "0 connect / {}; 0 bad: second CONNECT to a namespace; 0 closed parse error; 0 finished"},
    {"CONNECT_ERROR from a client", "P1:40 accept:/ P2:44{\"message\":\"x\"}",
     "0 connect / {}; 0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
    {"an unknown packet", "P1:49", "0 bad: unknown Socket.IO packet type; 0 closed parse error; 0 finished"},
    {"text among attachments", "P1:40 accept:/ P2:451-[\"x\",{\"_placeholder\":true,\"num\":0}]|42[\"y\"]",
     "0 connect / {}; 0 bad: text while attachments are outstanding; 0 closed parse error; 0 finished"},
    {"bytes that nothing announced", "P1:40 accept:/ P2:bYQ==",
     "0 connect / {}; 0 bad: binary message that no packet announced; 0 closed parse error; 0 finished"},
    {"too deep", "P1:40 accept:/ P2:42[[[[[1]]]]]",
     "0 connect / {}; 0 bad: JSON is nested too deep; 0 closed parse error; 0 finished"},
    {"too many attachments", "P1:40 accept:/ P2:453-[\"x\"]",
     "0 connect / {}; 0 bad: too many attachments; 0 closed parse error; 0 finished"},
};

constexpr Case kBounds[] = {
    {"as many namespaces as allowed", "P1:40|40/a,|40/b, P2:40/c, G1",
     "0 connect / {}; 0 connect /a {}; 0 connect /b {}; 0 too many; 0 r1 200p 44/c,{\"message\":\"Too many "
     "namespaces\"}"},
    {"what was left does not count",
     "P1:40 accept:/ P2:40/1, accept:/1 P3:41/1,|40/2, accept:/2 P4:41/2,|40/3, accept:/3 P5:41/3,|40/4, "
     "accept:/4 "
     "P6:41/4,|40/5, accept:/5 P7:41/5,|40/6, accept:/6 P8:42/6,[\"x\"]|42/5,[\"late\"]|42[\"y\"]",
     "0 connect / {}; 0 connect /1 {}; 0 leave 2; 0 connect /2 {}; 0 leave 3; 0 connect /3 {}; 0 leave 4; "
     "0 connect /4 {}; 0 leave 5; 0 connect /5 {}; 0 leave 6; 0 connect /6 {}; 0 event 7 [\"x\"]; 0 event 1 "
     "[\"y\"]"},
    {"and the oldest is forgotten",
     "P1:40 accept:/ P2:40/1, accept:/1 P3:41/1,|40/2, accept:/2 P4:41/2,|40/3, accept:/3 P5:41/3,|40/4, "
     "accept:/4 "
     "P6:41/4,|40/5, accept:/5 P7:41/5,|40/6, P8:42/1,[\"x\"]",
     "0 connect / {}; 0 connect /1 {}; 0 leave 2; 0 connect /2 {}; 0 leave 3; 0 connect /3 {}; 0 leave 4; "
     "0 connect /4 {}; 0 leave 5; 0 connect /5 {}; 0 leave 6; 0 connect /6 {}; "
     "0 bad: packet for a namespace that is not joined; 0 closed parse error; 0 finished"},
};

constexpr Case kTimeouts[] = {
    {"nothing joined: not before its time", "P1:40 +47", "0 connect / {}"},
    {"nothing joined: the end", "P1:40 +48", "0 connect / {}; 48 closed forced close"},
    {"a refusal is no join", "P1:40 refuse:/ +48 G1",
     "0 connect / {}; 48 closed forced close; 48 r1 200p 44{\"message\":\"no\"}"},
    {"one join is enough, for ever", "P1:40 accept:/ P2:41 +100", "0 connect / {}; 0 leave 1"},
    {"attachments that never come",
     "P1:40 accept:/ P2:452-[\"x\",{\"_placeholder\":true,\"num\":0}] +9999 P3:bYQ== +9999 +1",
     "0 connect / {}; 19999 bad: attachments did not arrive; 19999 closed parse error; 19999 finished"},
    {"attachments that come",
     "P1:40 accept:/ P2:451-[\"x\",{\"_placeholder\":true,\"num\":0}] +9999 P3:bYQ== +10000",
     "0 connect / {}; 9999 event 1 [\"x\",{\"_placeholder\":true,\"num\":0}] #a"},
    {"attachments announced before the answer", "P1:40 P2:451-[\"x\"] accept:/ +9999 +1",
     "0 connect / {}; 10000 bad: attachments did not arrive; 10000 closed parse error; 10000 finished"},
};

constexpr Case kMoves[] = {
    {"joined", "P1:40|40/a, accept:/ accept:/a P2:42[\"x\"]|42/a,[\"y\"]", ""},
    {"left", "P1:40|40/a, accept:/ accept:/a P2:41/a, P3:42/a,[\"x\"]|42[\"y\"]", ""},
    {"nothing yet", "+47 P1:+1", ""},
    {"attachments on their way",
     "P1:40 accept:/ P2:452-[\"x\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}] "
     "P3:bYQ== P4:bYg==",
     ""},
    {"attachments that never come", "P1:40 accept:/ P2:451-[\"x\"] +9000 +1400", "at about that time"},
    {"a timeout that is due", "+48", ""},
};

template <std::size_t Size> void check(const Case (&cases)[Size]) {
    for (const Case &one : cases) {
        is(ClientBench().run(one.script), one.told, one.name);
    }
}

// Cut before each step at which no CONNECT waits for its answer. Handles change, so events are
// told without them.
std::string without_handles(std::string told) {
    for (const char *word : {"event ", "leave ", "ack "}) {
        for (std::size_t at = told.find(word); at != std::string::npos; at = told.find(word, at + 1)) {
            const std::size_t from = at + std::string(word).size();
            told.erase(from, told.find_first_of(" ;", from) - from);
        }
    }
    return told;
}

std::string without_moments(const std::string &told) {
    std::string out;
    for (const std::string &part : split(told, ';')) {
        out += part.substr(std::min(part.find_first_not_of(" 0123456789"), part.size())) + ";";
    }
    return out;
}

void check_moves() {
    for (const Case &one : kMoves) {
        const std::vector<std::string> words = split(one.script, ' ');
        const std::string whole = without_handles(ClientBench().run(one.script));
        for (std::size_t cut = 0; cut <= words.size(); ++cut) {
            ClientBench client;
            std::string told;
            for (std::size_t i = 0; i < words.size(); ++i) {
                const bool may = client.run("quiet").find("not") == std::string::npos;
                if (i == cut && may && client.bench.session->open()) {
                    told += client.run("move");
                }
                const std::string step = client.run(words[i]);
                told += (told.empty() || step.empty() ? "" : "; ") + step;
            }
            const bool exact = *one.told == '\0';
            is(exact ? without_handles(told) : without_moments(told), exact ? whole : without_moments(whole),
               std::string("moved: ") + one.name + ", before step " + std::to_string(cut + 1));
        }
    }
}

// It moves in the very millisecond in which its deadline is due and has not come.
void check_due() {
    ClientBench client;
    client.bench.notes.now += 48;
    is(client.run("move +1"), "49 closed forced close", "a deadline that is due is not lost");
}

void check_refusals() {
    ClientBench client;
    std::string told;
    for (int i = 0; i < 33; ++i) {
        told = client.run(i == 20 ? "move P1:40/a, refuse:/a" : "P1:40/a, refuse:/a");
    }
    is(told, "0 connect /a {}; 0 bad: too many refused namespaces; 0 closed parse error; 0 finished",
       "the 33rd refusal ends the connection, moved or not");
}

void check_quiet() {
    ClientBench client;
    is(client.run("quiet P1:40 quiet accept:/ quiet P2:40/a, quiet refuse:/a quiet"),
       "0 quiet; 0 connect / {}; 0 not quiet; 0 quiet; 0 connect /a {}; 0 not quiet; 0 quiet",
       "quiet while no CONNECT waits");
}

} // namespace

int main() {
    check(kJoining);
    check(kRaces);
    check(kBounds);
    check(kTimeouts);
    check_moves();
    check_due();
    check_refusals();
    check_quiet();
    return rt::test::done();
}
