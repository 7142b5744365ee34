// SPDX-License-Identifier: BSD-2-Clause
// Questions to the clients of all workers: who reports, who answers, who is missing, and who must
// not be waited for. Mail is delivered when the test says so, and the clock is the test's.
#include "askers.hpp"
#include "base/base64.hpp"

using namespace rt;
using namespace rt::test;

namespace {

void everybody_answers() {
    Askers host(3);
    const hub::AskerId asker = host.ask();
    ok(static_cast<bool>(asker), "an asker");
    host.asks(0, asker, {1, 2});
    host.asks(1, asker, {});
    host.asks(2, asker, {3});
    host.mail();
    is(host[0].take(), "", "nobody has answered yet");
    host.answers(0, asker, 2, "[\"two\"]");
    host.answers(2, asker, 3, "[]");
    host.mail();
    is(host[0].take(), "", "one is missing");
    host.answers(0, asker, 1, "[1,{\"a\":null}]");
    is(host[0].take(),
       "#7 [" + answer(2, "[\"two\"]") + "," + answer(3, "[]") + "," + answer(1, "[1,{\"a\":null}]") + "][]",
       "all answers, as they came");
    is(host[0].questions.size(), 0U, "the question is closed");
    host.answers(2, asker, 3, "[\"late\"]");
    host.mail();
    is(host[0].take(), "", "what comes later is ignored");
    is(host[0].deadlines.next(), kNever, "no deadline is left");
}

void nobody_is_there() {
    Askers alone(1);
    alone.asks(0, alone.ask(), {});
    is(alone[0].take(), "#7 [][]", "one worker, no sockets: at once");
    Askers host(3);
    const hub::AskerId asker = host.ask();
    host.asks(2, asker, {});
    host.asks(0, asker, {});
    host.mail();
    is(host[0].take(), "", "a worker has not read the question");
    host.asks(1, asker, {});
    host.mail();
    is(host[0].take(), "#7 [][]", "three workers, no sockets");
}

// A worker that has a session between two hosts reports when it has settled, and so does the asker.
void between_hosts() {
    for (const std::size_t worker : {0, 1}) {
        const std::string name = worker == 0 ? "the asker: " : "another worker: ";
        Askers host(2);
        cluster::Unsettled unsettled;
        host[worker].questions.wait_for(unsettled);
        std::optional<cluster::Unsettled::Part> first(std::in_place, unsettled);
        std::optional<cluster::Unsettled::Part> second;
        const hub::AskerId asker = host.ask();
        host.asks(0, asker, {});
        host.asks(1, asker, {});
        host.mail();
        is(host[0].take(), "", name + "nobody was asked, but somebody may be");
        second.emplace(unsettled);
        host[worker].questions.go_on();
        host.mail();
        is(host[0].take(), "", name + "it is between the hosts still");
        host[worker].questions.arrived(asker, sid(1));
        first.reset();
        host[worker].questions.go_on();
        host.mail();
        is(host[0].take(), "", name + "it was asked here in the end");
        host.answers(worker, asker, 1, "[1]");
        host.mail();
        is(host[0].take(), "#7 [" + answer(1, "[1]") + "][]", name + "one that came later is not waited for");
    }
}

void the_time_is_over() {
    Askers host(2);
    const hub::AskerId asker = host.ask(5000);
    host.asks(0, asker, {1, 2});
    host.asks(1, asker, {3, 4});
    host.mail();
    host.answers(1, asker, 3, "[3]");
    host.mail();
    is(host[0].deadlines.next(), 5000, "the deadline");
    host[0].deadlines.expire(4999);
    is(host[0].take(), "", "not before");
    host[0].deadlines.expire(5000);
    is(host[0].take(), "#7 [" + answer(3, "[3]") + "][" + quoted(1) + "," + quoted(2) + "," + quoted(4) + "]",
       "who did not answer is missing, as asked");

    const hub::AskerId unread = host.ask(100);
    host.asks(0, unread, {1});
    host.answers(0, unread, 1, "[]");
    host[0].deadlines.expire(100);
    is(host[0].take(), "#7 [" + answer(1, "[]") + "][]", "a worker that does not report is not waited for");
}

void timeouts() {
    const std::pair<std::uint32_t, std::uint32_t> rows[] = {
        {1, 1},      {9, 9},       {10, 10},     {99, 99},      {100, 100},     {101, 110},
        {999, 1000}, {1234, 1300}, {5000, 5000}, {9901, 10000}, {59001, 60000}, {60000, 60000},
    };
    for (const auto &[asked, kept] : rows) {
        Askers host(1);
        is(host.ask(asked).timeout, kept, std::to_string(asked) + " ms");
        is(host[0].deadlines.next(), static_cast<Millis>(kept), "its deadline");
    }
}

void binary_answers() {
    for (const std::size_t worker : {0, 1}) {
        Askers host(2);
        const hub::AskerId asker = host.ask();
        const std::string one("\0\xff", 2);
        host.asks(worker, asker, {1});
        host.asks(1 - worker, asker, {});
        host.answers(worker, asker, 1, "[0,1]", {as_bytes(one), Bytes(), as_bytes(Text("abc"))});
        host.mail();
        is(host[0].take(),
           "#7 [{\"sid\":\"" + sid(1) + "\",\"args\":[0,1],\"attachments\":[\"AP8=\",\"\",\"YWJj\"]}][]",
           "base64 beside the args, from worker " + std::to_string(worker));
    }
}

void large_answers() {
    Askers host(2);
    const hub::AskerId asker = host.ask();
    const std::string big(1u << 20, 'x');
    host.asks(0, asker, {});
    host.asks(1, asker, {1, 2});
    host.answers(1, asker, 1, "[\"" + big + "\"]");
    host.answers(1, asker, 2, "[]", {as_bytes(big)});
    for (int turn = 0; turn < 1000 && host[0].ended.empty(); ++turn) {
        host[1].mail();
        host[0].mail();
    }
    std::string coded;
    append_base64(coded, as_bytes(big));
    const std::string second = answer(2, "[],\"attachments\":[\"" + coded + "\"]");
    ok(host[0].take() == "#7 [" + answer(1, "[\"" + big + "\"]") + "," + second + "][]",
       "in parts, and whole");

    const hub::AskerId greedy = host.ask();
    host.asks(0, greedy, {1, 2, 3});
    host.asks(1, greedy, {});
    host.mail();
    host.answers(0, greedy, 1, "[\"" + std::string(cluster::Question::kMostAnswers - 100, 'x') + "\"]");
    host.answers(0, greedy, 2, "[\"" + big + "\"]");
    is(host[0].take(), "", "one has not answered");
    host.answers(0, greedy, 3, "[]");
    ok(host[0].take().ends_with(answer(3, "[]") + "][" + quoted(2) + "]"), "what is too much is missing");
}

// Answers that nobody asked for change nothing but what they may.
void odd_answers() {
    Askers host(2);
    const hub::AskerId asker = host.ask();
    host.asks(0, asker, {1});
    host.answers(0, asker, 1, "[1]");
    host.answers(0, asker, 1, "[2]");
    host.answers(1, asker, 5, "[5]");
    host.mail();
    host.asks(1, asker, {5});
    host.mail();
    is(host[0].take(), "#7 [" + answer(1, "[1]") + "," + answer(5, "[5]") + "][]",
       "the first counts; one that overtakes the report counts too");

    const hub::AskerId moved = host.ask();
    host.asks(0, moved, {});
    host[1].questions.arrived(moved, sid(3));
    host.answers(1, moved, 3, "[]");
    host.mail();
    is(host[0].take(), "", "a socket that came is no report");
    host.asks(1, moved, {});
    host.mail();
    is(host[0].take(), "#7 [" + answer(3, "[]") + "][]", "which still follows");

    const hub::AskerId next = host.ask();
    ok(next.slot != asker.slot, "a question of its own");
    host.asks(1, asker, {1});
    host.answers(1, asker, 1, "[\"stale\"]");
    host.mail();
    host.asks(0, next, {});
    host.asks(1, next, {});
    host.mail();
    is(host[0].take(), "#7 [][]", "what names an old question does not reach a new one");
}

void several_questions() {
    Askers host(2);
    const hub::AskerId a = host.ask(5000, 1);
    const hub::AskerId b = host.ask(3000, 2);
    const hub::AskerId c = host.ask(1000, 3);
    for (const hub::AskerId &asker : {a, b, c}) {
        host.asks(0, asker, {});
        host.asks(1, asker, {1});
    }
    host.mail();
    host[0].questions.cancel(c.slot);
    host.answers(1, c, 1, "[\"c\"]");
    host.answers(1, b, 1, "[\"b\"]");
    host.mail();
    is(host[0].take(), "#2 [" + answer(1, "[\"b\"]") + "][]", "each hears its own; a cancelled one nothing");
    host[0].deadlines.expire(1000);
    is(host[0].take(), "", "nor at its deadline");
    is(host[0].questions.size(), 1U, "one is open");
    host[0].questions.end_all();
    is(host[0].take(), "#1 [][" + quoted(1) + "]", "it ends with what there is");
    is(host[0].questions.size(), 0U, "none is");
}

void a_worker_ends() {
    Askers host(3);
    const shm::SeatRef gone = host[2].seat;
    const hub::AskerId early = host.ask(5000, 1);
    host.asks(0, early, {1});
    host.asks(1, early, {});
    host.mail();
    host.answers(0, early, 1, "[]");
    is(host[0].take(), "", "it has not reported");
    host[0].questions.forget(gone);
    host[2].alive = false;
    host.mail();
    is(host[0].take(), "#1 [" + answer(1, "[]") + "][]", "before its report: it is not waited for");

    host[2].alive = true;
    const hub::AskerId buried = host.ask(5000, 1);
    host.asks(0, buried, {});
    host.asks(1, buried, {});
    host.asks(2, buried, {});
    host.close_mailbox(2);
    host.mail();
    is(host[0].take(), "#1 [][]", "nor if another saw its end first");

    const hub::AskerId late = host.ask(5000, 2);
    host.asks(0, late, {});
    host.asks(1, late, {4});
    host.asks(2, late, {5});
    host.mail();
    host.answers(1, late, 4, "[4]");
    host.mail();
    host[0].questions.forget(gone);
    is(host[0].take(), "#2 [" + answer(4, "[4]") + "][" + quoted(5) + "]",
       "after it: its sockets are missing");

    const hub::AskerId unread = host.ask(5000, 3);
    host.asks(0, unread, {});
    host.asks(1, unread, {});
    host.asks(2, unread, {6});
    host[0].questions.forget(gone);
    host.mail();
    is(host[0].take(), "#3 [][" + quoted(6) + "]", "its mail is read after its end was seen");
}

void a_socket_moves() {
    Askers host(3);
    const hub::AskerId asker = host.ask();
    host.asks(0, asker, {});
    host.asks(1, asker, {});
    host.asks(2, asker, {1, 2});
    host.mail();
    host[1].questions.arrived(asker, sid(1));
    host.mail();
    host[0].questions.forget(host[2].seat);
    is(host[0].take(), "", "it outlives the worker that asked it");
    host[0].questions.arrived(asker, sid(2));
    host.answers(1, asker, 1, "[1]");
    host.mail();
    is(host[0].take(), "", "one came after that worker's end was seen");
    host.answers(0, asker, 2, "[2]");
    is(host[0].take(), "#7 [" + answer(1, "[1]") + "," + answer(2, "[2]") + "][]",
       "both answer where they are");

    const hub::AskerId far = host.ask();
    host.asks(0, far, {});
    host.asks(1, far, {3});
    host.asks(2, far, {4});
    host[1].questions.departed(far, sid(3));
    host.mail();
    host[0].questions.forget(host[1].seat);
    is(host[0].take(), "", "one that went to another host is not lost with the worker that had it");
    host[2].questions.departed(far, sid(4));
    host[0].questions.forget(host[2].seat);
    host.mail();
    is(host[0].take(), "", "nor if that worker's end is seen first");
    host[0].questions.answered(far, sid(3), {"[3]", {}});
    host[0].questions.answered(far, sid(4), {"[4]", {}});
    is(host[0].take(), "#7 [" + answer(3, "[3]") + "," + answer(4, "[4]") + "][]", "both answer from there");
}

// The same, but the session travels with its socket: nobody's mail says that it comes.
void with_its_socket() {
    for (const std::size_t to : {0, 2}) {
        Askers host(3);
        const hub::AskerId asker = host.ask();
        host[to].under_way = [&host, &asker, to] { host[to].questions.arrived(asker, sid(1)); };
        for (std::size_t i = 0; i < 3; ++i) {
            host.asks(i, asker, {});
        }
        host.mail();
        is(host[0].take(), "", "who is on the way is waited for");
        host.answers(to, asker, 1, "[\"here\"]");
        host.mail();
        is(host[0].take(), "#7 [" + answer(1, "[\"here\"]") + "][]", "and answers");
    }
    Askers host(2);
    const hub::AskerId asker = host.ask();
    host.asks(1, asker, {1});
    host.mail();
    host[0].under_way = [&] { host[0].questions.arrived(asker, sid(1)); };
    host[0].questions.forget(host[1].seat);
    host.asks(0, asker, {});
    host.mail();
    is(host[0].take(), "", "a worker that handed it over and ended does not take it along");
    host.answers(0, asker, 1, "[1]");
    is(host[0].take(), "#7 [" + answer(1, "[1]") + "][]", "it answers where it is");
}

// A session leaves worker 1 before that reads the question, and reaches worker 2 after that
// did: neither asks it when it reads the question, worker 2 does when the session comes.
void on_the_way() {
    Askers host(3);
    const hub::AskerId asker = host.ask();
    static_cast<void>(host[1].post.send(host[2].seat, kImage, {}));
    host[2].arrival = [&] { host[2].questions.arrived(asker, sid(1)); };
    host.asks(0, asker, {});
    host.asks(1, asker, {});
    host.asks(2, asker, {});
    host[0].mail();
    is(host[0].take(), "", "all have reported nobody: asked once more");
    host[1].mail();
    host[0].mail();
    is(host[0].take(), "", "one has nothing more to tell");
    host[2].mail();
    host[0].mail();
    is(host[0].take(), "", "the other has: the session came");
    host.answers(2, asker, 1, "[\"here\"]");
    host.mail();
    is(host[0].take(), "#7 [" + answer(1, "[\"here\"]") + "][]", "and answers");

    const hub::AskerId last = host.ask();
    for (const std::size_t worker : {0, 1, 2}) {
        host.asks(worker, last, {});
    }
    host[0].mail();
    host[0].questions.forget(host[2].seat);
    host[1].mail();
    host[0].mail();
    is(host[0].take(), "#7 [][]", "who ends in between is not waited for");
}

// Mail of the right kinds and any length: nothing is read beyond its end.
void damaged_mail() {
    Askers host(2); // one of them never reports
    const hub::AskerId asker = host.ask();
    std::string body;
    Writer out(body);
    out.put(asker.slot);
    out.put(std::uint32_t{2});
    body += sid(1) + sid(2) + std::string(40, '\xff');
    for (std::uint16_t kind = cluster::kQuestionMail; kind < cluster::kQuestionMail + 8; ++kind) {
        for (std::size_t size = 0; size <= body.size(); ++size) {
            const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[size]);
            std::copy_n(as_bytes(body).data(), size, exact.get());
            host[0].questions.on_mail(host[0].seat, kind, {exact.get(), size}, 0);
        }
    }
    std::string answered;
    Writer said(answered);
    said.put(asker.slot);
    said.put_text(sid(1));
    said.put(std::uint32_t{5});
    said.put(std::uint32_t{1});
    said.put(std::uint32_t{3});
    answered += "[1,2]abc";
    for (std::size_t size = 0; size < answered.size(); ++size) {
        const std::string part = answered.substr(0, size);
        host[0].questions.on_mail(host[0].seat, cluster::kQuestionMail + 2, as_bytes(part), 0);
    }
    host[0].questions.end_all();
    is(host[0].take(), "#7 [][" + quoted(1) + "," + quoted(2) + "]", "only what is whole counts");
}

} // namespace

int main() {
    everybody_answers();
    nobody_is_there();
    between_hosts();
    the_time_is_over();
    timeouts();
    binary_answers();
    large_answers();
    odd_answers();
    several_questions();
    a_worker_ends();
    a_socket_moves();
    on_the_way();
    with_its_socket();
    damaged_mail();
    return done();
}
