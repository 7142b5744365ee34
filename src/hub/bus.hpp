// SPDX-License-Identifier: BSD-2-Clause
// The bus: how an emit reaches the sockets of all workers and hosts. At most once to each
// instance; on one host all instances see one order, the publisher included: it delivers
// when its own cursor reaches the envelope (decisions.md, idea 1).
#pragma once

#include "base/fn.hpp"
#include "base/ports.hpp"
#include "base/result.hpp"
#include "base/slots.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace rt::hub {

using Position = std::uint64_t;              // in the host's log; an envelope's is where it ends
inline constexpr Position kPositionStep = 8; // all positions are multiples of it

// The second row are notes, on which no hub acts. joined, left: a socket's room changed, for those
// who replay the log. gap: other hosts may have said what never came here. server_emit: for
// other servers (serverSideEmit), not for clients.
// clang-format off
enum class Op : std::uint8_t {
    emit, join, leave, disconnect,
    joined, left, gap, server_emit,
};
// clang-format on

[[nodiscard]] constexpr bool is_note(Op op) noexcept { return op >= Op::joined; }

// Who wants the clients' acks of an emit: a worker's open question (hub/replies.hpp).
struct AskerId {
    std::uint32_t seat = 0;
    std::uint32_t seat_generation = 0; // 0: nobody asks
    Handle slot;
    std::uint32_t timeout = 0;  // milliseconds
    std::array<char, 4> host{}; // of another host, where a session came from; zeroes: of this one

    explicit operator bool() const noexcept { return seat_generation != 0; }
    [[nodiscard]] bool abroad() const noexcept { return host[0] != 0; }
};

struct Envelope {
    Op op = Op::emit;
    bool is_volatile = false;
    bool close = false;  // disconnect: the connection too
    bool remote = false; // it came from another server, and does not go out again
    Text nsp;
    std::vector<Text> to;           // rooms; empty is everybody of the namespace
    std::vector<Text> except;       // rooms; a socket's id is a room
    std::vector<Text> rooms;        // join, leave: which; a note: the one, and the socket in `to`
    Text data;                      // emit: ["event",...] with placeholders
    std::vector<Bytes> attachments; // emit
    AskerId asker;                  // emit
    Position since = 0;             // a note: it took effect for what ends behind
    // Of an emit that began here and that others have to hear, given by the log: 1, 2, 3, ... of
    // this host (decisions.md, ruling 4). 0: none.
    std::uint64_t number = 0;

    // Keeps the capacity: a worker uses one envelope for everything it reads.
    void clear() noexcept {
        op = Op::emit;
        is_volatile = close = remote = false;
        nsp = data = {};
        to.clear();
        except.clear();
        rooms.clear();
        attachments.clear();
        asker = {};
        since = number = 0;
    }
};

class Bus {
public:
    virtual ~Bus() = default;

    // too_big: over 1/16 of the log. The views are copied before it returns.
    virtual Result<Position> publish(const Envelope &envelope) = 0;

    // Delivers to this worker's hub everything up to `until`, so that what the caller does
    // next comes after it. Nested calls from inside a delivery do nothing.
    virtual void catch_up(Position until, Millis now) = 0;

    // Appends a note and wakes nobody. One that does not fit is left out.
    virtual void note(const Envelope &envelope) = 0;

    // Calls visit(envelope, end) for every one between the positions, without moving the cursor.
    // False: the log has overrun them.
    virtual bool replay(Position from, Position until, Fn<void(const Envelope &, Position)> visit) = 0;

    // Does an envelope end there that replay() still finds the next one of?
    [[nodiscard]] virtual bool holds(Position position) const noexcept = 0;
    // The oldest position that is held.
    [[nodiscard]] virtual Position tail() const noexcept = 0;

    // May other hosts have said what was not heard here?
    [[nodiscard]] virtual bool is_deaf() const noexcept { return false; }

    // Where the log ends now.
    [[nodiscard]] virtual Position head() const noexcept = 0;

    // Where this worker's hub stands: the next envelope ends behind it.
    [[nodiscard]] virtual Position cursor() const noexcept = 0;
};

class BusEvents {
public:
    virtual ~BusEvents() = default;
    virtual void on_envelope(const Envelope &envelope, Position end, Millis now) = 0;

    // No envelope follows at present: what was kept to be joined with others has to leave.
    // `last`: nor does anything else before the turn of the event loop ends.
    virtual void on_pause(bool last, Millis now) = 0;

    // The log overran this worker: what lay between is lost to its clients, and they must
    // be told by the end of their transports.
    virtual void on_lapped(Millis now) = 0;
};

} // namespace rt::hub
