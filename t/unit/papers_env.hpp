// SPDX-License-Identifier: BSD-2-Clause
// What tests of a session's papers share: a host with a roster of its own.
#pragma once

#include "cluster/papers.hpp"
#include "roster_env.hpp"

namespace rt::test {

struct PapersHost {
    explicit PapersHost(std::size_t size = 1U << 20) : zone(size) {}

    [[nodiscard]] std::string papers(hub::RecordRef connection) {
        std::string bytes;
        Writer out(bytes);
        registrar.write(connection, out);
        return bytes;
    }
    Result<hub::Papers> make(Text sid, Text bytes) {
        Reader in(bytes);
        return registrar.make(sid, in, 77);
    }
    [[nodiscard]] bool is_empty() {
        const auto counts = zone.roster.counts();
        return counts.connections == 0 && counts.sockets == 0;
    }

    RosterZone zone;
    cluster::RosterDirectory directory{zone.roster, {1, 1}};
    cluster::RosterRegistrar registrar{directory};
};

} // namespace rt::test
