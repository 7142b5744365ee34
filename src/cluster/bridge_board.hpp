// SPDX-License-Identifier: BSD-2-Clause
// What the holder of the bridge knows of other hosts and of Redis, as it stands in the zone for
// whichever worker is asked for the status.
#pragma once

#include "hub/cluster_status.hpp"

#include <string>

namespace rt::cluster {

// Hosts that do not fit into `most` bytes are left out; how many live is told all the same.
[[nodiscard]] std::string write_board(const hub::ClusterStatus &status, std::size_t most);

// What makes no sense is left out.
void read_board(Text board, hub::ClusterStatus &into);

} // namespace rt::cluster
