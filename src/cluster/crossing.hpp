// SPDX-License-Identifier: BSD-2-Clause
// A session goes on at another host, where its WebSocket is. Redis has one order of what is said:
// the old home publishes a barrier; what stands before it in that order the session gets from the
// old home, what stands behind it from the new one (docs/architecture.md, Many hosts).
#pragma once

#include "cluster/abroad.hpp"
#include "cluster/relay.hpp"

namespace rt::cluster {

// Mail of these kinds is for Crossing.
inline constexpr std::uint16_t kCrossingMail = 320;
inline constexpr std::uint16_t kCrossingMailEnd = 340;

class Crossing final : public Ferry, public HostLineEvents, public MailEvents {
public:
    // HostLineEvents, of Topic::crossing: in the order of the connection with everything else that
    // is heard; what was heard before is in the log by then.
    void on_told(Text from, Bytes body, Millis now) override;

    // At the bridge's holder: this broadcast of ours came back.
    void on_echo(std::uint64_t number) noexcept;

    // Once per turn of every worker.
    void go_on(Millis now);

    // MailEvents
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;
};

} // namespace rt::cluster
