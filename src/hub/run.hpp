// SPDX-License-Identifier: BSD-2-Clause
// One chain of actions under way for one event, connect or disconnect (ruling 20). A chain
// whose actions all return at once runs on the stack; one that waits is kept by the hub and
// resumed by its handle, alone: other chains of the socket go on.
#pragma once

#include "base/slots.hpp"
#include "hub/bus.hpp"
#include "hub/payload.hpp"
#include "hub/scope.hpp"
#include "hub/settings.hpp"
#include "hub/socket.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace rt::hub {

class Hub;

struct Failure {
    std::string code; // "forbidden", ...
    std::string message;
    std::string extra; // more members of the ack's object, `,"x":1`, or empty
};

class Run {
public:
    struct Start {
        const Chain &chain;
        Place place;
        Handle socket; // none in disconnect
        std::optional<std::uint64_t> ack_id;
        std::uint64_t unheard = 0; // Hub::unheard_since(), of what led here
    };

    Run(Hub &hub, const Start &start, const Scope &scope);
    Run(Run &&) = default;

    [[nodiscard]] Hub &hub() noexcept { return hub_; }
    [[nodiscard]] const Scope &scope() const noexcept { return scope_; }
    [[nodiscard]] Place place() const noexcept { return place_; }
    [[nodiscard]] Millis now() const noexcept { return now_; }

    // The sender; null if it left while the chain waited, and in disconnect { }, where only
    // actions with a target mean anything.
    [[nodiscard]] Socket *socket() const noexcept;

    // Puts an envelope on the bus; its namespace is the sender's. What is done next with the
    // sender comes after it (decisions.md, idea 1).
    Result<void> publish(Envelope &envelope);

    // Sends an event to the sender alone. `data.json` is the whole array, ["event",...]. With
    // recovery it goes through the log, or it could not be replayed; then too_big.
    Result<void> emit_to_sender(const Payload &data, engine::Delivery delivery);

    // Answers the ack, once; without an ack id, or when it is answered, nothing. `args.json`
    // is the inside of the JSON array, without brackets.
    void ack(const Payload &args);

    // `trusted`: the name does not come from a client (ruling 19). forbidden: it does, and is
    // a user's room or a socket's id; full: realtime_limits rooms=.
    Result<void> join(Text room, bool trusted);
    void leave(Text room);

    // Ends the sender's socket, and with `connection` everything on its connection.
    void close(bool connection);

    // Records the failure that ends the chain.
    Step fail(Failure failure);

    // For an action that returns Step::wait: the handle that Hub::resume() takes. It may be
    // resumed only after the action has returned.
    Handle suspend();

    // --- for the hub ---

    // Runs until the end (true) or the next wait (false).
    [[nodiscard]] bool proceed(Millis now);
    // Copies everything the run only borrowed, so that it outlives the packet.
    void own();
    [[nodiscard]] const Failure *failure() const noexcept { return failure_.get(); }
    [[nodiscard]] Handle socket_handle() const noexcept { return socket_; }
    [[nodiscard]] Handle waiting_as() const noexcept { return waiting_; }

private:
    [[nodiscard]] bool must_wait();
    [[nodiscard]] Socket *settled() const;
    [[nodiscard]] Socket *read_up() const;

    Hub &hub_;
    const Chain &chain_;
    Place place_;
    bool acked_ = false;
    Handle socket_;
    Handle waiting_;
    std::optional<std::uint64_t> ack_id_;
    Scope scope_;
    std::unique_ptr<KeptScope> kept_;
    std::unique_ptr<Failure> failure_;
    Millis now_ = 0;
    std::size_t next_ = 0;
    std::uint64_t unheard_; // of the rooms that were joined; 0: all are heard
};

} // namespace rt::hub
