// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/node_counts.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

using wire::RespKind;
using wire::RespValue;

bool NodeCounts::send(std::span<const Text> words, std::uint64_t cookie) {
    const std::uint64_t number = ++given_;
    std::size_t asked = 0;
    for (const RedisAddress &node : nodes_.nodes()) {
        asked += lines_.want(node) == NodeState::up && lines_.command(node, {LineUser::counts, number}, words)
                     ? 1
                     : 0;
    }
    if (asked != 0) {
        open_.emplace(number, Count{cookie, std::string(words.back()), asked, 0, {}});
    }
    return asked != 0;
}

NodeCounts::Sum NodeCounts::on_reply(std::uint64_t number, const RespValue *reply) {
    const auto open = open_.find(number);
    if (open == open_.end()) {
        return {};
    }
    Count &count = open->second;
    if (reply != nullptr && reply->is(RespKind::error)) {
        count.refusal = reply->text();
    } else if (reply != nullptr) {
        count.sum += static_cast<std::uint64_t>(std::max<std::int64_t>((*reply)[1].integer(), 0));
    }
    if (--count.left != 0) {
        return {};
    }
    Sum done{count.cookie, {}};
    if (!count.refusal.empty()) {
        done.reply = "-" + count.refusal + "\r\n";
    } else {
        done.reply = "*2\r\n$" + std::to_string(count.channel.size()) + "\r\n" + count.channel +
                     "\r\n:" + std::to_string(count.sum) + "\r\n";
    }
    open_.erase(open);
    return done;
}

} // namespace rt::cluster
