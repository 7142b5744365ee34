// SPDX-License-Identifier: BSD-2-Clause
// The smallest TAP producer: one test binary is one .cpp that ends with `return rt::test::done();`.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>

namespace rt::test {

struct Tally {
    int run = 0;
    int failed = 0;
};

inline Tally &tally() {
    static Tally counts;
    return counts;
}

inline bool ok(bool good, const std::string &name) {
    Tally &counts = tally();
    ++counts.run;
    counts.failed += good ? 0 : 1;
    std::printf("%s %d - %s\n", good ? "ok" : "not ok", counts.run, name.c_str());
    return good;
}

template <class A, class B> bool is(const A &got, const B &expected, const std::string &name) {
    const bool good = got == expected;
    ok(good, name);
    if (!good) {
        std::ostringstream text;
        text << "#      got: " << got << "\n# expected: " << expected << "\n";
        std::fputs(text.str().c_str(), stdout);
    }
    return good;
}

inline int done() {
    std::printf("1..%d\n", tally().run);
    return tally().failed == 0 ? 0 : 1;
}

} // namespace rt::test
