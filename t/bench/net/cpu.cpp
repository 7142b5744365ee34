// SPDX-License-Identifier: BSD-2-Clause
#include "net/cpu.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>

namespace bench {

namespace {

double running_us(const std::string &process) {
    double sum = 0;
    for (const auto &thread : std::filesystem::directory_iterator(process + "/task")) {
        std::ifstream in(thread.path() / "schedstat");
        double nanoseconds = 0;
        in >> nanoseconds;
        sum += nanoseconds / 1000;
    }
    return sum;
}

// Fields 14 and 15; the second, the name, may hold blanks and ends with the last ")".
void add_ticks(const std::string &process, Cpu &cpu) {
    std::ifstream in(process + "/stat");
    std::string line;
    std::getline(in, line);
    std::size_t at = line.rfind(')') + 1;
    for (int field = 3; field < 14; ++field) {
        at = line.find(' ', at + 1);
    }
    const double tick_us = 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
    std::size_t used = 0;
    cpu.user_us += std::stod(line.substr(at), &used) * tick_us;
    cpu.system_us += std::stod(line.substr(at + used)) * tick_us;
}

} // namespace

Cpu cpu_of(const std::vector<pid_t> &pids) {
    Cpu cpu;
    for (const pid_t pid : pids) {
        const std::string process = "/proc/" + std::to_string(pid);
        cpu.total_us += running_us(process);
        add_ticks(process, cpu);
    }
    return cpu;
}

} // namespace bench
