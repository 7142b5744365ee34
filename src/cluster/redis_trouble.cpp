// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/redis_trouble.hpp"

#include <iterator>

namespace rt::cluster {

namespace {

struct Row {
    Text begins;
    RedisTrouble trouble;
};

// What an error reply begins with. Longer ones first, where one begins as another.
constexpr Row kRows[] = {
    {"NOAUTH", RedisTrouble::unauthorized},
    {"WRONGPASS", RedisTrouble::unauthorized},
    {"ERR invalid password", RedisTrouble::unauthorized}, // before Redis 6
    {"ERR AUTH ", RedisTrouble::unauthorized},            // called without any password configured
    {"ERR Client sent AUTH", RedisTrouble::unauthorized}, // the same, before Redis 6
    {"NOPERM", RedisTrouble::forbidden},
    {"LOADING", RedisTrouble::loading},
    {"MASTERDOWN", RedisTrouble::master_down},
    {"READONLY", RedisTrouble::read_only},
    {"ERR max number of clients", RedisTrouble::max_clients},
    {"DENIED", RedisTrouble::protected_mode},
    {"ERR DB index", RedisTrouble::bad_database},
    {"ERR invalid DB index", RedisTrouble::bad_database},
    {"ERR SELECT is not allowed", RedisTrouble::bad_database}, // in cluster mode
    {"BUSY", RedisTrouble::busy},
    {"OOM", RedisTrouble::out_of_memory},
    {"MISCONF", RedisTrouble::misconfigured},
    {"NOREPLICAS", RedisTrouble::no_replicas},
    {"NOSCRIPT", RedisTrouble::no_script},
    {"MOVED", RedisTrouble::moved},
    {"ASK", RedisTrouble::ask},
    {"TRYAGAIN", RedisTrouble::try_again},
    {"CLUSTERDOWN", RedisTrouble::cluster_down},
    {"CROSSSLOT", RedisTrouble::cross_slot},
    {"EXECABORT", RedisTrouble::aborted},
    {"ERR unknown command", RedisTrouble::unknown_command},
};

// By the enumerator.
constexpr Text kWords[] = {
    "no trouble",
    "connection closed",
    "timed out",
    "protocol error",
    "stopped",
    "wrong password or user",
    "not permitted",
    "loading its data",
    "replica without its master",
    "read-only replica",
    "too many clients",
    "protected mode",
    "no such database",
    "busy with a script",
    "out of memory",
    "cannot save its data",
    "too few replicas",
    "no such script",
    "slot moved",
    "slot is moving",
    "try again",
    "cluster down",
    "keys in different slots",
    "transaction discarded",
    "unknown command",
    "refused",
    "not the master",
};
static_assert(std::size(kWords) == static_cast<std::size_t>(RedisTrouble::not_master) + 1);

// A code is a word of its own; a phrase may go on.
bool begins(Text error, Text with) noexcept {
    const bool phrase = with.find(' ') != Text::npos;
    return error.starts_with(with) && (phrase || error.size() == with.size() || error[with.size()] == ' ');
}

} // namespace

RedisTrouble trouble_of(Text error) noexcept {
    for (const Row &row : kRows) {
        if (begins(error, row.begins)) {
            return row.trouble;
        }
    }
    return RedisTrouble::other;
}

Text words_for(RedisTrouble trouble) noexcept { return kWords[static_cast<std::size_t>(trouble)]; }

} // namespace rt::cluster
