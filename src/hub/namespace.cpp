// SPDX-License-Identifier: BSD-2-Clause
#include "hub/namespace.hpp"

namespace rt::hub {

void Namespace::add(Socket &socket) {
    by_id_.insert(socket);
    sockets.push_back(socket);
}

void Namespace::remove(Socket &socket) {
    rooms.leave_all(socket);
    by_id_.erase(socket);
    static_cast<Link<NamespaceTag> &>(socket).unlink();
}

Socket *Namespace::find(Text id) const { return by_id_.find(id); }

} // namespace rt::hub
