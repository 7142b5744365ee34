// SPDX-License-Identifier: BSD-2-Clause
// Mail between workers: messages of any size, whole, in the order of sending per pair of
// seats. A message that does not fit into the other's inbox is cut into parts, and what finds
// the inbox full waits here, bounded, until there is room.
#pragma once

#include "cluster/log_bus.hpp"
#include "cluster/wakes.hpp"
#include "shm/mailbox.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace rt::cluster {

class MailEvents {
public:
    virtual ~MailEvents() = default;
    virtual void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) = 0;
};

class PostOffice {
public:
    // `me` has opened its mailbox.
    PostOffice(const Place &place, shm::Mailboxes boxes, shm::SeatRef me, Wakes &wakes);

    // gone: nobody sits there (any more). busy: too much is waiting for that seat already.
    Result<void> send(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces);

    // Delivers what has come in; if that is very much, a part of it (has_mail()).
    void receive(MailEvents &events, Millis now);

    // Sends what waited; asks Wakes for another retry if some still does.
    void retry();

    // A seat was found dead: what waits for it, and what came in part from it, is dropped.
    void forget(shm::SeatRef seat);

    // Something waits for another's inbox, or has come here in part.
    [[nodiscard]] bool is_busy() const noexcept { return !outboxes_.empty() || !inbound_.empty(); }

    [[nodiscard]] bool has_mail() const noexcept { return boxes_.waiting(me_.index) > 0; }

private:
    // What stands in front of every part.
    struct Part {
        shm::SeatRef from;
        std::uint32_t total; // of the message
        std::uint32_t left;  // of it, from this part on
    };

    struct Waiting {
        std::uint16_t kind;
        std::string part;
    };

    struct Outbox {
        shm::SeatRef to;
        std::deque<Waiting> parts;
        std::size_t bytes = 0;
    };

    struct Inbound {
        shm::SeatRef from;
        std::string message;
    };

    Result<void> send_parts(shm::SeatRef to, std::uint16_t kind, Bytes message);
    Result<void> post(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces);
    Result<void> wait(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces);
    [[nodiscard]] Outbox *outbox(shm::SeatRef to);
    [[nodiscard]] Code empty(Outbox &box);
    [[nodiscard]] std::string collect(const Part &part, Bytes body);

    Place place_;
    shm::Mailboxes boxes_;
    shm::MailReader reader_;
    shm::SeatRef me_;
    Wakes &wakes_;
    std::unordered_map<std::uint32_t, Outbox> outboxes_; // by seat; only while something waits
    std::unordered_map<std::uint32_t, Inbound> inbound_; // by seat; only while a message is in parts
};

} // namespace rt::cluster
