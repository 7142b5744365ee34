// SPDX-License-Identifier: BSD-2-Clause
// Fn: move-only callables, arguments passed on as they are, answers and none.
#include "base/fn.hpp"

#include "tap.hpp"

#include <memory>
#include <string>
#include <type_traits>

using namespace rt;
using test::is;
using test::ok;

namespace {

using Print = Fn<std::string(int)>;

static_assert(!std::is_copy_constructible_v<Print>);
static_assert(std::is_nothrow_move_constructible_v<Print> && std::is_nothrow_move_assignable_v<Print>);
static_assert(std::is_constructible_v<Print, std::string (*)(int)>);
static_assert(!std::is_constructible_v<Print, int>);
static_assert(!std::is_constructible_v<Print, std::string (*)(std::string)>, "wrong arguments");
static_assert(!std::is_constructible_v<Print, int *(*)(int)>, "wrong answer");

int twice(int value) { return value * 2; }

void test_calls() {
    Print none;
    ok(!none, "none is false");
    Print print = [](int value) { return std::to_string(value); };
    ok(print && print(7) == "7", "a lambda");
    Fn<int(int)> function = twice;
    is(function(4), 8, "a function");
    Fn<long(int)> wider = twice;
    is(wider(4), 8L, "an answer that converts");
    Fn<void(int)> silent = twice;
    silent(1);
    ok(static_cast<bool>(silent), "an answer nobody asked for");

    int calls = 0;
    Fn<void()> counter = [&calls, own = 0]() mutable { calls = ++own; };
    counter();
    counter();
    is(calls, 2, "state of its own");
}

void test_ownership() {
    auto held = std::make_shared<int>(3);
    auto box = std::make_unique<int>(4);
    Fn<int()> first = [held, box = std::move(box)] { return *held + *box; };
    is(held.use_count(), 2, "it owns what it captured");
    Fn<int()> second = std::move(first);
    ok(!first && second && second() == 7, "it moves");
    is(held.use_count(), 2, "without a copy");
    second = [] { return 1; };
    is(held.use_count(), 1, "assignment lets go");
    second = {};
    ok(!second, "and may leave none");
}

void test_arguments() {
    Fn<void(std::unique_ptr<int>, int &)> take = [](std::unique_ptr<int> in, int &out) { out = *in; };
    int out = 0;
    take(std::make_unique<int>(9), out);
    is(out, 9, "move-only arguments and references");

    Fn<int &(int &)> same = [](int &value) -> int & { return value; };
    same(out) = 10;
    is(out, 10, "a reference as answer");

    Fn<std::size_t(const std::string &)> size = [](const std::string &text) { return text.size(); };
    is(size("abc"), 3U, "an argument that converts");
}

void test_replaced_while_running() {
    Fn<void()> slot;
    int runs = 0;
    slot = [&slot, &runs] {
        ++runs;
        slot = {};
    };
    const auto run = [&slot] {
        Fn<void()> now = std::move(slot); // as the contract asks
        now();
    };
    run();
    ok(runs == 1 && !slot, "moved out first, a callable may replace its slot");
}

} // namespace

int main() {
    test_calls();
    test_ownership();
    test_arguments();
    test_replaced_while_running();
    return test::done();
}
