// SPDX-License-Identifier: BSD-2-Clause
// Mail of any size between seats: whole, in order per sender, through inboxes that are full, to
// seats that die or change hands.
#include "host_env.hpp"

using namespace rt;
using namespace rt::test;

namespace {

constexpr std::uint32_t kSeats = 3;
constexpr std::size_t kMemory = 256 * 1024; // inboxes of 8 KiB, mail of 2 KiB at most

// One seat, and what it got: `<seat>:<kind>:<body>`, long bodies by their size.
class Box final : public cluster::Wakes, public cluster::MailEvents {
public:
    Box(HostMemory &memory, shm::SeatRef me_)
        : me(me_), post(memory.place(), memory.zone().boxes, me_, *this), memory_(memory) {}

    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis) override {
        const Text text = as_text(body);
        const std::string shown = text.size() < 20 ? std::string(text) : "#" + std::to_string(text.size());
        got.push_back(std::to_string(from.index) + ":" + std::to_string(kind) + ":" + shown);
        sums.push_back(std::string(text));
    }
    void wake_readers() override {}
    void wake_seat(shm::SeatRef) override { ++woken; }
    void retry_mail() override { retries = true; }

    Result<void> send(shm::SeatRef to, std::uint16_t kind, Text body) {
        const std::array<Bytes, 2> pieces{as_bytes(body.substr(0, body.size() / 3)),
                                          as_bytes(body.substr(body.size() / 3))};
        return post.send(to, kind, pieces);
    }

    std::string receive() {
        got.clear();
        post.receive(*this, 0);
        std::string out;
        for (const std::string &one : got) {
            out += one + " ";
        }
        return out;
    }

    // Another worker sits down where this one sat.
    void open(shm::SeatRef seat) {
        shm::Locked held(memory_.lock, memory_.zone().region);
        static_cast<void>(memory_.zone().boxes.open(held, seat));
    }
    void close() {
        shm::Locked held(memory_.lock, memory_.zone().region);
        memory_.zone().boxes.close(held, me);
    }

    shm::SeatRef me;
    cluster::PostOffice post;
    std::vector<std::string> got;
    std::vector<std::string> sums; // all bodies, whole
    int woken = 0;
    bool retries = false;

private:
    HostMemory &memory_;
};

struct Post {
    explicit Post(std::size_t size = kMemory) : memory(size, kSeats) {
        for (std::uint32_t seat = 0; seat < kSeats; ++seat) {
            boxes.push_back(std::make_unique<Box>(memory, shm::SeatRef{seat, 1}));
        }
    }
    Box &operator[](std::size_t i) { return *boxes[i]; }

    HostMemory memory;
    std::vector<std::unique_ptr<Box>> boxes;
};

void sizes() {
    Post post;
    const std::size_t most = post.memory.zone().boxes.max_mail();
    ok(post[0].send({1, 1}, 7, "hello") && post[0].woken == 1 && post[1].post.has_mail(),
       "sent, and the seat woken");
    ok(static_cast<bool>(post[2].send({1, 1}, 8, "")), "an empty one");
    is(post[1].receive(), "0:7:hello 2:8: ", "in the order of sending");
    ok(!post[1].post.has_mail() && post[1].receive().empty(), "and once");
    for (const std::size_t size : {most - 17, most - 16, most - 15, most, most * 2, most * 3 + 1}) {
        const std::string body(size, 'x');
        const bool sent = static_cast<bool>(post[0].send({1, 1}, 9, body));
        is(post[1].receive(), "0:9:#" + std::to_string(size) + " ", std::to_string(size) + " bytes");
        ok(sent && post[1].sums.back() == body, "whole");
    }
    ok(static_cast<bool>(post[0].send({0, 1}, 5, "me")), "to oneself");
    is(post[0].receive(), "0:5:me ", "too");
}

// What does not fit waits, in order, whatever its size.
void full_inboxes() {
    Post post;
    std::string expected;
    int taken = 0;
    for (int i = 0; i < 200; ++i) {
        const std::string body =
            i % 10 == 3 ? std::string(5000 + static_cast<std::size_t>(i), 'x') : std::to_string(i);
        taken += post[0].send({1, 1}, 1, body) ? 1 : 0;
        expected += "0:1:" + (body.size() < 20 ? body : "#" + std::to_string(body.size())) + " ";
    }
    is(taken, 200, "all are taken");
    ok(post[0].retries, "what waits asks to be sent again");
    std::string got;
    int rounds = 0;
    for (; rounds < 1000 && got.size() < expected.size(); ++rounds) {
        got += post[1].receive();
        post[0].post.retry();
    }
    is(got, expected, "all come, in order");
    ok(rounds > 5, "through an inbox that was full");
    post[0].retries = false;
    post[0].post.retry();
    ok(!post[0].retries, "nothing waits any more");
}

// A stopped worker must not cost its neighbors their memory.
void busy() {
    Post post;
    const std::string body(1u << 20, 'x');
    int taken = 0;
    Code refused = Code::ok;
    for (; taken < 100 && refused == Code::ok; ++taken) {
        refused = post[0].send({1, 1}, 1, body).code();
    }
    ok(refused == Code::busy && taken > 2 && taken < 40, "a bound of what may wait for one seat");
    ok(static_cast<bool>(post[0].send({2, 1}, 1, "x")), "others get theirs");
    for (int i = 0; i < 100000 && post[0].retries; ++i) {
        post[0].retries = false;
        post[1].receive();
        post[0].post.retry();
    }
    post[1].receive();
    is(post[1].sums.size(), static_cast<std::size_t>(taken - 1), "what was taken comes");
    ok(static_cast<bool>(post[0].send({1, 1}, 1, "x")), "and then there is room again");
}

void seats() {
    Post post;
    ok(post[0].send({1, 2}, 1, "x").code() == Code::gone, "a claim that is not there yet");
    ok(post[0].send({9, 1}, 1, "x").code() == Code::gone, "a seat that does not exist");
    ok(post[0].send({}, 1, "x").code() == Code::gone, "no seat");
    post[1].close();
    ok(post[0].send({1, 1}, 1, "x").code() == Code::gone, "a seat that was left");
    is(post[1].receive(), "", "gets nothing");

    // Mail waits for a seat, and the seat changes hands.
    Post again;
    const std::string body(20000, 'x');
    static_cast<void>(again[0].send({1, 1}, 1, body));
    again[1].open({1, 2});
    Box heir(again.memory, {1, 2});
    std::string expected;
    for (int i = 0; i < 400; ++i) {
        static_cast<void>(again[0].send({1, 2}, 2, std::to_string(i)));
        expected += "0:2:" + std::to_string(i) + " ";
    }
    std::string got = heir.receive();
    ok(!got.empty() && got.size() < expected.size(), "its heir's inbox is full, too");
    again[0].post.retry();
    is(got + heir.receive(), expected, "the heir gets no part of it, but all of its own");
    ok(again[0].send({1, 1}, 1, "x").code() == Code::gone, "its predecessor gets no more");
}

// A sender dies in the middle of a message; its seat's next owner begins another.
void half_a_message() {
    Post post;
    const std::string body(7000, 'x'); // more than an inbox takes at once, with what is in it
    static_cast<void>(post[0].send({1, 1}, 1, std::string(1500, 'y')));
    static_cast<void>(post[0].send({1, 1}, 1, body));
    is(post[1].receive(), "0:1:#1500 ", "a part of a message is none");
    Box heir(post.memory, {0, 2});
    ok(static_cast<bool>(heir.send({1, 1}, 2, "short")), "its heir writes");
    is(post[1].receive(), "0:2:short ", "a short one");
    static_cast<void>(heir.send({1, 1}, 2, std::string(5000, 'z')));
    is(post[1].receive(), "0:2:#5000 ", "and one in parts");
    static_cast<void>(post[2].send({1, 1}, 3, std::string(5000, 'w')));
    post[1].post.forget({2, 7});
    is(post[1].receive(), "2:3:#5000 ", "another's are not mixed up with it");

    Post cut;
    static_cast<void>(cut[0].send({1, 1}, 1, std::string(20000, 'x')));
    cut[1].receive();
    cut[1].post.forget({0, 1});
    for (int i = 0; i < 10; ++i) {
        cut[0].post.retry();
        is(cut[1].receive(), "", "the rest of a message whose beginning was forgotten is none");
    }

    Post forgotten;
    static_cast<void>(forgotten[0].send({1, 1}, 1, std::string(20000, 'x')));
    forgotten[1].receive();
    forgotten[1].post.forget({0, 1});
    forgotten[0].post.forget({1, 1});
    forgotten[0].retries = false;
    forgotten[0].post.retry();
    ok(!forgotten[0].retries && forgotten[1].receive().empty(), "what waits for a dead seat is dropped");
}

// Everybody writes to everybody, of any size, and reads now and then.
void any_traffic() {
    Post post;
    std::mt19937 random(6);
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::string>> sent;
    for (int step = 0; step < 3000; ++step) {
        const auto from = static_cast<std::uint32_t>(random() % kSeats);
        const auto to = static_cast<std::uint32_t>(random() % kSeats);
        switch (random() % 4) {
        case 0:
        case 1: {
            std::string body = std::to_string(from) + " " + std::to_string(step) + " ";
            body.append(random() % 4 == 0 ? random() % 9000 : random() % 50, 'x');
            if (post[from].send({to, 1}, 1, body)) {
                sent[{from, to}].push_back(body);
            }
            break;
        }
        case 2:
            post[to].receive();
            break;
        default:
            post[from].post.retry();
        }
    }
    for (bool more = true; more;) {
        more = false;
        for (auto &box : post.boxes) {
            box->receive();
            box->retries = false;
            box->post.retry();
            more = more || box->retries || box->post.has_mail();
        }
    }
    bool good = true;
    for (std::uint32_t to = 0; to < kSeats; ++to) {
        for (std::uint32_t from = 0; from < kSeats; ++from) {
            std::vector<std::string> got;
            for (const std::string &body : post[to].sums) {
                if (body.starts_with(std::to_string(from) + " ")) {
                    got.push_back(body);
                }
            }
            good = good && got == sent[{from, to}];
        }
    }
    ok(good, "3000 steps: all mail comes whole, in the order of each sender");
}

void fairness() {
    Post post(8u << 20);
    for (int i = 0; i < 2500; ++i) {
        static_cast<void>(post[0].send({1, 1}, 1, ""));
    }
    ok(!post[0].retries, "an inbox of some size");
    std::string counts;
    while (post[1].post.has_mail()) {
        const std::size_t before = post[1].sums.size();
        post[1].receive();
        counts += std::to_string(post[1].sums.size() - before) + " ";
    }
    is(counts, "1000 1000 500 ", "a turn reads a bounded number");
}

void damaged() {
    Post post;
    const auto raw = [&](Text bytes) {
        shm::Locked held(post.memory.lock, post.memory.zone().region);
        const Bytes piece = as_bytes(bytes);
        static_cast<void>(post.memory.zone().boxes.push(held, {1, 1}, 1, {&piece, 1}));
    };
    raw("");
    raw("short");
    std::string part(16, '\xff'); // a seat, a total of 4 GiB, of which all are left
    raw(part + "x");
    raw(part);
    static_cast<void>(post[0].send({1, 1}, 2, "good"));
    is(post[1].receive(), "0:2:good ", "bytes that are no mail are left out");
}

} // namespace

int main() {
    sizes();
    full_inboxes();
    busy();
    seats();
    half_a_message();
    any_traffic();
    fairness();
    damaged();
    return rt::test::done();
}
