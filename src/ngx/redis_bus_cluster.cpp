// SPDX-License-Identifier: BSD-2-Clause
// The bridge in a Redis Cluster: what the connections to its nodes tell.
#include "ngx/redis_bus_held.hpp"

namespace rt::ngx {

// The connection that publishes may be used. In a Cluster it first says where the others are.
void RedisBus::line_up(Millis now) {
    if (held_->cluster != nullptr) {
        held_->cluster->on_pub_up(now);
    } else {
        held_->bridge.on_line_up(now);
    }
}

void RedisBus::on_cluster_up(Millis now) { held_->bridge.on_line_up(now); }

void RedisBus::on_cluster_lost(Millis now) { held_->bridge.on_line_lost(now); }

void RedisBus::on_cluster_reply(std::uint64_t cookie, const wire::RespValue *reply, Millis now) {
    held_->bridge.on_reply(cookie, reply, now);
}

void RedisBus::on_shards_heard(Millis now) {
    if (asks_again_ != 0) {
        return;
    }
    heard_all(now);
    held_->bridge.on_channels_back();
}

void RedisBus::on_shards_moved(Millis) { held_->bridge.on_channels_lost(); }

// Nobody knows what was said there meanwhile.
void RedisBus::on_shards_lost(Millis now) {
    held_->whole = false;
    if (held_->filled) {
        fill_box(); // or Redis would go on counting one that is lost
    }
    if (std::exchange(held_->hears, false)) {
        held_->bridge.on_hearing_lost(now);
    }
}

void RedisBus::on_shards_torn(unsigned place, bool torn) {
    if (is_mine()) {
        table_.set_torn(place, torn);
    }
}

void RedisBus::on_shard_message(Text channel, Bytes payload, Millis now) {
    if (is_mine()) {
        held_->bridge.on_message(channel, payload, now);
    }
}

} // namespace rt::ngx
