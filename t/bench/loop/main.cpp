// SPDX-License-Identifier: BSD-2-Clause
// The bare loop: loop <port> [joining] [two] [redis=<port>]
#include "loop/server.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// A second process beside this one; each tells the other what its clients say.
int split() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == -1) {
        bench::fail("socketpair");
    }
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return pair[0];
    }
    return pair[1];
}

} // namespace

int main(int count, char **words) {
    bench::LoopSettings settings;
    bench::raise_limits();
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "joining") {
            settings.joining = true;
        } else if (word == "two") {
            settings.sibling = split();
        } else if (word.starts_with("redis=")) {
            settings.redis = static_cast<std::uint16_t>(std::atoi(words[i] + word.find('=') + 1));
        } else {
            settings.port = static_cast<std::uint16_t>(std::atoi(words[i]));
        }
    }
    bench::Loop(settings).run();
}
