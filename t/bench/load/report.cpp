// SPDX-License-Identifier: BSD-2-Clause
#include "load/scenarios.hpp"

#include <algorithm>
#include <cstdio>

namespace bench {

Report &Report::add(Text name, double value) {
    text_ += text_.empty() ? "\"" : ",\"";
    text_ += name;
    text_ += "\":";
    text_ += std::to_string(value);
    return *this;
}

void Report::print() const {
    std::printf("{%s}\n", text_.c_str());
    std::fflush(stdout);
}

void Usage::report(Report &report, double work) const {
    const double took = seconds();
    const Cpu used = cpu_of(pids_) - cpu_;
    const double units = std::max(work, 1.0);
    report.add("seconds", took)
        .add("cpu_us", used.total_us / units)
        .add("user_us", used.user_us / units)
        .add("system_us", used.system_us / units);
}

} // namespace bench
