// SPDX-License-Identifier: BSD-2-Clause
#include "hub/pending_acks.hpp"

#include <algorithm>

namespace rt::hub {

namespace {

constexpr std::size_t kImage = sizeof(std::uint64_t) + sizeof(AskerId) + sizeof(Millis);

} // namespace

// Each look at the whole list is paid for by the adds since the last one.
void PendingAcks::add(const PendingAck &ack, Millis now) {
    if (list_ != nullptr && list_->size() == list_->capacity()) {
        purge(now);
    }
    if (list_ == nullptr) {
        list_ = std::make_unique<std::vector<PendingAck>>();
    }
    list_->push_back(ack);
}

std::optional<std::uint64_t> PendingAcks::free_id(std::uint64_t id) const noexcept {
    const auto taken = [&](std::uint64_t wanted) {
        return list_ != nullptr && std::ranges::find(*list_, wanted, &PendingAck::id) != list_->end();
    };
    const std::uint64_t end = id + kPositionStep;
    while (id < end && taken(id)) {
        ++id;
    }
    return id < end ? std::optional(id) : std::nullopt;
}

void PendingAcks::drop_last() noexcept {
    if (list_ != nullptr) {
        list_->pop_back();
        shrink();
    }
}

std::optional<AskerId> PendingAcks::take(std::uint64_t id, Millis now) {
    if (list_ == nullptr) {
        return std::nullopt;
    }
    const auto found =
        std::find_if(list_->begin(), list_->end(), [&](const PendingAck &ack) { return ack.id == id; });
    if (found == list_->end()) {
        return std::nullopt;
    }
    PendingAck ack = *found;
    list_->erase(found);
    shrink();
    if (ack.deadline <= now) {
        return std::nullopt;
    }
    ack.asker.timeout = static_cast<std::uint32_t>(ack.deadline - now);
    return ack.asker;
}

std::size_t PendingAcks::count(Millis now) {
    purge(now);
    return size();
}

void PendingAcks::freeze(Writer &out, Millis now) const {
    out.put(static_cast<std::uint32_t>(size()));
    each([&](const PendingAck &ack) {
        out.put(ack.id);
        out.put(ack.asker);
        out.put(ack.deadline - now);
    });
}

void PendingAcks::thaw(Reader &in, Millis now) {
    const std::uint32_t count = in.get_count(kImage);
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto id = in.get<std::uint64_t>();
        const auto asker = in.get<AskerId>();
        add({id, asker, now + in.get<Millis>()}, now);
    }
    purge(now);
}

void PendingAcks::purge(Millis now) {
    if (list_ != nullptr) {
        std::erase_if(*list_, [&](const PendingAck &ack) { return ack.deadline <= now; });
        shrink();
    }
}

void PendingAcks::shrink() noexcept {
    if (list_->empty()) {
        list_.reset();
    }
}

} // namespace rt::hub
