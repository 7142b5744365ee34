// SPDX-License-Identifier: BSD-2-Clause
// What a session still has to send, held against one string of all its bytes.
#include "engine/out_queue.hpp"

#include "tap.hpp"

#include <algorithm>
#include <random>

using namespace rt;
using rt::engine::OutQueue;
using rt::test::is;
using rt::test::ok;

namespace {

std::string unwritten(const OutQueue &queue) {
    std::string bytes;
    for (std::uint32_t i = 0; i < queue.frames(); ++i) {
        bytes += as_text(queue[i].ws().subspan(i == 0 ? queue.begun() : 0));
    }
    return bytes;
}

Ref<wire::Frame> frame(std::size_t size) { return wire::Frame::text({std::string(size, 'x')}); }

void check_cost() {
    OutQueue queue;
    for (std::uint32_t i = 0; i < OutQueue::kFewFrames; ++i) {
        queue.push(frame(1));
    }
    is(queue.cost(), queue.bytes(), "a few frames cost their bytes");
    for (int i = 0; i < 1000; ++i) {
        queue.push(frame(1));
    }
    is(queue.cost(), queue.bytes() + 1000 * OutQueue::kFrameCost, "a crowd of tiny ones what it takes");
}

void check_steps() {
    OutQueue queue;
    ok(queue.empty() && queue.bytes() == 0 && queue.begun() == 0, "a new one is empty");
    queue.push(frame(10));
    queue.push(frame(20));
    is(queue.bytes(), 34u, "frames count with their heads");
    queue.consume(5);
    ok(queue.frames() == 2 && queue.begun() == 5 && queue.bytes() == 29, "a part of the first");
    queue.consume(7);
    ok(queue.frames() == 1 && queue.begun() == 0 && queue.bytes() == 22, "its rest");
    queue.consume(22);
    ok(queue.empty() && queue.bytes() == 0, "all of the second");
    queue.push(frame(10));
    queue.push(frame(20));
    queue.consume(15);
    ok(queue.frames() == 1 && queue.begun() == 3 && queue.bytes() == 19, "over a border");
    queue.pop();
    ok(queue.empty() && queue.bytes() == 0 && queue.begun() == 0, "a begun frame popped");
    queue.push(frame(10));
    queue.set_begun(12);
    ok(queue.frames() == 1 && queue.bytes() == 0, "a frame that arrived with all written");
    queue.clear();
    ok(queue.empty() && queue.bytes() == 0 && queue.begun() == 0, "cleared");
    queue.push(frame(1));
    OutQueue taken(std::move(queue));
    ok(taken.frames() == 1 && taken.bytes() == 3, "moved");
}

void check_any() {
    std::mt19937 random(3);
    bool good = true;
    for (int round = 0; round < 300; ++round) {
        OutQueue queue;
        std::string model;
        for (int step = 0; step < 50; ++step) {
            if (random() % 2 == 0) {
                Ref<wire::Frame> one = frame(random() % 200);
                model += as_text(one->ws());
                queue.push(std::move(one));
            } else {
                const std::size_t count = std::min<std::size_t>(random() % 300, model.size());
                model.erase(0, count);
                queue.consume(count);
            }
            good = good && unwritten(queue) == model && queue.bytes() == model.size();
        }
    }
    ok(good, "15000 pushes and writes of any size");
}

} // namespace

int main() {
    check_cost();
    check_steps();
    check_any();
    return rt::test::done();
}
