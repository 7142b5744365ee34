// SPDX-License-Identifier: BSD-2-Clause
// Shard channels that have to be heard, each at the node of the Cluster that owns its slot: asked
// for, confirmed, and asked for again elsewhere when the slot moves or its node dies.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/node_lines.hpp"

#include <map>
#include <string>
#include <unordered_map>

namespace rt::cluster {

class ShardChannelsEvents {
public:
    virtual ~ShardChannelsEvents() = default;
    // Everything that is wanted is heard. Also when it was a moment ago.
    virtual void on_all_heard(Millis now) = 0;
    // A channel is not heard for the time being, where its connection stands.
    virtual void on_unheard(Millis now) = 0;
    // Redis does not let us: too few rights, most likely. Not asked again until try_again().
    virtual void on_channel_refused(Text error, Millis now) = 0;
    // As of SlotRoutesEvents.
    virtual void on_old_map(Millis now) = 0;
};

class ShardChannels final : private Deadline {
public:
    static constexpr Millis kPause = 100; // until what could not be asked for is tried again

    struct Ports {
        RedisNodes &nodes;
        ShardLines &lines;
        Deadlines &deadlines;
        ShardChannelsEvents &events;
    };

    explicit ShardChannels(const Ports &ports) : ports_(ports) {}

    // Nothing is told before they return.
    void want(Text channel, Millis now);
    void leave(Text channel, Millis now);
    // None is wanted any more; Redis is not told.
    void forget();

    // Of what the lines were asked with this number, a cookie of LineUser::channels.
    void on_reply(const RedisAddress &from, std::uint64_t number, const wire::RespValue &reply, Millis now);
    // Redis says that the slot has left this node.
    void on_dropped(const RedisAddress &from, Text channel, Millis now);
    // A connection came up: what waits is asked for.
    void go_on(Millis now);
    // The slots were learned. A node says itself when a slot leaves it, so it takes two maps that
    // say otherwise to ask elsewhere for what is heard.
    void on_map(Millis now);
    // A connection is lost, and what it heard with it.
    void on_lost(const RedisAddress &node, Millis now);
    // Those that were refused, too.
    void try_again(Millis now);

    [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }
    [[nodiscard]] bool hears(Text channel) const {
        const auto row = channels_.find(channel);
        return row != channels_.end() && row->second.stage == Stage::heard;
    }
    [[nodiscard]] bool uses(const RedisAddress &node) const noexcept;

private:
    enum class Stage : std::uint8_t { wanted, asked, heard, refused };
    struct Channel {
        std::uint16_t slot = 0;
        Stage stage = Stage::wanted;
        RedisAddress at; // asked or heard there
        std::uint64_t number = 0;
        unsigned elsewhere = 0; // so many maps in a row
    };
    using Row = std::map<std::string, Channel, std::less<>>::value_type;

    void on_deadline(Millis now) override;
    void ask(Row &row, Millis now);
    void miss(Channel &channel);
    void wait(Millis now);
    void settle(Millis now);
    [[nodiscard]] static bool is_placed(const Channel &channel) noexcept {
        return channel.stage == Stage::asked || channel.stage == Stage::heard;
    }

    Ports ports_;
    std::map<std::string, Channel, std::less<>> channels_;
    std::unordered_map<std::uint64_t, std::string> asked_; // by number
    std::size_t missing_ = 0;                              // not heard
    std::uint64_t given_ = 0;
    bool told_ = false; // that all is heard
};

} // namespace rt::cluster
