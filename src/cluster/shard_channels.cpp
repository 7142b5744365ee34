// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/shard_channels.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

using wire::RespKind;
using wire::RespValue;

namespace {

constexpr unsigned kMapsToMove = 2;

} // namespace

void ShardChannels::want(Text channel, Millis now) {
    const auto [row, is_new] = channels_.try_emplace(std::string(channel));
    if (!is_new) {
        return;
    }
    row->second.slot = key_slot(channel);
    ++missing_;
    told_ = false;
    ask(*row, now);
}

void ShardChannels::leave(Text channel, Millis now) {
    const auto row = channels_.find(channel);
    if (row == channels_.end()) {
        return;
    }
    const Channel &left = row->second;
    if (is_placed(left)) {
        ports_.lines.unsubscribe(left.at, channel);
    }
    asked_.erase(left.number);
    missing_ -= left.stage == Stage::heard ? 0 : 1;
    channels_.erase(row);
    wait(now); // it may have been the last that was missing
}

void ShardChannels::forget() {
    channels_.clear();
    asked_.clear();
    missing_ = 0;
    told_ = false;
    stop();
}

// Where it cannot be asked for, a connection that comes up, the map or the timer tries it again.
void ShardChannels::ask(Row &row, Millis now) {
    auto &[name, channel] = row;
    const RedisAddress *owner = ports_.nodes.owner(channel.slot);
    if (owner == nullptr || ports_.lines.want(*owner) != NodeState::up) {
        return;
    }
    const std::uint64_t number = ++given_;
    if (!ports_.lines.subscribe(*owner, {LineUser::channels, number}, name)) {
        wait(now);
        return;
    }
    channel.at = *owner;
    channel.stage = Stage::asked;
    channel.number = number;
    asked_.emplace(number, name);
}

void ShardChannels::wait(Millis now) {
    if (!running()) {
        ports_.deadlines.start(*this, now, kPause);
    }
}

void ShardChannels::on_deadline(Millis now) {
    if (!complete()) {
        ports_.events.on_old_map(now);
    }
    go_on(now);
}

void ShardChannels::on_reply(const RedisAddress &from, std::uint64_t number, const RespValue &reply,
                             Millis now) {
    const auto asked = asked_.extract(number);
    const auto row = asked.empty() ? channels_.end() : channels_.find(asked.mapped());
    if (row == channels_.end()) {
        return;
    }
    Channel &channel = row->second;
    if (!reply.is(RespKind::error)) {
        channel.stage = Stage::heard;
        --missing_;
        settle(now);
        return;
    }
    channel.stage = Stage::wanted;
    switch (trouble_of(reply.text())) {
    case RedisTrouble::moved:
        if (const auto to = parse_redirect(reply.text(), from); to && to->to != from) {
            ports_.nodes.moved(*to);
            ask(*row, now);
        }
        break;
    case RedisTrouble::forbidden:
        channel.stage = Stage::refused;
        ports_.events.on_channel_refused(reply.text(), now);
        return;
    default:
        break;
    }
    wait(now);
    ports_.events.on_old_map(now);
}

void ShardChannels::miss(Channel &channel) {
    asked_.erase(channel.number);
    missing_ += channel.stage == Stage::heard ? 1 : 0;
    channel.stage = Stage::wanted;
    channel.elsewhere = 0;
    told_ = false;
}

void ShardChannels::on_dropped(const RedisAddress &from, Text name, Millis now) {
    const auto row = channels_.find(name);
    if (row == channels_.end() || !is_placed(row->second) || row->second.at != from) {
        return;
    }
    miss(row->second);
    wait(now);
    ports_.events.on_unheard(now);
    ports_.events.on_old_map(now);
}

void ShardChannels::go_on(Millis now) {
    for (Row &row : channels_) {
        if (row.second.stage == Stage::wanted) {
            ask(row, now);
        }
    }
    settle(now);
}

void ShardChannels::on_map(Millis now) {
    bool lost = false;
    for (auto &[name, channel] : channels_) {
        const RedisAddress *owner = ports_.nodes.owner(channel.slot);
        const bool here = !is_placed(channel) || owner == nullptr || *owner == channel.at;
        channel.elsewhere = here ? 0 : channel.elsewhere + 1;
        if (channel.elsewhere >= kMapsToMove) {
            lost = lost || channel.stage == Stage::heard;
            ports_.lines.unsubscribe(channel.at, name);
            miss(channel);
        }
    }
    if (lost) {
        ports_.events.on_unheard(now);
    }
    go_on(now);
}

void ShardChannels::settle(Millis now) {
    if (complete() && !std::exchange(told_, true)) {
        ports_.events.on_all_heard(now);
    }
}

void ShardChannels::on_lost(const RedisAddress &node, Millis now) {
    for (auto &[name, channel] : channels_) {
        if (is_placed(channel) && channel.at == node) {
            miss(channel);
        }
    }
    ports_.events.on_old_map(now);
}

void ShardChannels::try_again(Millis now) {
    for (auto &[name, channel] : channels_) {
        channel.stage = channel.stage == Stage::refused ? Stage::wanted : channel.stage;
    }
    go_on(now);
}

bool ShardChannels::uses(const RedisAddress &node) const noexcept {
    return std::ranges::any_of(channels_, [&](const Row &row) {
        const Channel &channel = row.second;
        const RedisAddress *owner = ports_.nodes.owner(channel.slot);
        return (is_placed(channel) && channel.at == node) || (owner != nullptr && *owner == node);
    });
}

} // namespace rt::cluster
