// SPDX-License-Identifier: BSD-2-Clause
#include "hub/namespace.hpp"

namespace rt::hub {

void Namespace::add(Socket &socket) {
    by_id_.emplace(socket.id_text(), &socket);
    sockets.push_back(socket);
}

void Namespace::remove(Socket &socket) {
    rooms.leave_all(socket);
    by_id_.erase(socket.id_text());
    static_cast<Link<NamespaceTag> &>(socket).unlink();
}

Socket *Namespace::find(Text id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
}

} // namespace rt::hub
