// SPDX-License-Identifier: BSD-2-Clause
// Ref: who owns, who destroys, and when.
#include "base/ref.hpp"

#include "tap.hpp"

#include <type_traits>

using namespace rt;
using test::is;
using test::ok;

namespace {

struct Plain : Counted<Plain> {
    explicit Plain(int &alive) : alive_(alive) { ++alive_; }
    ~Plain() { --alive_; }
    int value = 5;

private:
    int &alive_;
};

struct Disposed : Counted<Disposed> {
    explicit Disposed(int &count) : count_(count) {}

    static void dispose(Disposed *object) noexcept {
        ++object->count_;
        delete object;
    }

private:
    ~Disposed() = default; // only dispose() may destroy
    int &count_;
};

static_assert(std::is_nothrow_copy_constructible_v<Ref<Plain>>);
static_assert(std::is_nothrow_move_constructible_v<Ref<Plain>>);
static_assert(!std::is_convertible_v<Plain *, Ref<Plain>>, "owning is said, not implied");
static_assert(sizeof(Ref<Plain>) == sizeof(void *));

void test_owners() {
    int alive = 0;
    Ref<Plain> first(new Plain(alive));
    is(first->owners(), 1U, "one owner");
    {
        const Ref<Plain> second = first;
        is(first->owners(), 2U, "a copy is an owner");
        ok(second == first && second.get() == first.get(), "of the same object");
    }
    is(first->owners(), 1U, "until it ends");

    Ref<Plain> moved = std::move(first);
    ok(!first && moved && moved->owners() == 1, "a move is no owner more");
    is((*moved).value, 5, "the object is reached");
    is(alive, 1, "and lives");
    moved.reset();
    is(alive, 0, "until the last owner leaves");
    moved.reset();
    ok(!moved, "reset twice is reset");
}

void test_assignment() {
    int alive = 0;
    Ref<Plain> a(new Plain(alive));
    Ref<Plain> b(new Plain(alive));
    ok(a != b, "two objects differ");
    a = b;
    ok(alive == 1 && a == b && a->owners() == 2, "assignment lets the old object go");
    const Ref<Plain> &self = a;
    a = self;
    ok(alive == 1 && a->owners() == 2, "assignment to itself changes nothing");
    a = std::move(b);
    ok(alive == 1 && a->owners() == 1 && !b, "move assignment");
    a = Ref<Plain>();
    ok(alive == 0 && !a, "assignment of none");
    ok(Ref<Plain>() == Ref<Plain>(nullptr), "none equals none");
}

void test_dispose() {
    int disposed = 0;
    Ref<Disposed> object(new Disposed(disposed));
    Ref<Disposed> other = object;
    object.reset();
    is(disposed, 0, "dispose waits for the last owner");
    other.reset();
    is(disposed, 1, "and is called once");
}

struct Node : Counted<Node> {
    Ref<Node> next;
};

void test_chain() {
    Ref<Node> head(new Node);
    head->next = Ref<Node>(new Node);
    head->next->next = Ref<Node>(new Node);
    head = head->next; // what holds the new head is destroyed by this very assignment
    ok(head && head->next && !head->next->next, "a list may walk over itself");
}

} // namespace

int main() {
    test_owners();
    test_assignment();
    test_dispose();
    test_chain();
    return test::done();
}
