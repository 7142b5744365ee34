// SPDX-License-Identifier: BSD-2-Clause
// keyed_hash spreads and depends on its key; HashIndex finds what is in it, through growth,
// shrinking and the gaps that erased objects leave.
#include "base/hash.hpp"
#include "base/hash_index.hpp"

#include "tap.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace rt;
using test::is;
using test::ok;

namespace {

void test_hash() {
    ok(keyed_hash("room", 1) == keyed_hash(std::string("room"), 1), "one text, one key, one hash");
    ok(keyed_hash("room", 1) != keyed_hash("room", 2), "another key, another hash");
    std::string constant; // a block that equals a public constant must not wipe out what is before it
    Writer(constant).put(std::uint64_t{0xf46130a330fe6085});
    ok(keyed_hash("prefix-1" + constant, 7) != keyed_hash("prefix-2" + constant, 7),
       "no block wipes the state");
    std::vector<std::uint64_t> hashes;
    for (std::size_t size = 0; size < 64; ++size) {
        hashes.push_back(keyed_hash(std::string(size, '\0'), 7));
        hashes.push_back(keyed_hash(std::string(size, 'a') + "b", 7));
        hashes.push_back(keyed_hash("b" + std::string(size, 'a'), 7));
    }
    std::sort(hashes.begin(), hashes.end());
    const auto twice = std::unique(hashes.begin(), hashes.end());
    is(hashes.end() - twice, 1, "texts that differ in length or place differ, but for the one that is twice");
}

// The fullest of 256 buckets under 64 names each, by the low and by the high bits.
unsigned fullest(unsigned shift) {
    std::array<unsigned, 256> buckets{};
    for (int i = 0; i < 256 * 64; ++i) {
        ++buckets[keyed_hash("user:" + std::to_string(i), 99) >> shift & 255];
    }
    return *std::max_element(buckets.begin(), buckets.end());
}

void test_spread() { ok(fullest(0) < 110 && fullest(56) < 110, "like names spread over the buckets"); }

struct Named {
    std::string name;
};

struct NameOf {
    Text operator()(const Named &named) const noexcept { return named.name; }
};

using Index = HashIndex<Named, NameOf>;

// A fixed sequence of names; the last eight characters look random, as those of ids do.
std::vector<Named> named(std::size_t count, bool clash) {
    std::vector<Named> out;
    unsigned random = 4242;
    for (std::size_t i = 0; i < count; ++i) {
        std::string name = "host" + std::to_string(i) + "-";
        for (int k = 0; k < 8; ++k) {
            random = random * 1103515245 + 12345;
            name += clash ? 'x' : static_cast<char>('!' + (random >> 16) % 90);
        }
        out.push_back({name});
    }
    return out;
}

int missing(const Index &index, std::vector<Named> &objects, std::size_t from) {
    int wrong = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const Named *expected = i < from ? nullptr : &objects[i];
        wrong += index.find(objects[i].name) == expected ? 0 : 1;
    }
    return wrong;
}

// Fills and empties an index of `count` objects, asking for all of them at times.
void fill_and_empty(std::size_t count, bool clash, const std::string &what) {
    std::vector<Named> objects = named(count, clash);
    Index index;
    for (Named &object : objects) {
        index.insert(object);
    }
    is(missing(index, objects, 0), 0, what + ": all are found");
    int wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
        index.erase(objects[i]);
        index.erase(objects[i]); // again: nothing
        wrong += i % (count / 16) == 0 ? missing(index, objects, i + 1) : 0;
    }
    is(wrong, 0, what + ": the erased are not found, the others are");
    is(index.size(), 0U, what + ": nothing is left");
    index.insert(objects[0]);
    ok(index.find(objects[0].name) == &objects[0], what + ": and it goes on");
}

void test_index() {
    Index index;
    ok(index.find("long enough") == nullptr && index.size() == 0, "nothing in an empty index");
    Named one{"aaaabbbbcccc"};
    index.erase(one);
    index.insert(one);
    ok(index.find("xaaabbbbcccc") == nullptr, "the whole key counts");
    ok(index.find("cccc") == nullptr && index.find("") == nullptr, "a short key finds nothing");
    fill_and_empty(4096, false, "ids");
    fill_and_empty(96, true, "keys that all meet in one slot");
}

} // namespace

int main() {
    test_hash();
    test_spread();
    test_index();
    return test::done();
}
