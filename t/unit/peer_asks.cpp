// SPDX-License-Identifier: BSD-2-Clause
// Acks across servers. In: other servers get a count and every answer, once, in this order. Out: a
// worker's question waits for them. Redis and the other servers are the test's; so is the clock.
#include "cluster/peer_asks.hpp"

#include "askers.hpp"
#include "peer_env.hpp"

using namespace rt;
using namespace rt::test;
using cluster::PeerAsks;
using cluster::PeerMessage;
using cluster::Says;

namespace {

// What is published, as the log would have it.
class Published final : public hub::Bus {
public:
    Result<hub::Position> publish(const hub::Envelope &envelope) override {
        if (full) {
            return {Code::too_big, "too big"};
        }
        ++count;
        last = envelope;
        return hub::Position{count};
    }
    void catch_up(hub::Position, Millis) override {}
    void note(const hub::Envelope &) override {}
    bool replay(hub::Position, hub::Position, Fn<void(const hub::Envelope &, hub::Position)>) override {
        return false;
    }
    [[nodiscard]] bool holds(hub::Position) const noexcept override { return false; }
    [[nodiscard]] hub::Position tail() const noexcept override { return 0; }
    [[nodiscard]] hub::Position head() const noexcept override { return count; }
    [[nodiscard]] hub::Position cursor() const noexcept override { return 0; }

    bool full = false;
    hub::Position count = 0;
    hub::Envelope last;
};

// The bridge is at the first worker of some.
struct Bridge {
    explicit Bridge(std::uint32_t workers) : host(workers) {}

    void hear_ask(Text request, std::uint32_t timeout = 500) {
        PeerMessage ask;
        ask.says = Says::ask;
        ask.nsp = "/";
        ask.uid = "node";
        ask.request_id = request;
        ask.envelope.data = "[\"q\"]";
        ask.envelope.is_volatile = true;
        ask.envelope.asker.timeout = timeout;
        asks->hear_ask(ask, 0);
    }
    // Another server's answer to the first question that was asked of it.
    void hear(Says says, Text data, std::uint32_t count = 0, std::vector<Bytes> attachments = {}) {
        PeerMessage answer;
        answer.says = says;
        answer.request_id = "me.1";
        answer.envelope.data = data;
        answer.envelope.attachments = std::move(attachments);
        answer.count = count;
        peers.hear(answer);
        host.mail();
    }
    void counted(int count) {
        const Reply reply = servers(count);
        peers.on_reply(1, reply.value(), 0);
        host.mail();
    }
    // Asked by a worker, read by all.
    hub::AskerId ask_out(std::size_t worker, std::uint32_t timeout = 5000) {
        Asker &asker = host[worker];
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.data = "[\"q\"]";
        envelope.asker =
            asker.questions.open({.by = {7, 1}, .timeout = timeout, .live = nullptr, .abroad = true}, 0);
        asks->carry(envelope, 0, 0);
        return envelope.asker;
    }

    Askers host;
    PlainDialect dialect;
    Line line;
    cluster::PeerVoice voice{dialect, line};
    Published bus;
    cluster::PeerQuestions peers{voice, host[0].deadlines, "me."};
    std::unique_ptr<PeerAsks> asks = std::make_unique<PeerAsks>(
        PeerAsks::Ports{voice, peers, host[0].questions, bus, host[0].deadlines}, 5000);
};

constexpr Text kCount = "|PUBLISH to-node 9 / #r1 "; // client_count
constexpr Text kAck = "|PUBLISH to-node 10 / #r1";   // client_ack

std::string count_of(int clients) { return std::string(kCount) + std::to_string(clients); }
std::string ack_of(const std::string &data) { return std::string(kAck) + (data.empty() ? "" : " ") + data; }

void in() {
    is(static_cast<int>(Says::client_count), 9, "the numbers that are expected below");
    Bridge bridge(3);
    bridge.hear_ask("r1");
    const hub::Envelope &said = bridge.bus.last;
    ok(bridge.bus.count == 1 && said.remote && !said.is_volatile && said.nsp == "/" &&
           said.data == "[\"q\"]" && said.asker.seat == 0 && said.asker.timeout == 500,
       "it is published on this host, with an asker");
    bridge.host.asks(0, said.asker, {1});
    bridge.host.asks(1, said.asker, {2, 3, 4});
    bridge.host.answers(1, said.asker, 2, "[\"early\",1]");
    bridge.host.mail();
    is(bridge.line.take(), "", "a worker has not reported: nothing is said");
    bridge.host.asks(2, said.asker, {});
    bridge.host.mail();
    is(bridge.line.take(), count_of(4) + ack_of("\"early\""), "the count goes before the answers");
    bridge.host.answers(0, said.asker, 1, "[]");
    is(bridge.line.take(), ack_of(""), "an answer without an argument");
    const std::string one("\0\xff", 2);
    bridge.host.answers(1, said.asker, 3,
                        R"([{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}])",
                        {as_bytes(Text("second")), as_bytes(one)});
    bridge.host.mail();
    is(bridge.line.take(), ack_of(R"({"a":{"_placeholder":true,"num":0}} <)" + one + ">"),
       "of the Buffers, those of the first argument");
    is(bridge.asks->size(), 1U, "one has not answered");
    bridge.host.answers(1, said.asker, 4, "[null]");
    bridge.host.mail();
    is(bridge.line.take(), ack_of("null"), "the last answer");
    is(bridge.asks->size(), 0U, "nothing is left here");
    is(bridge.host[0].questions.size(), 0U, "nor in the books");
    is(bridge.host[0].deadlines.next(), kNever, "nor a deadline");
}

void nobody_meant() {
    Bridge bridge(2);
    bridge.hear_ask("r1");
    bridge.host.asks(0, bridge.bus.last.asker, {});
    bridge.host.asks(1, bridge.bus.last.asker, {});
    bridge.host.mail();
    is(bridge.line.take(), count_of(0), "none, at once");
    is(bridge.asks->size(), 0U, "and over");
}

void in_time() {
    Bridge bridge(1);
    bridge.hear_ask("r1", 300);
    const hub::AskerId asker = bridge.bus.last.asker;
    bridge.host.asks(0, asker, {1, 2});
    is(bridge.line.take(), count_of(2), "two");
    bridge.host.answers(0, asker, 1, "[1]");
    is(bridge.line.take(), ack_of("1"), "one answers");
    bridge.host[0].deadlines.expire(300);
    is(bridge.asks->size(), 0U, "the time is over");
    bridge.host.answers(0, asker, 2, "[2]");
    is(bridge.line.take(), "", "a late answer is nobody's");

    for (const auto &[said, kept] : {std::pair(0U, 5000U), std::pair(7000000U, 600000U)}) {
        bridge.hear_ask("r1", said);
        is(bridge.bus.last.asker.timeout, kept, "a timeout of " + std::to_string(said));
    }
}

// A worker hangs: nobody can say how many it will ask.
void a_worker_hangs() {
    Bridge bridge(2);
    bridge.hear_ask("r1", 1000);
    const hub::AskerId asker = bridge.bus.last.asker;
    bridge.host.asks(0, asker, {1, 2});
    bridge.host.answers(0, asker, 1, "[1]");
    bridge.host[0].deadlines.expire(PeerAsks::kHold - 1);
    is(bridge.line.take(), "", "answers are held");
    bridge.host[0].deadlines.expire(PeerAsks::kHold);
    is(bridge.line.take(), ack_of("1"), "but not for long");
    bridge.host.answers(0, asker, 2, "[2]");
    is(bridge.line.take(), ack_of("2"), "and not from then on");
    bridge.host[0].deadlines.expire(1000);
    is(bridge.line.take(), count_of(2), "the count that is known, when the time is over");
    is(bridge.asks->size(), 0U, "and over");
    bridge.hear_ask("r1", 1000);
    bridge.host.asks(0, bridge.bus.last.asker, {1});
    bridge.host[0].questions.forget(bridge.host[1].seat);
    is(bridge.line.take(), count_of(1), "one that died is not waited for");
}

void refused() {
    Bridge bridge(1);
    bridge.bus.full = true;
    bridge.hear_ask("r1");
    is(bridge.line.take(), count_of(0), "the log does not take it: nobody is asked");
    is(bridge.asks->size(), 0U, "nothing is open");
    is(bridge.host[0].questions.size(), 0U, "nor in the books");
    bridge.bus.full = false;
    for (std::size_t i = 0; i < PeerAsks::kMost; ++i) {
        bridge.hear_ask("r1");
    }
    is(bridge.line.take(), "", "many at once");
    bridge.hear_ask("r1");
    ok(!bridge.bus.last.asker, "one more is published without an asker");
    is(bridge.line.take(), count_of(0), "and answered at once");
    const hub::AskerId first{0, 1, {0, 1}, 500};
    bridge.asks.reset();
    is(bridge.host[0].questions.size(), 0U, "the bridge goes, and its questions with it");
    bridge.host.asks(0, first, {1});
    bridge.host[0].deadlines.expire(10000);
    is(bridge.line.take(), "", "nobody is told who is gone");
}

void server_emit() {
    Bridge bridge(1);
    PeerMessage emit;
    emit.says = Says::server_emit;
    emit.nsp = "/";
    emit.uid = "node";
    bridge.asks->hear_server_emit(emit);
    is(bridge.line.take(), "", "nobody wants an answer");
    emit.request_id = "r1";
    bridge.asks->hear_server_emit(emit);
    is(bridge.line.take(), "|PUBLISH to-node 14 / #r1 null", "one that is counted");
}

std::string stranger(const std::string &args) { return "{\"sid\":null,\"args\":" + args + "}"; }

void out() {
    for (const std::size_t worker : {0, 1}) {
        Bridge bridge(2);
        const std::string from = ", asked by worker " + std::to_string(worker);
        const hub::AskerId asker = bridge.ask_out(worker);
        is(bridge.line.take(), "|PUBSUB NUMSUB req/|PUBLISH all 4 / #me.1 [\"q\"]", "asked" + from);
        bridge.host.asks(0, asker, {1});
        bridge.host.asks(1, asker, {});
        bridge.host.answers(0, asker, 1, "[\"here\"]");
        bridge.host.mail();
        is(bridge.host[worker].take(), "", "the others are waited for" + from);
        bridge.counted(3);
        bridge.hear(Says::client_count, {}, 2);
        bridge.hear(Says::client_ack, "\"far\"");
        bridge.hear(Says::client_ack, "");
        is(bridge.host[worker].take(), "", "one has not said whom it asked" + from);
        bridge.hear(Says::client_count, {}, 1);
        bridge.hear(Says::client_ack, R"({"_placeholder":true,"num":0})", 0, {as_bytes(Text("abc"))});
        is(bridge.host[worker].take(),
           "#7 [" + answer(1, "[\"here\"]") + "," + stranger("[\"far\"]") + "," + stranger("[]") + "," +
               R"({"sid":null,"args":[{"_placeholder":true,"num":0}],"attachments":["YWJj"]}][] abroad 0/0)",
           "all answers" + from);
        is(bridge.asks->size(), 0U, "nothing is left" + from);
        is(bridge.peers.size(), 0U, "nor with the others" + from);
    }
}

void out_missing() {
    Bridge bridge(2);
    const hub::AskerId asker = bridge.ask_out(1, 1000);
    bridge.host.asks(0, asker, {1});
    bridge.host.asks(1, asker, {});
    bridge.counted(3);
    bridge.hear(Says::client_count, {}, 5);
    bridge.hear(Says::client_ack, "1");
    bridge.host[1].deadlines.expire(1000);
    is(bridge.host[1].take(), "#7 [" + stranger("[1]") + "][" + quoted(1) + "] abroad 1/4",
       "a server, four of its clients and one here are missing");
    bridge.host[0].deadlines.expire(1000);
    bridge.host.mail();
    is(bridge.host[1].take(), "", "once");
    is(bridge.asks->size(), 0U, "the bridge forgets it too");

    Bridge uncounted(1);
    const hub::AskerId other = uncounted.ask_out(0, 1000);
    uncounted.host.asks(0, other, {});
    is(uncounted.host[0].take(), "", "Redis has not counted");
    uncounted.host[0].deadlines.expire(1000);
    is(uncounted.host[0].take(), "#7 [][] abroad ?/0", "how many are missing nobody knows");

    Bridge alone(1);
    alone.host.asks(0, alone.ask_out(0), {});
    alone.counted(1);
    is(alone.host[0].take(), "#7 [][] abroad 0/0", "there is nobody else");
}

void out_away() {
    Bridge bridge(2);
    bridge.line.up = false;
    const hub::AskerId asker = bridge.ask_out(1);
    bridge.host.asks(0, asker, {});
    bridge.host.asks(1, asker, {});
    bridge.host.mail();
    is(bridge.host[1].take(), "#7 [][] abroad ?/0", "Redis went away: nobody waits for the others");
    bridge.line.up = true;
    const hub::AskerId lost = bridge.ask_out(1);
    bridge.host.asks(0, lost, {});
    bridge.host.asks(1, lost, {});
    bridge.peers.on_reply(2, nullptr, 0);
    bridge.host.mail();
    is(bridge.host[1].take(), "#7 [][] abroad ?/0", "or after it was asked");
    const hub::AskerId stale = bridge.ask_out(1);
    bridge.host.asks(0, stale, {});
    bridge.host.asks(1, stale, {});
    bridge.asks->refuse(stale);
    bridge.host.mail();
    is(bridge.host[1].take(), "#7 [][] abroad ?/0", "or is not carried at all");
    bridge.asks.reset();
    is(bridge.peers.size(), 0U, "the bridge goes, and its questions with it");
}

// Too many answers are not kept, and not waited for.
void greedy() {
    Bridge bridge(1);
    bridge.host.asks(0, bridge.ask_out(0), {});
    bridge.counted(2);
    bridge.hear(Says::client_count, {}, 2);
    bridge.hear(Says::client_ack, "\"" + std::string(cluster::Question::kMostAnswers, 'x') + "\"");
    bridge.hear(Says::client_ack, "1");
    is(bridge.host[0].take(), "#7 [" + stranger("[1]") + "][] abroad 0/1", "what is too much is missing");
}

} // namespace

int main() {
    in();
    nobody_meant();
    in_time();
    a_worker_hangs();
    refused();
    server_emit();
    out();
    out_missing();
    out_away();
    greedy();
    return rt::test::done();
}
