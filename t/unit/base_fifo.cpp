// SPDX-License-Identifier: BSD-2-Clause
// Fifo: order through growth and wrap-around, ownership, and no memory while empty.
#include "base/fifo.hpp"

#include "tap.hpp"

#include <cstdlib>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <type_traits>

using namespace rt;
using test::is;
using test::ok;

namespace {

long allocations = 0;
long live = 0;

static_assert(sizeof(Fifo<int>) == 24);
static_assert(!std::is_copy_constructible_v<Fifo<int>>);
static_assert(std::is_nothrow_move_constructible_v<Fifo<std::string>>);

void test_order() {
    Fifo<int> fifo;
    ok(fifo.empty() && fifo.size() == 0, "empty at first");
    for (int i = 0; i < 10; ++i) {
        fifo.push(i);
    }
    is(fifo.size(), 10U, "ten elements");
    ok(fifo.front() == 0 && fifo[0] == 0 && fifo[9] == 9, "front and index");
    fifo[3] = 33;
    int sum = 0;
    for (; !fifo.empty(); fifo.pop()) {
        sum = sum * 2 + fifo.front();
    }
    is(sum, 0 * 512 + 1 * 256 + 2 * 128 + 33 * 64 + 4 * 32 + 5 * 16 + 6 * 8 + 7 * 4 + 8 * 2 + 9, "in order");
}

// Does the queue look like the one of the standard library?
bool same(const Fifo<std::string> &fifo, const std::deque<std::string> &model) {
    if (fifo.size() != model.size() || fifo.empty() != model.empty()) {
        return false;
    }
    return model.empty() || (fifo.front() == model.front() && fifo[fifo.size() - 1] == model.back());
}

// Pushes and pops in a fixed sequence that wraps and grows.
void test_against_deque() {
    Fifo<std::string> fifo;
    std::deque<std::string> model;
    unsigned random = 12345;
    int wrong = 0;
    for (unsigned step = 0; step < 20000; ++step) {
        random = random * 1103515245 + 12345;
        const unsigned growth = step / 1000 % 2 == 0 ? 60 : 40; // in turns more pushes and more pops
        if (model.empty() || (random >> 16) % 100 < growth) {
            model.push_back("a text too long for the small buffer " + std::to_string(step));
            fifo.push(model.back());
        } else {
            model.pop_front();
            fifo.pop();
        }
        wrong += same(fifo, model) ? 0 : 1;
    }
    is(wrong, 0, "20000 pushes and pops as a deque does them");
}

void test_ownership() {
    const auto shared = std::make_shared<int>(1);
    Fifo<std::shared_ptr<int>> fifo;
    for (int i = 0; i < 6; ++i) {
        fifo.push(shared);
    }
    fifo.pop();
    is(shared.use_count(), 6, "pop destroys one");

    Fifo<std::shared_ptr<int>> other(std::move(fifo));
    ok(fifo.empty() && other.size() == 5 && shared.use_count() == 6, "a move takes all");
    fifo.push(shared);
    fifo = std::move(other);
    ok(other.empty() && fifo.size() == 5, "move assignment leaves nothing behind");
    is(shared.use_count(), 6, "and destroys what was there");
    fifo.push(fifo.front());
    is(shared.use_count(), 7, "an element may be pushed again");
    fifo.clear();
    ok(fifo.empty() && shared.use_count() == 1, "clear destroys all");
    {
        Fifo<std::shared_ptr<int>> last;
        last.push(shared);
    }
    is(shared.use_count(), 1, "so does the end");
}

void test_move_only() {
    Fifo<std::unique_ptr<int>> fifo;
    for (int i = 0; i < 9; ++i) {
        fifo.push(std::make_unique<int>(i));
    }
    fifo.pop();
    const std::unique_ptr<int> taken = std::move(fifo.front());
    fifo.pop();
    ok(*taken == 1 && *fifo.front() == 2, "elements that only move");
}

// Counts first and tells after: the telling allocates too.
void test_memory() {
    const long before = live;
    Fifo<int> fifo;
    const long empty = live;
    fifo.push(1);
    const long full = live;
    fifo.pop();
    const long again = live;
    fifo.push(1);
    const long so_far = allocations;
    for (int i = 0; i < 1000; ++i) {
        fifo.push(i);
        fifo.pop();
    }
    const long in_use = allocations;

    is(empty - before, 0, "an empty queue holds no memory");
    is(full - before, 1, "a full one a single block");
    is(again - before, 0, "which goes back when the last element leaves");
    is(in_use - so_far, 0, "a queue in use does not allocate per element");
}

} // namespace

void *operator new(std::size_t size) {
    ++allocations;
    ++live;
    return std::malloc(size == 0 ? 1 : size);
}

void operator delete(void *memory) noexcept {
    live -= memory == nullptr ? 0 : 1;
    std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept { operator delete(memory); }

int main() {
    test_order();
    test_against_deque();
    test_ownership();
    test_move_only();
    test_memory();
    return test::done();
}
