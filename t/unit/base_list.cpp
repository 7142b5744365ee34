// SPDX-License-Identifier: BSD-2-Clause
// List: order, leaving, moving between lists, two lists at once, destruction on either side.
#include "base/list.hpp"

#include "tap.hpp"

#include <memory>
#include <string>

using namespace rt;
using test::is;
using test::ok;

namespace {

struct Red;
struct Blue;

struct Item : Link<Red>, Link<Blue> {
    explicit Item(char name_) : name(name_) {}
    char name;
};

using RedList = List<Item, Red>;
using BlueList = List<Item, Blue>;

template <class Items> std::string names(Items &list) {
    std::string out;
    list.each([&](const Item &item) { out += item.name; });
    return out;
}

bool in_red(const Item &item) { return static_cast<const Link<Red> &>(item).linked(); }

void leave_red(Item &item) { static_cast<Link<Red> &>(item).unlink(); }

void test_order() {
    RedList list;
    ok(list.empty() && names(list).empty(), "empty at first");
    Item a('a');
    Item b('b');
    Item c('c');
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    is(names(list), "abc", "in order of arrival");
    is(list.front().name, 'a', "the front came first");
    list.push_back(a);
    is(names(list), "bca", "pushed again it stands last");
    leave_red(c);
    is(names(list), "ba", "one leaves from the middle");
    leave_red(c);
    ok(!in_red(c) && names(list) == "ba", "leaving twice is leaving once");
    list.push_back(c);
    is(names(list), "bac", "and may come back");
}

void test_two_lists() {
    RedList red;
    RedList other;
    BlueList blue;
    Item a('a');
    Item b('b');
    red.push_back(a);
    red.push_back(b);
    blue.push_back(b);
    blue.push_back(a);
    is(names(red) + names(blue), "abba", "one object stands in two kinds of list");
    other.push_back(a);
    is(names(red) + "-" + names(other), "b-a", "and in one list of a kind");
    is(names(blue), "ba", "the other kind does not notice");
}

void test_destruction() {
    Item survivor('s');
    {
        RedList list;
        list.push_back(survivor);
        {
            Item gone('g');
            list.push_back(gone);
        }
        is(names(list), "s", "a destroyed object leaves");
    }
    ok(!in_red(survivor), "a destroyed list lets its objects go");
    leave_red(survivor);
    RedList next;
    next.push_back(survivor);
    is(names(next), "s", "for another list");
}

void test_visitors() {
    RedList list;
    std::unique_ptr<Item> items[4];
    for (int i = 0; i < 4; ++i) {
        items[i] = std::make_unique<Item>(static_cast<char>('a' + i));
        list.push_back(*items[i]);
    }
    std::string seen;
    list.each([&](Item &item) {
        seen += item.name;
        if (item.name == 'b') {
            leave_red(item);
        } else {
            items[item.name - 'a'].reset();
        }
    });
    is(seen, "abcd", "a visitor may unlink or destroy what it is given");
    ok(list.empty() && items[1] != nullptr, "and all are gone");
}

} // namespace

int main() {
    test_order();
    test_two_lists();
    test_destruction();
    test_visitors();
    return test::done();
}
