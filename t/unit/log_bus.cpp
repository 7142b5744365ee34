// SPDX-License-Identifier: BSD-2-Clause
// The log as the bus of one host: one order for all readers, each from where it stands; catching up,
// replay, a reader that was overrun, and a delivery that is broken off.
#include "host_env.hpp"

#include <stdexcept>

using namespace rt;
using namespace rt::test;

namespace {

class Reader final : public hub::BusEvents, public cluster::Wakes {
public:
    explicit Reader(HostMemory &memory) : bus(memory.place(), memory.zone().stream, *this) {
        bus.attach(*this);
    }

    void on_envelope(const hub::Envelope &envelope, hub::Position end, Millis) override {
        heard += std::string(envelope.data) + " ";
        last = end;
        if (counts) {
            counts(envelope);
        }
        if (reacts) {
            reacts();
        }
    }
    void on_pause(bool, Millis) override {}
    void on_lapped(Millis) override { heard += "lapped "; }
    void wake_readers() override { ++woken; }
    void wake_seat(shm::SeatRef) override {}
    void retry_mail() override {}

    hub::Position publish(Text data) {
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.data = data;
        const Result<hub::Position> end = bus.publish(envelope);
        return end ? *end : 0;
    }

    std::string take() { return std::exchange(heard, {}); }

    cluster::LogBus bus;
    std::string heard;
    hub::Position last = 0;
    std::function<void()> reacts;
    std::function<void(const hub::Envelope &)> counts;
    int woken = 0;
};

void order() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    Reader two(memory);
    one.publish("a");
    two.publish("b");
    Reader three(memory);
    const hub::Position end = one.publish("c");
    ok(one.woken == 2 && two.woken == 1, "each append asks for a wake");
    is(one.take() + two.take(), "", "nothing is delivered before it is read");
    ok(one.bus.behind() && one.bus.lag() > 0, "one is behind");
    ok(one.bus.drain(2, 0), "there is more");
    is(one.take(), "a b ", "a part");
    ok(!one.bus.drain(10, 0) && !one.bus.behind() && one.bus.lag() == 0, "there is no more");
    two.bus.drain(10, 0);
    three.bus.drain(10, 0);
    is(one.take() + "| " + two.take() + "| " + three.take(), "c | a b c | c ",
       "one order, from where each began");
    ok(one.last == end && one.bus.cursor() == end, "an envelope's position is its end");
}

// The log numbers what other hosts must not miss: one row for all workers, without a hole.
void numbers() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    Reader two(memory);
    one.bus.number_by(memory.zone().bridge);
    two.bus.number_by(memory.zone().bridge);
    std::string seen;
    one.counts = [&](const hub::Envelope &envelope) { seen += std::to_string(envelope.number) + " "; };
    hub::Envelope envelope;
    envelope.nsp = "/";
    for (const char flag : Text("1r1v2b2")) { // who says it, or how it is
        envelope.remote = flag == 'r';
        envelope.is_volatile = flag == 'v';
        const std::string big(flag == 'b' ? 64 * 1024 : 1, 'x');
        envelope.data = big;
        const bool taken = bool((flag == '2' ? two : one).bus.publish(envelope));
        ok(taken == (flag != 'b'), "all but what is too big is taken");
    }
    one.bus.drain(100, 0);
    is(seen, "1 0 2 0 3 4 ", "numbered are emits that began here and are kept");
}

void catching_up() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    one.publish("a");
    const hub::Position mine = one.publish("b");
    one.publish("c");
    one.bus.catch_up(mine, 0);
    is(one.take(), "a b ", "up to a position");
    one.bus.catch_up(mine, 0);
    is(one.take(), "", "nothing twice");
    one.publish("d");
    one.reacts = [&] {
        one.bus.catch_up(UINT64_MAX, 0);
        ok(one.bus.drain(10, 0), "inside a delivery nothing more is delivered");
    };
    one.bus.drain(1, 0);
    is(one.take(), "c ", "not even by those that it makes");
    one.reacts = [&] { one.publish("by " + std::string(one.heard.substr(0, 1))); };
    one.bus.drain(2, 0);
    is(one.take(), "d by d ", "what a delivery publishes comes behind");
}

void replaying() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    const hub::Position from = one.publish("a");
    one.publish("b");
    const hub::Position until = one.publish("c");
    one.publish("d");
    one.bus.drain(1, 0);
    std::string told;
    const auto note = [&](const hub::Envelope &envelope, hub::Position) {
        told += std::string(envelope.data) + " ";
    };
    ok(one.bus.replay(from, until, note), "a part of the log can be read again");
    is(std::exchange(told, {}), "b c ", "that part only");
    ok(one.bus.replay(until, until, note) && told.empty(), "an empty part is empty");
    one.take();
    one.bus.drain(10, 0);
    is(one.take(), "b c d ", "the cursor stood where it was");
    ok(!one.bus.replay(from + 1, until, note), "a position that is none");
    for (int i = 0; i < 100; ++i) {
        one.publish(std::string(5000, 'x'));
    }
    ok(!one.bus.replay(from, until, note), "what was overrun is not told as whole");
}

void lapped() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    Reader two(memory);
    for (int i = 0; i < 100; ++i) {
        one.publish(std::string(5000, 'x'));
    }
    two.bus.drain(10, 0);
    is(two.take(), "lapped ", "a reader that was overrun is told so, once");
    one.publish("e");
    two.bus.drain(10, 0);
    is(two.take(), "e ", "and goes on at the head");
}

void bounds() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    const std::size_t most = one.bus.stream().max_record();
    is(one.publish(std::string(most + 1, 'x')), 0u, "an envelope over a sixteenth of the log is refused");
    ok(one.publish(std::string(most - 100, 'x')) != 0, "one below is not");
    {
        shm::Locked held(memory.lock, memory.zone().region);
        const Bytes odd = as_bytes("odd");
        static_cast<void>(memory.zone().stream.append(held, cluster::kEnvelopeRecord, {&odd, 1}));
        static_cast<void>(memory.zone().stream.append(held, 77, {&odd, 1}));
    }
    one.publish("e");
    one.bus.drain(10, 0);
    ok(one.take().ends_with("x e "), "records that are no envelopes are left out");
}

// Out of memory in one delivery must not end all others.
void broken_off() {
    HostMemory memory(256 * 1024, 2);
    Reader one(memory);
    one.publish("a");
    one.publish("b");
    const hub::Position last = one.publish("c");
    int thrown = 0;
    one.reacts = [] { throw std::runtime_error("no memory"); };
    for (const bool drains : {true, false}) {
        try {
            if (drains) {
                one.bus.drain(1, 0);
            } else {
                one.bus.catch_up(last, 0);
            }
        } catch (const std::runtime_error &) {
            ++thrown;
        }
    }
    one.reacts = nullptr;
    one.bus.drain(10, 0);
    ok(thrown == 2 && one.take() == "a b c ", "a delivery that is broken off is not under way for ever");
}

} // namespace

int main() {
    order();
    numbers();
    catching_up();
    replaying();
    lapped();
    bounds();
    broken_off();
    return rt::test::done();
}
