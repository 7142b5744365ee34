// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/slot_routes.hpp"

#include <array>
#include <utility>

namespace rt::cluster {

using wire::RespKind;
using wire::RespValue;

namespace {

// Of the commands in front of what ASK wants: nobody waits for its answer.
constexpr Cookie kAsking{};

// It was not carried out, and may be elsewhere or later.
bool is_to_be_repeated(const RespValue &reply) noexcept {
    if (!reply.is(RespKind::error)) {
        return false;
    }
    switch (trouble_of(reply.text())) {
    case RedisTrouble::moved:
    case RedisTrouble::ask:
    case RedisTrouble::try_again:
    case RedisTrouble::cluster_down:
    case RedisTrouble::loading:
    case RedisTrouble::master_down:
    case RedisTrouble::read_only:
        return true;
    default:
        return false;
    }
}

} // namespace

SlotRoutes::SlotRoutes(const Ports &ports) : ports_(ports), flying_(kSlots) {}

bool SlotRoutes::send(std::uint16_t slot, std::span<const Text> words, std::uint64_t cookie, Millis now) {
    const RedisAddress *owner = ports_.nodes.owner(slot);
    const bool lost = owner != nullptr && ports_.lines.want(*owner) == NodeState::down;
    if (lost || held_ >= kMost) {
        return false;
    }
    Command command{slot, cookie, {words.begin(), words.end()}, {}};
    const std::uint64_t number = ++given_;
    if (waiting_.contains(slot) || !give(number, command)) {
        wait(number, std::move(command), now);
    }
    return true;
}

// False: there is nobody to give it to, and it is the caller's still.
bool SlotRoutes::give(std::uint64_t number, Command &command) {
    const RedisAddress *owner = command.ask ? &*command.ask : ports_.nodes.owner(command.slot);
    if (owner == nullptr || ports_.lines.want(*owner) != NodeState::up) {
        return false;
    }
    if (command.ask && !ports_.lines.command(*owner, kAsking, std::array{Text("ASKING")})) {
        return false;
    }
    const std::vector<Text> words(command.words.begin(), command.words.end());
    if (!ports_.lines.command(*owner, {LineUser::routes, number}, words)) {
        return false;
    }
    ++flying_[command.slot];
    sent_.emplace(number, std::move(command));
    return true;
}

void SlotRoutes::wait(std::uint64_t number, Command command, Millis now) {
    const std::uint16_t slot = command.slot;
    waiting_[slot].emplace(number, std::move(command));
    ++held_;
    if (!running()) {
        ports_.deadlines.start(*this, now, kPause);
    }
}

void SlotRoutes::on_reply(const RedisAddress &from, std::uint64_t number, const RespValue *reply,
                          Millis now) {
    auto sent = sent_.extract(number);
    if (sent.empty()) {
        return;
    }
    Command &command = sent.mapped();
    const std::uint16_t slot = command.slot;
    --flying_[slot];
    if (reply != nullptr && is_to_be_repeated(*reply)) {
        redirect(command, from, reply->text(), now);
        wait(number, std::move(command), now);
        flush(slot, false);
        return;
    }
    ports_.events.on_routed(command.cookie, reply, now);
    flush(slot, reply != nullptr);
}

// A node that sends back what it was sent to for is given a pause: the nodes do not agree yet.
void SlotRoutes::redirect(Command &command, const RedisAddress &from, Text error, Millis now) {
    const bool asked = std::exchange(command.ask, {}).has_value();
    std::optional<Redirect> to = parse_redirect(error, from);
    if (!to || to->to == from || asked) {
        paused_ = true;
    } else if (to->ask) {
        command.ask = std::move(to->to);
        return;
    } else {
        ports_.nodes.moved(*to);
    }
    ports_.events.on_old_map(now);
}

// One behind what is under way, so that nothing overtakes; `all` when one was carried out.
void SlotRoutes::flush(std::uint16_t slot, bool all) {
    const auto found = waiting_.find(slot);
    if (found == waiting_.end() || flying_[slot] != 0 || paused_) {
        return;
    }
    Waiting &commands = found->second;
    do {
        const auto first = commands.begin();
        if (!give(first->first, first->second)) {
            return;
        }
        commands.erase(first);
        --held_;
    } while (all && !commands.empty());
    if (commands.empty()) {
        waiting_.erase(found);
    }
}

void SlotRoutes::go_on() {
    for (auto next = waiting_.begin(); next != waiting_.end();) {
        flush((next++)->first, false);
    }
}

void SlotRoutes::on_deadline(Millis now) {
    if (std::exchange(paused_, false)) {
        ports_.events.on_old_map(now);
    }
    go_on();
    if (!waiting_.empty()) {
        ports_.deadlines.start(*this, now, kPause);
    }
}

void SlotRoutes::drop(Millis now) {
    held_ = 0;
    for (auto &[slot, commands] : std::exchange(waiting_, {})) {
        for (const auto &[number, command] : commands) {
            ports_.events.on_routed(command.cookie, nullptr, now);
        }
    }
}

} // namespace rt::cluster
