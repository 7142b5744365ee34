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
        tell_holder({nsp, std::nullopt, number_of_news()});
    }
    if (follows_ids_) {
        tell_holder({nsp, id, number_of_news()});
    }
}

// Who came first has told of it, and while Redis is away nobody waits.
void RedisBus::on_room_unheard(Text nsp, Text room, bool begins) {
    if (const std::uint64_t number = number_of_news(); begins || number != 0) {
        tell_holder({nsp, room, number});
    }
}

// 0: it is not waited for.
std::uint64_t RedisBus::number_of_news() {
    return waits_ && table_.state() == shm::BridgeState::connected ? joins_.ask() : 0;
}

// Nobody holds it: whoever will reads the roster first.
void RedisBus::tell_holder(const cluster::InterestNews &news) {
    const std::string mail = cluster::interest_mail(news);
    const Bytes piece = as_bytes(mail);
    asked_of_ = table_.holder();
    if (cluster::Bridge *mine = bridge(); mine != nullptr && is_mine()) {
        mine->on_interest(asked_of_, piece);
    } else if (asked_of_) {
        static_cast<void>(app_.post().send(asked_of_, cluster::kInterestMail, {&piece, 1}));
    }
}

// --- who waits until it is heard ---

// Another holder reads the roster first, and has to be asked anew.
void RedisBus::go_on_joining(Millis now) {
    if (joins_.empty()) {
        return;
    }
    if (table_.state() != shm::BridgeState::connected) {
        joins_.give_up();
    } else if (const shm::SeatRef holder = table_.holder(); holder && holder != asked_of_) {
        tell_holder({{}, std::nullopt, joins_.asked()});
    }
    joins_.go_on(now);
}

void RedisBus::on_heard(shm::SeatRef who, std::uint64_t number) {
    if (who == app_.worker().seat()) {
        joins_.told(number);
        return;
    }
    std::string mail;
    Writer(mail).put(number);
    const Bytes piece = as_bytes(mail);
    static_cast<void>(app_.post().send(who, cluster::kHeardMail, {&piece, 1}));
}

void RedisBus::on_mail(shm::SeatRef from, std::uint16_t kind, Bytes mail) {
    if (kind == cluster::kInterestMail) {
        if (cluster::Bridge *mine = bridge(); mine != nullptr) {
            mine->on_interest(from, mail);
        }
        return;
    }
    Reader in(as_text(mail));
    if (const auto number = in.get<std::uint64_t>(); in.ok() && in.at_end()) {
        joins_.told(number);
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
    if (cluster::Bridge *mine = bridge(); mine != nullptr && state != shm::BridgeState::connected) {
        mine->give_up_interest();
    }
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
