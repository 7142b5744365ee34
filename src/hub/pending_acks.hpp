// SPDX-License-Identifier: BSD-2-Clause
// The acks that one socket owes. Those that are overdue are forgotten before the list grows.
#pragma once

#include "base/ports.hpp"
#include "hub/bus.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace rt::hub {

struct PendingAck {
    std::uint64_t id; // of the packet
    AskerId asker;
    Millis deadline = 0; // on this worker's clock
};

// One pointer while nothing is owed.
class PendingAcks {
public:
    void add(const PendingAck &ack, Millis now);
    // This id, or the next behind it that none has. None: all up to the next position are taken.
    [[nodiscard]] std::optional<std::uint64_t> free_id(std::uint64_t id) const noexcept;
    // Takes the last one back: its event was not sent.
    void drop_last() noexcept;

    // Who waits for the ack of this id, with the time that is left; nobody if it is unknown or overdue.
    // Once.
    [[nodiscard]] std::optional<AskerId> take(std::uint64_t id, Millis now);

    // With those that are overdue and not forgotten yet, and without.
    [[nodiscard]] std::size_t size() const noexcept { return list_ == nullptr ? 0 : list_->size(); }
    [[nodiscard]] std::size_t count(Millis now);

    // A deadline travels as the time that is left.
    void freeze(Writer &out, Millis now) const;
    // What was frozen, for a list that is empty. A damaged image shows in the reader.
    void thaw(Reader &in, Millis now);

    // Calls change(AskerId &) for each.
    template <class Change> void change_askers(Change change) {
        if (list_ != nullptr) {
            for (PendingAck &ack : *list_) {
                change(ack.asker);
            }
        }
    }

    template <class Visitor> void each(Visitor visit) const {
        if (list_ != nullptr) {
            for (const PendingAck &ack : *list_) {
                visit(ack);
            }
        }
    }

private:
    void purge(Millis now);
    void shrink() noexcept;

    std::unique_ptr<std::vector<PendingAck>> list_; // none while empty
};

} // namespace rt::hub
