// SPDX-License-Identifier: BSD-2-Clause
// Questions to other servers: they end when all have answered, at the deadline, or with the
// connection, and say who is missing. No server is there, and the clock is the test's.
#include "cluster/peer_questions.hpp"

#include "peer_env.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::test;
using cluster::PeerMessage;
using cluster::PeerTally;
using cluster::Says;

namespace {

class Bench final : public cluster::PeerQuestionEvents {
public:
    void on_peer_answer(Handle by, const PeerMessage &answer) override {
        heard += "<" + std::to_string(by.index) + " " + std::string(answer.envelope.data) + ">";
    }
    void on_tally(Handle by, const PeerTally &tally) override {
        heard += "[" + std::to_string(by.index) + " " +
                 (tally.counted == 0 ? "?" : std::to_string(tally.servers)) + " " +
                 std::to_string(tally.reported) + " " + std::to_string(tally.clients) + "/" +
                 std::to_string(tally.answers) + (tally.complete() ? " end]" : "]");
    }

    Result<Handle> ask(Says says, std::uint32_t by = 7, std::uint32_t timeout = 1000) {
        cluster::PeerQuestion question;
        question.message.says = says;
        question.message.nsp = "/";
        question.by = {by, 1};
        question.events = this;
        question.timeout = timeout;
        return peers.ask(question, 0);
    }
    bool hear(Says says, Text request, Text data = {}, std::uint32_t count = 0) {
        PeerMessage answer;
        answer.says = says;
        answer.nsp = "/";
        answer.request_id = request;
        answer.envelope.data = data;
        answer.count = count;
        return peers.hear(answer);
    }
    void counted(std::uint64_t number, int count) {
        const Reply reply = servers(count);
        peers.on_reply(number, reply.value(), 0);
    }
    std::string take() { return std::exchange(heard, {}); }

    PlainDialect dialect;
    Line line;
    cluster::PeerVoice voice{dialect, line};
    Deadlines deadlines;
    cluster::PeerQuestions peers{voice, deadlines, "me."};
    std::string heard;
};

void all_answer() {
    struct Row {
        Says question;
        Says answer;
    };
    for (const Row &row : {Row{Says::fetch, Says::fetched}, Row{Says::list_rooms, Says::rooms},
                           Row{Says::list_ids, Says::ids}, Row{Says::server_emit, Says::server_answer}}) {
        Bench bench;
        const std::string says = std::to_string(static_cast<int>(row.question));
        ok(static_cast<bool>(bench.ask(row.question)), "a question of kind " + says);
        is(bench.line.take(), "|PUBSUB NUMSUB req/|PUBLISH all " + says + " / #me.1",
           "the servers are counted, then asked");
        ok(bench.hear(row.answer, "me.1", "a"), "an answer before the count");
        is(bench.take(), "<7 a>[7 ? 1 0/0]", "is told");
        bench.counted(1, 3);
        is(bench.take(), "[7 2 1 0/0]", "one of two is missing");
        ok(!bench.hear(Says::client_count, "me.1") && !bench.hear(Says::client_ack, "me.1") &&
               !bench.hear(Says::done, "me.1"),
           "no answer to such a question");
        bench.hear(row.answer, "me.1", "b");
        is(bench.take(), "<7 b>[7 2 2 0/0 end]", "the last one ends it");
        is(bench.peers.size(), 0U, "nothing is left");
        is(bench.deadlines.next(), kNever, "nor a deadline");
        ok(!bench.hear(row.answer, "me.1", "c"), "what comes later is nobody's");
        is(bench.take(), "", "and told to nobody");
    }
}

void acks() {
    Bench bench;
    ok(static_cast<bool>(bench.ask(Says::ask)), "an ask");
    bench.counted(1, 3);
    bench.hear(Says::client_count, "me.1", {}, 2);
    bench.hear(Says::client_ack, "me.1", "1");
    is(bench.take(), "[7 2 0 0/0][7 2 1 2/0]<7 1>[7 2 1 2/1]", "counts and acks");
    bench.hear(Says::client_ack, "me.1", "2");
    is(bench.take(), "<7 2>[7 2 1 2/2]", "a server has not said whom it asked");
    bench.hear(Says::client_count, "me.1", {}, 0);
    is(bench.take(), "[7 2 2 2/2 end]", "nobody");
    ok(!bench.hear(Says::fetched, "me.1"), "over");

    ok(static_cast<bool>(bench.ask(Says::ask)), "another");
    bench.hear(Says::client_count, "me.2", {}, UINT32_MAX);
    bench.hear(Says::client_count, "me.2", {}, UINT32_MAX);
    is(bench.take(), "[7 ? 1 4294967295/0][7 ? 2 4294967295/0]", "no count overflows");
}

void nobody_else() {
    for (const int count : {1, 0}) {
        Bench bench;
        ok(static_cast<bool>(bench.ask(Says::ask)), "an ask");
        bench.counted(1, count);
        is(bench.take(), "[7 0 0 0/0 end]", "alone: at once");
    }
}

void too_late() {
    Bench bench;
    const auto question = bench.ask(Says::fetch, 7, 1000);
    bench.counted(1, 4);
    bench.hear(Says::fetched, "me.1", "a");
    bench.take();
    bench.deadlines.expire(999);
    is(bench.take(), "", "not before its time");
    bench.deadlines.expire(1000);
    is(bench.take(), "[7 3 1 0/0 end]", "what came in, and two are missing");
    ok(!bench.hear(Says::fetched, "me.1", "b"), "late");
    bench.peers.cancel(*question);

    const char *replies[] = {"-NOPERM no\r\n",
                             "*0\r\n",
                             ":3\r\n",
                             "*2\r\n$1\r\na\r\n:-1\r\n",
                             "*2\r\n$1\r\na\r\n$1\r\n3\r\n",
                             "*2\r\n$1\r\na\r\n:4294967296\r\n"};
    std::uint64_t number = 1;
    for (const char *text : replies) {
        ok(static_cast<bool>(bench.ask(Says::fetch)), "not counted");
        const Reply reply(text);
        bench.peers.on_reply(++number, reply.value(), 0);
        is(bench.take(), "", "goes on");
        bench.deadlines.expire(1000);
        is(bench.take(), "[7 ? 0 0/0 end]", "and ends in time");
    }
}

void lost() {
    Bench bench;
    bench.line.up = false;
    ok(bench.ask(Says::ask).code() == Code::unavailable, "Redis is away");
    is(bench.peers.size(), 0U, "no question");
    bench.line.up = true;
    ok(static_cast<bool>(bench.ask(Says::ask)), "an ask");
    bench.peers.on_reply(2, nullptr, 0);
    is(bench.take(), "[7 ? 0 0/0 end]", "the connection is lost with it");
    bench.peers.on_reply(2, nullptr, 0);
    is(bench.take(), "", "once");

    ok(static_cast<bool>(bench.ask(Says::ask, 1)) && static_cast<bool>(bench.ask(Says::fetch, 2)), "two");
    const auto third = bench.ask(Says::fetch, 3);
    bench.peers.cancel(*third);
    bench.peers.end_all();
    is(bench.take(), "[1 ? 0 0/0 end][2 ? 0 0/0 end]", "all end; a cancelled one is not heard of");
    is(bench.peers.size(), 0U, "none is open");
}

void odd_answers() {
    Bench bench;
    ok(static_cast<bool>(bench.ask(Says::fetch)), "a question");
    for (const Text id : {"", "me.", "me.2", "me.x", "me.1 ", "you.1", "1", "me.99999999999999999999"}) {
        ok(!bench.hear(Says::fetched, id, "x"), "no question of ours: " + std::string(id));
    }
    is(bench.take(), "", "nothing is told");
    bench.counted(77, 1);
    is(bench.take(), "", "nor by a count of nothing");
    for (std::size_t i = 1; i < cluster::PeerQuestions::kMost; ++i) {
        static_cast<void>(bench.ask(Says::fetch));
    }
    ok(bench.ask(Says::fetch).code() == Code::full, "there are only so many");
}

} // namespace

int main() {
    all_answer();
    acks();
    nobody_else();
    too_late();
    lost();
    odd_answers();
    return rt::test::done();
}
