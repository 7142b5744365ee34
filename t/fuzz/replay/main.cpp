// SPDX-License-Identifier: BSD-2-Clause
// Feeds files to a fuzz target without libFuzzer: each argument is one input, one TAP line.
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace {

std::vector<std::uint8_t> read_file(const char *path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

} // namespace

// A finding aborts the process (sanitizers do not recover), which leaves the plan unprinted.
int main(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        const auto input = read_file(argv[i]);
        LLVMFuzzerTestOneInput(input.data(), input.size());
        std::printf("ok %d - %s, %zu bytes\n", i, argv[i], input.size());
        std::fflush(stdout);
    }
    std::printf("1..%d\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
