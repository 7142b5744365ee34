// SPDX-License-Identifier: BSD-2-Clause
// The load generator: load <scenario> [name=value ...]
#include "load/scenarios.hpp"

#include <cstdio>
#include <string_view>

namespace {

struct Entry {
    std::string_view name;
    void (*run)(const bench::Options &);
};

constexpr Entry kScenarios[] = {
    {"fanout", bench::run_fanout},
    {"pace", bench::run_pace},
    {"rooms", bench::run_rooms},
    {"calls", bench::run_calls},
    {"handshakes", bench::run_handshakes},
    {"hold", bench::run_hold},
    {"cast", bench::run_cast},
    {"publish", bench::run_publish},
};

} // namespace

int main(int count, char **words) {
    const std::string_view name = count > 1 ? words[1] : "";
    bench::raise_limits();
    for (const Entry &scenario : kScenarios) {
        if (scenario.name == name) {
            scenario.run(bench::parse_options(count - 2, words + 2));
            return 0;
        }
    }
    std::fprintf(stderr, "usage: load <scenario> [name=value ...]\n");
    return 2;
}
