// SPDX-License-Identifier: BSD-2-Clause
// The acks a socket owes: found once, forgotten when overdue, and the same after a move.
#include "hub/pending_acks.hpp"
#include "tap.hpp"

using namespace rt;
using namespace rt::test;
using hub::PendingAcks;

namespace {

hub::AskerId asker(std::uint32_t seat) { return {seat, 3, {seat + 10, 4}, 5000}; }

// The seat of who waits for the ack; 0 for nobody.
std::uint32_t taken(PendingAcks &acks, std::uint64_t id, Millis now) {
    const std::optional<hub::AskerId> found = acks.take(id, now);
    return found ? found->seat : 0;
}

void each_is_taken_once() {
    PendingAcks acks;
    is(taken(acks, 0, 0), 0U, "an empty list");
    is(acks.count(0), 0U, "counts nothing");
    acks.add({1000, asker(1), 50}, 0);
    acks.add({std::uint64_t{1} << 52, asker(2), 50}, 0);
    acks.add({3, asker(3), 50}, 0);
    is(acks.count(0), 3U, "three");
    is(taken(acks, 1001, 0), 0U, "an unknown id");
    is(taken(acks, std::uint64_t{1} << 52, 0), 2U, "in the middle");
    is(taken(acks, std::uint64_t{1} << 52, 0), 0U, "once");
    is(taken(acks, 1000, 0), 1U, "the first");
    acks.drop_last();
    is(acks.count(0), 0U, "the last was taken back");
    acks.drop_last();
    is(taken(acks, 3, 0), 0U, "and nothing is left");
}

void overdue() {
    PendingAcks acks;
    acks.add({1, asker(1), 50}, 0);
    acks.add({2, asker(2), 70}, 0);
    acks.add({3, asker(3), 60}, 0);
    is(acks.count(49), 3U, "in time");
    is(taken(acks, 1, 50), 0U, "too late");
    is(acks.size(), 2U, "and forgotten");
    is(acks.count(60), 1U, "whatever their order");
    is(taken(acks, 2, 69), 2U, "just in time");

    PendingAcks many;
    for (std::uint64_t id = 0; id < 10000; ++id) {
        many.add({id, asker(1), static_cast<Millis>(id) + 10}, static_cast<Millis>(id));
    }
    ok(many.size() < 100, "a list whose acks never come does not grow");
    is(taken(many, 9995, 10000), 1U, "and holds what is still to come");
}

void free_ids() {
    PendingAcks acks;
    is(*acks.free_id(800), 800U, "of an empty list");
    acks.add({800, asker(1), 50}, 0);
    is(*acks.free_id(808), 808U, "of another position");
    for (std::uint64_t id = 801; id < 800 + hub::kPositionStep; ++id) {
        is(*acks.free_id(800), id, "the next");
        acks.add({id, asker(1), 50}, 0);
    }
    ok(!acks.free_id(800), "but no other position");
    is(taken(acks, 803, 0), 1U, "until one is answered");
    is(*acks.free_id(800), 803U, "whose id is free");
    PendingAcks late;
    late.add({1, asker(2), 1000}, 0);
    is(late.take(1, 400)->timeout, 600U, "who waits for it does so for the time that is left");
}

void moved() {
    PendingAcks acks;
    acks.add({1, asker(1), 1000}, 0);
    acks.add({2, asker(2), 1700}, 0);
    std::string image;
    Writer out(image);
    acks.freeze(out, 900);
    out.put(std::uint32_t{77});
    PendingAcks there;
    Reader in(image);
    there.thaw(in, 50);
    is(in.get<std::uint32_t>(), 77U, "takes its part of the image");
    ok(in.ok() && in.at_end(), "and no more");
    std::string seen;
    there.each([&](const hub::PendingAck &ack) {
        seen += std::to_string(ack.id) + ":" + std::to_string(ack.deadline) + ":" +
                std::to_string(ack.asker.slot.index) + "/" + std::to_string(ack.asker.timeout) + " ";
    });
    is(seen, "1:150:11/5000 2:850:12/5000 ", "by another clock, the time that is left");
    is(taken(there, 2, 849), 2U, "an answer finds its asker");

    std::string late;
    Writer later(late);
    acks.freeze(later, 1000);
    PendingAcks left;
    Reader rest(late);
    left.thaw(rest, 0);
    is(left.count(0), 1U, "what is overdue stays behind");
    bool all = true;
    for (std::size_t size = 0; size < image.size() - 4; ++size) {
        const std::string part = image.substr(0, size);
        Reader broken(part);
        PendingAcks().thaw(broken, 0);
        all = all && !broken.ok();
    }
    ok(all, "an image that was cut anywhere");
    const std::string lie(8, '\xff');
    Reader huge(lie);
    PendingAcks().thaw(huge, 0);
    ok(!huge.ok(), "a count that lies");
}

} // namespace

int main() {
    each_is_taken_once();
    overdue();
    free_ids();
    moved();
    return done();
}
