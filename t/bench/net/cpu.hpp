// SPDX-License-Identifier: BSD-2-Clause
// What processes have used of the processor, from /proc.
#pragma once

#include <sys/types.h>
#include <vector>

namespace bench {

struct Cpu {
    double total_us = 0; // schedstat: to the nanosecond
    double user_us = 0;  // stat: clock ticks
    double system_us = 0;

    Cpu operator-(const Cpu &before) const noexcept {
        return {total_us - before.total_us, user_us - before.user_us, system_us - before.system_us};
    }
};

// Of all threads of these processes together.
[[nodiscard]] Cpu cpu_of(const std::vector<pid_t> &pids);

} // namespace bench
