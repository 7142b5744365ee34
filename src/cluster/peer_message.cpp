// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/peer_message.hpp"

namespace rt::cluster {

void PeerMessage::clear() noexcept {
    says = Says::broadcast;
    nsp = uid = request_id = {};
    number = 0;
    envelope.clear();
    count = 0;
    texts.clear();
    old_form = false;
}

} // namespace rt::cluster
