// SPDX-License-Identifier: BSD-2-Clause
// What can be wrong with a Redis, told apart: by its error replies, and by what its connection
// does. The words for it are fit for a log line.
#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace rt::cluster {

enum class RedisTrouble : std::uint8_t {
    none,

    // The connection.
    closed,   // by the other end, or by the network
    timeout,  // a command got no answer in time
    protocol, // what came is not Redis's protocol, or absurd
    stopped,  // by us

    // Error replies.
    unauthorized, // NOAUTH, WRONGPASS, an AUTH that was refused
    forbidden,    // NOPERM
    loading,      // LOADING: later
    master_down,  // MASTERDOWN: a replica that has lost its master
    read_only,    // READONLY: a replica
    max_clients,
    protected_mode, // DENIED
    bad_database,
    busy, // BUSY: a script runs
    out_of_memory,
    misconfigured, // MISCONF: it cannot save
    no_replicas,   // NOREPLICAS
    no_script,
    moved,
    ask,
    try_again, // TRYAGAIN
    cluster_down,
    cross_slot,
    aborted, // EXECABORT
    unknown_command,
    other,

    // Of a greeting: it answers, and is not what was looked for.
    not_master,
};

// Of an error reply, without its `-`.
[[nodiscard]] RedisTrouble trouble_of(Text error) noexcept;
// "connection closed", "timed out", "wrong password or user", ...
[[nodiscard]] Text words_for(RedisTrouble trouble) noexcept;

} // namespace rt::cluster
