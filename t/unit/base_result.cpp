// SPDX-License-Identifier: BSD-2-Clause
// Result: success and failure, move-only values, RT_TRY.
#include "base/result.hpp"

#include "tap.hpp"

#include <map>
#include <memory>
#include <string>
#include <type_traits>

using namespace rt;
using test::is;
using test::ok;

namespace {

static_assert(std::is_nothrow_constructible_v<Result<std::string>, Error>);
static_assert(std::is_nothrow_move_constructible_v<Result<std::unique_ptr<int>>>);
static_assert(!std::is_convertible_v<Result<int>, bool>, "a Result never becomes a value by accident");
static_assert(sizeof(Error) == 16);

Result<int> half(int value) {
    if (value % 2 != 0) {
        return {Code::protocol, "odd"};
    }
    return value / 2;
}

Result<std::string> quarter(int value) {
    RT_TRY(once, half(value));
    RT_TRY(twice, half(once));
    return std::to_string(twice);
}

Result<void> check(int value) {
    RT_TRY(result, half(value));
    return result == 0 ? Result<void>(Code::not_found, "nothing") : Result<void>();
}

template <class A, class B> Result<std::map<A, B>> map_of(A key, B value) {
    return std::map<A, B>{{key, value}};
}

Result<int> with_commas() {
    RT_TRY(map, map_of<int, int>(1, 2));
    return map.at(1);
}

Result<std::unique_ptr<int>> boxed(bool good) {
    if (!good) {
        return Error{Code::no_memory, "no box"};
    }
    return std::make_unique<int>(7);
}

void test_values() {
    const Result<int> good = half(8);
    ok(static_cast<bool>(good), "success is true");
    is(*good, 4, "and holds its value");
    ok(good.code() == Code::ok, "whose code is ok");

    const Result<int> bad = half(7);
    ok(!bad, "failure is false");
    ok(bad.code() == Code::protocol, "with its code");
    is(std::string(bad.error().where), "odd", "and its reason");

    Result<bool> no = false;
    ok(no && !*no, "success that holds false is success");
}

void test_void() {
    ok(static_cast<bool>(Result<void>()), "void: success by default");
    ok(check(4).code() == Code::ok, "void: success");
    ok(check(0).code() == Code::not_found, "void: failure of its own");
    ok(check(1).code() == Code::protocol, "void: failure passed on");
}

void test_try() {
    is(*quarter(12), "3", "RT_TRY binds values");
    ok(!quarter(7), "RT_TRY returns the first error");
    is(std::string(quarter(6).error().where), "odd", "RT_TRY returns the second error");
    is(*with_commas(), 2, "RT_TRY takes an expression with commas");
}

void test_moves() {
    Result<std::unique_ptr<int>> box = boxed(true);
    const std::unique_ptr<int> taken = std::move(*box);
    is(*taken, 7, "a move-only value moves out");
    ok(box && *box == nullptr, "and leaves a moved-from success");
    ok(boxed(false).code() == Code::no_memory, "a move-only failure");

    Result<std::string> changing = std::string("text");
    is(changing->size(), 4U, "arrow reaches the value");
    changing = Result<std::string>(Code::gone, "left");
    ok(changing.code() == Code::gone, "assignment turns success into failure");
    changing = std::string("back");
    is(*changing, "back", "and back");
}

} // namespace

int main() {
    test_values();
    test_void();
    test_try();
    test_moves();
    return test::done();
}
