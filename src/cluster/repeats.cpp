// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/repeats.hpp"

#include "base/hash.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

namespace {

std::size_t index_of(Repeats::Lane lane) noexcept { return static_cast<std::size_t>(lane); }

} // namespace

Repeats::Repeats(Deadlines &deadlines, Fn<bool(Text)> lives)
    : deadlines_(deadlines), lives_(std::move(lives)) {}

std::size_t Repeats::IdHash::operator()(const engine::ExchangeId &id) const noexcept {
    const std::uint64_t mixed =
        (std::uint64_t{id.slot.generation} << 32 | id.slot.index) * 0x9e3779b97f4a7c15;
    return static_cast<std::size_t>(mixed ^ mixed >> 29 ^ id.seat ^ std::uint64_t{id.seat_generation} << 20);
}

// A client asks anew only when it has the answer to what it asked before.
Repeats::Seen Repeats::see(Text sid, Lane lane, const engine::ExchangeId &by, Millis now) {
    std::unique_ptr<Entry> &entry = entries_[std::string(sid)];
    if (entry == nullptr) {
        entry = std::make_unique<Entry>();
        if (!sweeper_.running()) {
            deadlines_.start(sweeper_, now, kSweep);
        }
    }
    Last &last = entry->lanes[index_of(lane)];
    if (last.by == by) {
        return !last.answered ? Seen::under_way : last.kept ? Seen::answered : Seen::forgotten;
    }
    if (std::ranges::find(last.earlier, by) != last.earlier.end()) {
        return Seen::stale;
    }
    forget(last);
    last.earlier[last.next++ % kRemembered] = last.by;
    last.by = by;
    open_[by] = &last;
    return Seen::fresh;
}

const Repeats::Kept *Repeats::answer_of(Text sid, Lane lane) const {
    const auto found = entries_.find(std::string(sid));
    if (found == entries_.end()) {
        return nullptr;
    }
    const Last &last = found->second->lanes[index_of(lane)];
    return last.kept ? &last.answer : nullptr;
}

bool Repeats::answered(const engine::ExchangeId &by, const engine::Answer &answer) {
    const auto found = open_.find(by);
    if (found == open_.end()) {
        return false;
    }
    Last &last = *found->second;
    open_.erase(found);
    last.answered = true;
    last.kept = bytes_ + answer.body.size() <= kMostBytes;
    if (last.kept) {
        last.answer = {answer.status, answer.kind, std::string(answer.body)};
        bytes_ += answer.body.size();
    }
    return last.kept;
}

void Repeats::forget(Last &last) {
    open_.erase(last.by);
    bytes_ -= last.answer.body.size();
    last.answer = {};
    last.answered = last.kept = false;
}

void Repeats::drop(std::unordered_map<std::string, std::unique_ptr<Entry>>::iterator entry) {
    for (Last &last : entry->second->lanes) {
        forget(last);
    }
    entries_.erase(entry);
}

void Repeats::freeze(Text sid, Writer &out) {
    const auto found = entries_.find(std::string(sid));
    out.put(static_cast<std::uint8_t>(found != entries_.end()));
    if (found == entries_.end()) {
        return;
    }
    for (const Last &last : found->second->lanes) {
        out.put(last.by);
        out.put(static_cast<std::uint8_t>(last.answered));
        out.put(static_cast<std::uint8_t>(last.kept));
        out.put(last.answer.status);
        out.put(last.answer.kind);
        out.put_text(last.answer.body);
        for (const engine::ExchangeId &id : last.earlier) {
            out.put(id);
        }
        out.put(static_cast<std::uint32_t>(last.next % kRemembered));
    }
    drop(found);
}

void Repeats::thaw_lane(Last &last, Reader &in) {
    last.by = in.get<engine::ExchangeId>();
    last.answered = in.get<bool>();
    last.kept = in.get<bool>();
    last.answer.status = in.get<std::uint16_t>();
    last.answer.kind = in.get<engine::BodyKind>();
    last.answer.body = in.get_text();
    for (engine::ExchangeId &id : last.earlier) {
        id = in.get<engine::ExchangeId>();
    }
    last.next = in.get<std::uint32_t>();
    bytes_ += last.answer.body.size();
    if (!last.answered && last.by) {
        open_[last.by] = &last;
    }
}

void Repeats::thaw(Text sid, Reader &in, Millis now) {
    if (!in.get<bool>()) {
        return;
    }
    if (const auto found = entries_.find(std::string(sid)); found != entries_.end()) {
        drop(found);
    }
    auto entry = std::make_unique<Entry>();
    for (Last &last : entry->lanes) {
        thaw_lane(last, in);
    }
    entries_[std::string(sid)] = std::move(entry);
    if (!sweeper_.running()) {
        deadlines_.start(sweeper_, now, kSweep);
    }
}

void Repeats::sweep(Millis now) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (!lives_(entry->first)) {
            drop(entry);
        }
        entry = next;
    }
    if (!entries_.empty()) {
        deadlines_.start(sweeper_, now, kSweep);
    }
}

} // namespace rt::cluster
