// SPDX-License-Identifier: BSD-2-Clause
// What the bridge's holder is told of this worker's sockets, and the log of the bridge.
#include "ngx/app.hpp"
#include "ngx/redis_bus.hpp"
#include "ngx/worker.hpp"

namespace rt::ngx {

// --- what this worker's sockets have to hear ---

void RedisBus::on_socket_added(Text nsp, Text id) {
    if (const shm::SeatRef holder = table_.holder(); holder != told_to_) {
        told_.clear(); // it has read those that there were, and may have heard of others never
        told_to_ = holder;
    }
    if (!told_.contains(nsp)) {
        told_.emplace(nsp);
        tell_holder({nsp, std::nullopt});
    }
    if (follows_ids_) {
        tell_holder({nsp, id});
    }
}

void RedisBus::on_room_begun(Text nsp, Text room) {
    if (follows_rooms_) {
        tell_holder({nsp, room});
    }
}

// Nobody holds it: whoever will reads the roster first.
void RedisBus::tell_holder(const cluster::InterestNews &news) {
    const std::string mail = cluster::interest_mail(news);
    const Bytes piece = as_bytes(mail);
    if (cluster::Bridge *mine = bridge(); mine != nullptr && is_mine()) {
        mine->on_interest(piece);
    } else if (const shm::SeatRef holder = table_.holder(); holder) {
        static_cast<void>(app_.post().send(holder, cluster::kInterestMail, {&piece, 1}));
    }
}

// Not up: asked for when it is. What finds no room would never be heard: all is asked for anew.
void RedisBus::hope(const Result<void> &asked) {
    if (asked.code() == Code::full) {
        refused(asked.error().where, app_.worker().now());
    }
}

// --- words ---

void RedisBus::request_turn() { app_.worker().touch(); }

void RedisBus::on_bridge_state(shm::BridgeState state, shm::BridgeState before) {
    Log &log = app_.worker().core_log();
    const std::string app = "app \"" + app_.conf().settings.name + "\": ";
    if (state == shm::BridgeState::degraded) {
        log.write(Level::warn, app + "Redis is away: other hosts hear nothing until it is back");
    } else if (state == shm::BridgeState::connected) {
        log.write(Level::notice, app + "Redis adapter connected");
        if (before == shm::BridgeState::joining) {
            log.write(Level::notice, app + "Redis adapter attached to Socket.IO server");
        }
    }
}

void RedisBus::warn_of_start() {
    if (table_.state() == shm::BridgeState::joining && !std::exchange(warned_, true)) {
        app_.worker().core_log().write(Level::warn, "app \"" + app_.conf().settings.name +
                                                        "\": Redis adapter not initialized, using default "
                                                        "adapter");
    }
}

} // namespace rt::ngx
