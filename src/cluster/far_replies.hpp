// SPDX-License-Identifier: BSD-2-Clause
// The answers of clients that were asked at another host and came here since: they go back to where
// they were asked. Each is kept, and said again, until that host confirms it or the question's time
// is over: Redis may be away, or lose it. All others go to who asks on this host.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/relay.hpp"
#include "hub/replies.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rt::cluster {

class FarReplies final : public hub::Replies, private Deadline {
public:
    static constexpr std::size_t kMost = 4096;          // kept at once
    static constexpr std::size_t kMostBytes = 16 << 20; // of them; what is more is said once
    static constexpr Millis kLook = 100;                // is Redis back?
    static constexpr Millis kRepeat = 1000;             // of what nobody confirms

    // `near`: of this host.
    FarReplies(const AbroadPorts &abroad, hub::Replies &near, Relay &relay)
        : abroad_(abroad), near_(near), relay_(relay) {}

    // Once per turn.
    void go_on(Millis now);

    // What is kept.
    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }
    // Nobody waits for it any more: this host stops.
    void forget_all() noexcept;

    // hub::Replies
    void asked(const hub::AskerId &asker, std::span<const Text> sids) override { near_.asked(asker, sids); }
    // A question at another host does not learn where its sockets went; it has its own time.
    void arrived(const hub::AskerId &asker, Text sid) override;
    void departed(const hub::AskerId &asker, Text sid) override;
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override;

    // At the host that asked, `in` behind the head: what to confirm. Questions take an answer once.
    [[nodiscard]] static std::optional<Ticket> hear(Reader &in, hub::Replies &near);
    // And here.
    void on_confirmed(const Ticket &ticket) noexcept;

private:
    struct Kept {
        std::uint64_t number;
        std::string host;
        std::string message;
        Millis left;      // of the question's time, when it was answered
        Millis until = 0; // 0: not counted yet
        Millis due = 0;   // to be said
    };

    void on_deadline(Millis now) override;
    void say(const Kept &answer);
    void keep(Kept answer);

    AbroadPorts abroad_;
    hub::Replies &near_;
    Relay &relay_;
    std::vector<Kept> kept_;
    std::size_t bytes_ = 0;
    std::uint64_t numbers_ = 0;
    bool fresh_ = false; // some are not counted yet
};

} // namespace rt::cluster
