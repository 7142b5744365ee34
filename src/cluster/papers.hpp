// SPDX-License-Identifier: BSD-2-Clause
// A session's records in the roster, as bytes: what a host has to know of a session that comes from
// another host, apart from its image.
#pragma once

#include "cluster/roster_directory.hpp"

namespace rt::cluster {

class Registrar {
public:
    virtual ~Registrar() = default;

    // Of a session that lives here. Nothing changes.
    virtual void write(hub::RecordRef connection, Writer &out) = 0;

    // Makes them anew, with this worker as the home; rooms are the hub's to join. `since`: the
    // position at which its sockets begin here. full, protocol: nothing was made.
    virtual Result<hub::Papers> make(Text sid, Reader &in, hub::Position since) = 0;

    virtual void remove(hub::RecordRef connection) = 0;
};

class RosterRegistrar final : public Registrar {
public:
    explicit RosterRegistrar(RosterDirectory &directory) noexcept : directory_(directory) {}

    void write(hub::RecordRef connection, Writer &out) override;
    Result<hub::Papers> make(Text sid, Reader &in, hub::Position since) override;
    void remove(hub::RecordRef connection) override { directory_.remove_connection(connection); }

private:
    Result<void> make_sockets(hub::Papers &papers, Reader &in, hub::Position since);

    RosterDirectory &directory_;
};

} // namespace rt::cluster
