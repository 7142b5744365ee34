// SPDX-License-Identifier: BSD-2-Clause
#include "hub/namespace.hpp"

namespace rt::hub {

void Namespace::add(Socket &socket) {
    by_id_.insert(socket);
    socket.place = static_cast<std::uint32_t>(sockets.size());
    sockets.push_back(&socket);
}

void Namespace::remove(Socket &socket) {
    rooms.leave_all(socket);
    by_id_.erase(socket);
    sockets[socket.place] = sockets.back(); // the last takes its place
    sockets.back()->place = socket.place;
    sockets.pop_back();
}

Socket *Namespace::find(Text id) const { return by_id_.find(id); }

} // namespace rt::hub
