// SPDX-License-Identifier: BSD-2-Clause
// Which sockets of this worker stand in which room of one namespace. A room exists while
// it has a member. A socket's own id is found without a room of its own.
#pragma once

#include "base/hash.hpp"
#include "hub/socket.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace rt::hub {

struct Room {
    struct Member {
        Socket *socket;
        std::uint32_t membership; // index in the socket's list
    };

    std::string name;
    std::vector<Member> members;
};

class Rooms {
public:
    // `key`: for the hash of names, which clients may choose.
    explicit Rooms(std::uint64_t key) : rooms_(0, KeyedHash{key}) {}

    // False if it was in already.
    bool join(Socket &socket, Text room);
    bool leave(Socket &socket, Text room);
    void leave_all(Socket &socket);

    [[nodiscard]] static bool is_in(const Socket &socket, const Room &room) noexcept;
    [[nodiscard]] Room *find(Text room) const;
    [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }

private:
    void drop(Socket &socket, std::uint32_t membership);

    // Keyed by the room's own name.
    std::unordered_map<Text, std::unique_ptr<Room>, KeyedHash> rooms_;
};

} // namespace rt::hub
