// SPDX-License-Identifier: BSD-2-Clause
// One namespace of this worker: its rules, its sockets, its rooms. Made when the first
// client joins; one that a pattern made goes with its last client.
#pragma once

#include "base/hash_index.hpp"
#include "hub/rooms.hpp"
#include "hub/settings.hpp"
#include "hub/socket.hpp"

#include <string>
#include <vector>

namespace rt::hub {

class Namespace {
public:
    // `key`: as Rooms has it.
    Namespace(std::string name, const NamespaceSettings &settings, std::vector<std::string> matched,
              std::uint64_t key)
        : rooms(key), name_(std::move(name)), settings_(settings), matched_(std::move(matched)) {}

    [[nodiscard]] Text name() const noexcept { return name_; }
    [[nodiscard]] const NamespaceSettings &settings() const noexcept { return settings_; }
    // The named captures of `namespace ~`, in the pattern's order.
    [[nodiscard]] const std::vector<std::string> &matched() const noexcept { return matched_; }

    void add(Socket &socket);
    void remove(Socket &socket);

    [[nodiscard]] Socket *find(Text id) const;
    [[nodiscard]] std::size_t size() const noexcept { return by_id_.size(); }

    Rooms rooms;
    std::vector<Socket *> sockets; // in no order; each knows its place

private:
    std::string name_;
    const NamespaceSettings &settings_;
    std::vector<std::string> matched_;
    struct IdOf {
        Text operator()(const Socket &socket) const noexcept { return socket.id_text(); }
    };
    HashIndex<Socket, IdOf> by_id_;
};

} // namespace rt::hub
