// SPDX-License-Identifier: BSD-2-Clause
// The least a Socket.IO server can do: one epoll, one array of sockets, and a write per client
// and event. It knows the events of the benchmark by their bytes, nothing else, and no limit.
#pragma once

#include "loop/relay.hpp"
#include "net/frames.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

struct LoopSettings {
    std::uint16_t port = 3000;
    bool joining = false;    // collects all that is ready to read, then writes once per client
    int sibling = -1;        // a socket to another process with clients of its own
    std::uint16_t redis = 0; // what is cast goes through this Redis; 0: through none
};

class Loop {
public:
    explicit Loop(const LoopSettings &settings);
    [[noreturn]] void run();

private:
    struct Client {
        int fd = -1;
        bool upgraded = false;
        bool blocked = false;
        std::size_t place = 0; // among those who joined, if it has
        std::string rest;      // the beginning of a frame
        std::string pending;   // what the socket did not take
    };

    struct Target {
        int fd;
        bool blocked;
    };

    void take(std::uint64_t what, std::uint32_t events);
    void accept_all();
    void hear_sibling();
    void hear_redis();
    void hear(Client &client);
    [[nodiscard]] Text upgrade(Client &client, Text bytes);
    void on_packet(Client &client, Text packet);
    void cast(Text frame);
    void cast_here(Text frame);
    void write_all(Text bytes);
    void write(Client &client, Text bytes);
    void keep(Client &client, Text bytes, long sent);
    void unblock(Client &client);
    void set_blocked(Client &client, bool blocked);
    void drop(Client &client);
    void expect(int fd, std::uint64_t what, std::uint32_t events) const;

    LoopSettings settings_;
    int epoll_;
    int listener_;
    std::vector<Client> clients_; // by descriptor
    std::vector<Target> targets_; // of broadcasts: who joined
    std::string collected_;       // joining: what this turn has to write
    std::string buffer_;
    std::unique_ptr<Relay> relay_;
};

} // namespace bench
