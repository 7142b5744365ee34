// SPDX-License-Identifier: BSD-2-Clause
#include "shm/mailbox.hpp"
#include "shm_env.hpp"
#include "tap.hpp"

#include <array>
#include <sched.h>

using namespace rt;
using namespace rt::shm;
using namespace rt::test;

namespace {

constexpr std::uint32_t kBoxes = 3;

struct Office {
    explicit Office(std::size_t size = 8192)
        : map(size), arena(map.memory()), boxes(*Mailboxes::create(arena.body, kBoxes)) {}

    Code push(SeatRef to, Text text, std::uint16_t kind = 1) {
        Locked held(lock, arena.region);
        const Bytes pieces[] = {as_bytes(text.substr(0, text.size() / 2)),
                                as_bytes(text.substr(text.size() / 2))};
        return boxes.push(held, to, kind, pieces).code();
    }

    Code open(SeatRef seat) {
        Locked held(lock, arena.region);
        return boxes.open(held, seat).code();
    }

    void close(SeatRef seat) {
        Locked held(lock, arena.region);
        boxes.close(held, seat);
    }

    Mapping map;
    RobustLock lock;
    Arena arena;
    Mailboxes boxes;
};

void memory_is_verified() {
    Mapping map(8192);
    const MutableBytes area = map.memory();
    ok(!Mailboxes::create(area, 0), "no inbox at all is refused");
    ok(!Mailboxes::create(area, 9), "too little memory is refused");
    ok(!Mailboxes::create(area.subspan(8), 1), "unaligned memory is refused");
    ok(!Mailboxes::attach(area, 3), "memory without inboxes is not attached to");
    ok(bool(Mailboxes::create(area, 3)), "inboxes are created");
    ok(bool(Mailboxes::attach(area, 3)), "and attached to");
    ok(!Mailboxes::attach(area, 4), "another number is refused");
}

void only_for_the_claim() {
    Office office;
    const SeatRef seat{1, 7};
    ok(office.push(seat, "early") == Code::gone, "a closed inbox takes nothing");
    ok(office.open(seat) == Code::ok, "the owner opens it");
    ok(office.push(seat, "mail") == Code::ok, "then it takes mail");
    ok(office.push({1, 6}, "late") == Code::gone, "not for an earlier claim");
    ok(office.push({1, 0}, "none") == Code::gone, "not for none");
    ok(office.push({2, 7}, "other") == Code::gone, "not on another seat");
    ok(office.push({3, 7}, "beyond") == Code::gone, "not beyond the last");
    ok(office.open({3, 7}) == Code::not_found, "which cannot be opened");
    ok(!MailReader(office.boxes, {3, 7}).next().found, "and holds nothing");
    office.close({1, 6});
    ok(office.push(seat, "more") == Code::ok, "a stale close does nothing");
    office.close(seat);
    ok(office.push(seat, "after") == Code::gone, "a closed inbox takes nothing more");
    MailReader reader(office.boxes, seat);
    ok(as_text(reader.next().body) == "mail" && as_text(reader.next().body) == "more",
       "what came before is read");

    office.open(seat);
    (void)office.push(seat, "for the dead");
    ok(office.open({1, 8}) == Code::ok, "the next owner opens it");
    ok(!MailReader(office.boxes, {1, 8}).next().found, "and finds nothing of the former's");
}

void full_and_too_big() {
    Office office;
    const SeatRef seat{0, 1};
    office.open(seat);
    MailReader reader(office.boxes, seat);
    const std::string most(office.boxes.max_mail(), 'm');
    ok(office.push(seat, most + "x") == Code::too_big, "one byte over the bound is refused");
    ok(office.push(seat, "x", 0) == Code::unsupported, "the filler's kind is refused");
    int taken = 0;
    while (office.push(seat, most) == Code::ok) {
        ++taken;
    }
    is(taken, 4, "four of the largest fit");
    ok(office.push(seat, most) == Code::full, "then the inbox is full");
    ok(office.boxes.waiting(0) > 4 * most.size(), "what waits is counted");
    ok(as_text(reader.next().body) == most, "the oldest is read");
    ok(office.push(seat, most) == Code::full, "it stands until the next is asked for");
    (void)reader.next();
    ok(office.push(seat, most) == Code::ok, "then there is room");
    int found = 0;
    while (reader.next().found) {
        ++found;
    }
    is(found, 3, "nothing is lost");
    is(office.boxes.waiting(0), 0U, "nothing waits then");
    is(office.boxes.waiting(77), 0U, "nor where no inbox is");
}

// All sizes over many laps, with up to three mails waiting.
void many_laps() {
    Office office;
    const SeatRef seat{2, 5};
    office.open(seat);
    MailReader reader(office.boxes, seat);
    const auto body = [&](unsigned i) {
        return std::string((i * 29) % (office.boxes.max_mail() / 2), static_cast<char>('a' + i % 26));
    };
    bool same = true;
    unsigned read = 0;
    for (unsigned sent = 0; sent < 20000; ++sent) {
        same = same && office.push(seat, body(sent), static_cast<std::uint16_t>(1 + sent % 5)) == Code::ok;
        for (; read + sent % 3 <= sent; ++read) {
            const auto mail = reader.next();
            same = same && mail.found && mail.kind == 1 + read % 5 && as_text(mail.body) == body(read);
        }
    }
    ok(same, "20,000 mails of all sizes are read as sent");
}

void damaged_memory() {
    Office office;
    const SeatRef seat{0, 1};
    office.open(seat);
    (void)office.push(seat, "lost");
    std::memset(office.arena.body.data() + 3 * kLine, 0xa5, 64);
    MailReader reader(office.boxes, seat);
    ok(!reader.next().found, "a damaged mail is dropped");
    ok(office.push(seat, "next") == Code::ok && as_text(reader.next().body) == "next",
       "the next one arrives");
    std::memset(office.arena.body.data() + kLine, 0xa5, 8);
    ok(office.push(seat, "x") == Code::unavailable, "an inbox with a damaged head takes nothing");
    ok(office.open(seat) == Code::ok && office.push(seat, "x") == Code::ok, "until it is opened again");
}

void many_senders() {
    constexpr std::uint32_t kSenders = 3;
    constexpr std::uint32_t kCount = 1000;
    Office office;
    const SeatRef seat{1, 9};
    office.open(seat);
    MailReader reader(office.boxes, seat);
    std::vector<pid_t> children;
    for (std::uint32_t sender = 0; sender < kSenders; ++sender) {
        children.push_back(spawn([&, sender] {
            for (std::uint32_t number = 0; number < kCount;) {
                std::string text(number % 90, static_cast<char>('a' + sender));
                Writer(text).put(number);
                number += office.push(seat, text, static_cast<std::uint16_t>(1 + sender)) == Code::ok ? 1 : 0;
            }
        }));
    }
    std::array<std::uint32_t, kSenders> next{};
    std::uint32_t found = 0;
    std::uint32_t bad = 0;
    while (found < kSenders * kCount) {
        const auto mail = reader.next();
        if (!mail.found) {
            sched_yield();
            continue;
        }
        const std::uint32_t number = next[mail.kind - 1U]++;
        std::string text(number % 90, static_cast<char>('a' + mail.kind - 1));
        Writer(text).put(number);
        bad += as_text(mail.body) == text ? 0 : 1;
        ++found;
    }
    for (const pid_t child : children) {
        is(reap(child), 0, "a sender sends all");
    }
    is(bad, 0U, "each sender's mails come whole, once and in order");
    ok(!reader.next().found, "and no more than those");
}

void killed_while_sending() {
    Office office;
    const SeatRef seat{0, 1};
    office.open(seat);
    MailReader turn(office.boxes, seat);
    for (int i = 0; i < 16; ++i) { // so that the next one leaves filler behind
        (void)office.push(seat, std::string(128, 'x'));
        (void)turn.next();
        (void)turn.next();
    }
    (void)office.push(seat, "before");
    const Bytes body =
        as_bytes(Text("the mail of one who is killed while it is sent, long enough to be torn"
                      " in the middle of it, and to stand behind filler at the ring's end..."));
    Locked held(office.lock, office.arena.region);
    NoLock free;
    int bad = 0;
    int seen = 0;
    (void)each_instruction([&] { (void)office.boxes.push(held, seat, 2, std::span(&body, 1)); },
                           [&] {
                               const Wreck wreck(office.arena.body);
                               Mailboxes left = *Mailboxes::attach(wreck.memory(), kBoxes);
                               MailReader reader(left, seat);
                               bool good = as_text(reader.next().body) == "before";
                               auto mail = reader.next();
                               if (mail.found) {
                                   good = good && mail.kind == 2 && as_text(mail.body) == as_text(body);
                                   ++seen;
                                   mail = reader.next();
                               }
                               const Bytes after = as_bytes("after");
                               good = good && !mail.found && left.push(held, seat, 3, std::span(&after, 1));
                               bad += good && as_text(reader.next().body) == "after" ? 0 : 1;
                           });
    is(bad, 0, "a kill leaves the whole mail or none, and an inbox that works");
    ok(seen > 0, "the mail was there at the end");
}

} // namespace

int main() {
    memory_is_verified();
    only_for_the_claim();
    full_and_too_big();
    many_laps();
    damaged_memory();
    many_senders();
    killed_while_sending();
    return done();
}
