// SPDX-License-Identifier: BSD-2-Clause
// Commands about a key or a shard channel, each to the node of the Cluster that owns its slot,
// through MOVED, ASK, TRYAGAIN and CLUSTERDOWN. Of one slot they are carried out in the order in
// which they were given. Each is answered once, or told as unknown when its connection is lost.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/node_lines.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rt::cluster {

class SlotRoutesEvents {
public:
    virtual ~SlotRoutesEvents() = default;
    // Null: the connection was lost, and whether Redis did it nobody knows.
    virtual void on_routed(std::uint64_t cookie, const wire::RespValue *reply, Millis now) = 0;
    // Who owns which slot has changed, or may have: it has to be learned.
    virtual void on_old_map(Millis now) = 0;
};

class SlotRoutes final : private Deadline {
public:
    static constexpr std::size_t kMost = 65'536; // commands that wait for their slot
    static constexpr Millis kPause = 100;        // until what waits is tried again

    struct Ports {
        RedisNodes &nodes;
        NodeLines &lines;
        Deadlines &deadlines;
        SlotRoutesEvents &events;
    };

    explicit SlotRoutes(const Ports &ports);

    // False: the owner's connection has failed, or too much waits. Nothing was taken.
    bool send(std::uint16_t slot, std::span<const Text> words, std::uint64_t cookie, Millis now);

    // Of a command that was given to the lines with this number, a cookie of LineUser::routes. Null:
    // unknown.
    void on_reply(const RedisAddress &from, std::uint64_t number, const wire::RespValue *reply, Millis now);

    // A connection came up, or the slots were learned: what waits is tried.
    void go_on();

    // What waits is told as unknown; what is under way is still answered.
    void drop(Millis now);

    // Nothing is under way at any node.
    [[nodiscard]] bool idle() const noexcept { return sent_.empty(); }

private:
    struct Command {
        std::uint16_t slot = 0;
        std::uint64_t cookie = 0;
        std::vector<std::string> words;
        std::optional<RedisAddress> ask; // this once, behind ASKING
    };
    // By number: the order in which they were given.
    using Waiting = std::map<std::uint64_t, Command>;

    void on_deadline(Millis now) override;
    [[nodiscard]] bool give(std::uint64_t number, Command &command);
    void wait(std::uint64_t number, Command command, Millis now);
    void redirect(Command &command, const RedisAddress &from, Text error, Millis now);
    void flush(std::uint16_t slot, bool all);

    Ports ports_;
    std::unordered_map<std::uint64_t, Command> sent_;
    std::map<std::uint16_t, Waiting> waiting_; // slots in trouble: one command at a time is tried
    std::vector<std::uint32_t> flying_;        // by slot: how many are sent
    std::size_t held_ = 0;                     // in waiting_
    std::uint64_t given_ = 0;
    bool paused_ = false; // nothing that waits is tried
};

} // namespace rt::cluster
