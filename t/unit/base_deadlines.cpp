// SPDX-License-Identifier: BSD-2-Clause
// Deadlines: order, restart, stop, and callbacks that start, stop, destroy, throw or re-enter.
#include "base/deadlines.hpp"

#include "tap.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;

namespace {

// Writes its name into a log when it is due, then does what it was told.
struct Bell final : Deadline {
    explicit Bell(std::string &log_, char name_) : log(log_), name(name_) {}

    void on_deadline(Millis now) override {
        log += name;
        if (then) {
            then(now);
        }
    }

    std::string &log;
    char name;
    std::function<void(Millis)> then;
};

struct Fixture {
    std::string log;
    Deadlines deadlines;
    Bell a{log, 'a'};
    Bell b{log, 'b'};
    Bell c{log, 'c'};

    std::string rings(Millis now) {
        log.clear();
        deadlines.expire(now);
        return log;
    }
};

void test_next() {
    Fixture f;
    is(f.deadlines.next(), kNever, "nothing runs: never");
    is(f.rings(1000), "", "and nothing rings");
    f.deadlines.start(f.a, 100, 50);
    f.deadlines.start(f.b, 100, 20);
    is(f.deadlines.next(), 120, "next is the earliest");
    ok(f.a.running() && f.a.due() == 150, "running, and due");
    ok(!f.c.running() && f.c.due() == kNever, "not running: due never");
    is(f.rings(119), "", "not early");
    is(f.rings(120), "b", "on time");
    is(f.deadlines.next(), 150, "then the other is next");
    ok(!f.b.running(), "what rang runs no more");
    is(f.rings(500), "a", "late is better than never");
    is(f.deadlines.next(), kNever, "and nothing is left");
}

void test_order() {
    Fixture f;
    f.deadlines.start(f.a, 0, 30); // due 30
    f.deadlines.start(f.b, 5, 10); // due 15
    f.deadlines.start(f.c, 6, 10); // due 16
    is(f.rings(100), "bca", "earliest first, over all lengths");
    f.deadlines.start(f.c, 100, 10);
    f.deadlines.start(f.a, 100, 10);
    f.deadlines.start(f.b, 100, 10);
    is(f.rings(110), "cab", "at one moment: as they were started");
}

void test_restart_and_stop() {
    Fixture f;
    f.deadlines.start(f.a, 0, 10);
    f.deadlines.start(f.b, 0, 10);
    f.deadlines.start(f.a, 5, 10);
    is(f.rings(10), "b", "a restarted deadline waits again");
    f.deadlines.start(f.a, 12, 40);
    is(f.rings(15), "", "also with another length");
    is(f.deadlines.next(), 52, "from which it counts");
    f.a.stop();
    f.a.stop();
    ok(!f.a.running() && f.deadlines.next() == kNever, "stop");
    is(f.rings(1000), "", "and it does not ring");
}

void test_destroyed() {
    Fixture f;
    auto gone = std::make_unique<Bell>(f.log, 'g');
    f.deadlines.start(*gone, 0, 10);
    f.deadlines.start(f.a, 0, 10);
    gone.reset();
    is(f.rings(10), "a", "a destroyed deadline does not ring");

    Bell survivor(f.log, 's');
    {
        Deadlines short_lived;
        short_lived.start(survivor, 0, 10);
    }
    ok(!survivor.running(), "nor one whose clock is gone");
}

void test_lengths() {
    Fixture f;
    f.deadlines.start(f.a, 5, kNever);
    is(f.deadlines.next(), kNever, "a length of never does not overflow");
    f.deadlines.start(f.b, 5, kNever - 5);
    is(f.deadlines.next(), kNever, "nor does one that just ends at never");
    f.deadlines.start(f.c, 5, 0);
    is(f.rings(5), "c", "a length of 0 is due at once");
}

void test_callback_restarts() {
    Fixture f;
    f.a.then = [&](Millis now) { f.deadlines.start(f.a, now, 10); };
    f.deadlines.start(f.a, 0, 10);
    is(f.rings(35), "a", "a callback that restarts rings once per call");
    is(f.deadlines.next(), 45, "and waits from now");

    f.b.then = [&](Millis now) { f.deadlines.start(f.b, now, 0); };
    f.deadlines.start(f.b, 40, 0);
    is(f.rings(40), "b", "a length of 0 started inside waits for the next call");
    is(f.rings(41), "b", "and rings then");
}

void test_callback_stops_and_restarts_others() {
    Fixture f;
    f.a.then = [&](Millis now) {
        f.b.stop();
        f.deadlines.start(f.c, now, 10);
    };
    f.deadlines.start(f.a, 0, 10);
    f.deadlines.start(f.b, 0, 10);
    f.deadlines.start(f.c, 0, 10);
    is(f.rings(10), "a", "a callback stops one and restarts another that were due with it");
    is(f.deadlines.next(), 20, "the restarted one waits");
    is(f.rings(20), "c", "and rings");
}

void test_callback_destroys() {
    Fixture f;
    std::vector<std::unique_ptr<Bell>> bells;
    for (char name = 'p'; name <= 't'; ++name) {
        bells.push_back(std::make_unique<Bell>(f.log, name));
        f.deadlines.start(*bells.back(), 0, name == 'q' ? 5 : 10);
    }
    bells[2]->then = [&](Millis) { // r destroys itself and all others, rung or not
        std::vector<std::unique_ptr<Bell>> doomed = std::move(bells);
        bells.clear();
    };
    is(f.rings(10), "qpr", "a callback may destroy itself and all others");
    is(f.deadlines.next(), kNever, "and nothing is left");
}

void test_new_length_inside() {
    Fixture f;
    std::vector<std::unique_ptr<Bell>> bells;
    f.a.then = [&](Millis now) {
        for (int i = 0; i < 100; ++i) { // more lanes than are kept spare: the table moves
            bells.push_back(std::make_unique<Bell>(f.log, 'x'));
            f.deadlines.start(*bells.back(), now, 100 + i);
        }
    };
    f.deadlines.start(f.a, 0, 10);
    f.deadlines.start(f.b, 0, 10);
    f.deadlines.start(f.c, 0, 12);
    is(f.rings(12), "abc", "a hundred new lengths inside a callback");
    is(f.deadlines.next(), 112, "all wait");
    is(f.rings(161).size(), 50U, "half of them ring");
    is(f.rings(1000).size(), 50U, "then the other half");
    f.deadlines.start(f.a, 1000, 10);
    is(f.rings(1010), "a", "and the clock goes on");
}

void test_reentry() {
    Fixture f;
    f.a.then = [&](Millis now) { f.deadlines.expire(now + 5); };
    f.deadlines.start(f.a, 0, 10);
    f.deadlines.start(f.b, 0, 10);
    f.deadlines.start(f.c, 0, 14);
    is(f.rings(10), "abc", "expire inside a callback");
    is(f.deadlines.next(), kNever, "rings all once");
}

void test_throw() {
    Fixture f;
    f.a.then = [](Millis) { throw std::bad_alloc(); };
    f.deadlines.start(f.a, 0, 10);
    f.deadlines.start(f.b, 0, 10);
    bool thrown = false;
    try {
        f.deadlines.expire(10);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    ok(thrown && f.b.running(), "a callback that throws loses nobody else's deadline");
    is(f.deadlines.next(), 10, "which is still due");
    is(f.rings(11), "b", "and rings next time");
}

// The same as Deadlines, done the plain way.
struct Model {
    std::vector<Millis> due = std::vector<Millis>(20, kNever);

    std::string expire(Millis now) {
        std::string names;
        for (std::size_t i = 0; i < due.size(); ++i) {
            if (due[i] <= now) {
                names += static_cast<char>('a' + i);
                due[i] = kNever;
            }
        }
        return names;
    }

    [[nodiscard]] Millis next() const { return *std::min_element(due.begin(), due.end()); }
};

// Starts, stops and steps of time in a fixed sequence.
void test_against_model() {
    Fixture f;
    Model model;
    std::vector<std::unique_ptr<Bell>> bells;
    for (std::size_t i = 0; i < model.due.size(); ++i) {
        bells.push_back(std::make_unique<Bell>(f.log, static_cast<char>('a' + i)));
    }
    unsigned random = 99;
    int wrong = 0;
    Millis now = 0;
    for (int step = 0; step < 20000; ++step) {
        random = random * 1103515245 + 12345;
        const std::size_t which = (random >> 16) % bells.size();
        const Millis length = Millis{7} * ((random >> 8) % 3);
        if (random >> 28 < 12) {
            f.deadlines.start(*bells[which], now, length);
            model.due[which] = now + length;
        } else if (random >> 28 < 14) {
            bells[which]->stop();
            model.due[which] = kNever;
        } else {
            now += 3;
            std::string rung = f.rings(now);
            std::sort(rung.begin(), rung.end());
            wrong += rung == model.expire(now) ? 0 : 1;
        }
        wrong += f.deadlines.next() == model.next() ? 0 : 1;
    }
    is(wrong, 0, "20000 steps as a plain table does them");
}

} // namespace

int main() {
    static_assert(sizeof(Deadline) == 32);
    test_next();
    test_order();
    test_restart_and_stop();
    test_destroyed();
    test_lengths();
    test_callback_restarts();
    test_callback_stops_and_restarts_others();
    test_callback_destroys();
    test_new_length_inside();
    test_reentry();
    test_throw();
    test_against_model();
    return test::done();
}
