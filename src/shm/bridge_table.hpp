// SPDX-License-Identifier: BSD-2-Clause
// What the host knows of its bridge to other hosts, in the zone of the log: which worker holds it,
// how far the log has been published, what was last heard of each other host. It outlives workers.
#pragma once

#include "base/ports.hpp"
#include "shm/arena.hpp"
#include "shm/seats.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace rt::shm {

// In the order in which it gets better.
enum class BridgeState : std::uint32_t {
    off,      // no Redis in the configuration
    joining,  // not everything that has to be heard is heard yet, for the first time
    degraded, // Redis was lost, or the loop does not close
    connected,
};

[[nodiscard]] constexpr Text state_name(BridgeState state) noexcept {
    constexpr std::array<Text, 4> kNames = {"off", "joining", "degraded", "connected"};
    return kNames[static_cast<std::size_t>(state) % kNames.size()];
}

// The two connections, in the order of their ids.
enum class BridgeLink : std::uint32_t { publishes, hears };

// How far another host was heard.
struct HeardOf {
    std::uint64_t number = 0; // of its messages up to here no more comes
    std::uint64_t told = 0;   // up to here all has come or is counted as missing; not proven yet
    Millis at = 0;            // when that was found
};

// A value: copy it freely, it lives as long as the mapping.
class BridgeTable {
public:
    static constexpr std::size_t kHosts = 256; // other hosts whose numbers are remembered
    static constexpr Millis kSilent = 600;     // a holder without a beat for so long is replaced
    static constexpr std::uint64_t kLayout = layout_of({0x62726467, 6, kLine});

    static std::size_t bytes() noexcept;
    static Result<BridgeTable> create(MutableBytes area) noexcept;
    static Result<BridgeTable> attach(MutableBytes area) noexcept;

    // --- who holds it ---

    struct Taken {
        bool mine = false;   // from now on
        SeatRef former = {}; // who held it and did not give it back
    };

    // Takes it if nobody holds it, its holder is not live any more, or has been silent.
    Taken take(Locked &held, SeatRef me, const Seats &seats, Millis now) noexcept;
    // By its holder; a beat keeps it.
    void give_back(Locked &held, SeatRef me) noexcept;
    void beat(SeatRef me, Millis now) noexcept;
    [[nodiscard]] SeatRef holder() const noexcept;
    [[nodiscard]] Millis last_beat() const noexcept;

    // Redis' number of the connection; 0: none. Whoever takes over ends it.
    // `now`: it is a new one. The same again changes nothing.
    void set_client(BridgeLink link, std::uint64_t id, Millis now) noexcept;
    [[nodiscard]] Millis client_since(BridgeLink link) const noexcept;
    [[nodiscard]] std::uint64_t client(BridgeLink link) const noexcept;

    // What the holder has to tell of other hosts, for whoever is asked: at most kBoard bytes.
    static constexpr std::size_t kBoard = 16 * 1024;
    void write_board(Locked &held, Text text) noexcept;
    [[nodiscard]] std::string read_board(Locked &held) const;

    void set_state(BridgeState state) noexcept;
    [[nodiscard]] BridgeState state() const noexcept;

    // --- outbound ---

    // The number of the next envelope that others have to hear. A process that dies before it
    // appends leaves one out.
    std::uint64_t next_number(Locked &held) noexcept;

    // All of the log up to here has been published, and answered by Redis. 0: never begun, so
    // begin() makes it `head`.
    [[nodiscard]] std::uint64_t published() const noexcept;
    void set_published(std::uint64_t position) noexcept;
    // The last number before it; 0: none.
    [[nodiscard]] std::uint64_t published_number() const noexcept;
    void set_published_number(std::uint64_t number) noexcept;
    void begin(Locked &held, std::uint64_t head) noexcept;

    // --- inbound, for the holder ---

    // Of a host that was never heard all is 0. It survives the holder.
    [[nodiscard]] HeardOf heard_of(Text uid) const noexcept;
    // The least recently heard gives its place to a new one. `at` is of the call.
    void set_heard(Text uid, const HeardOf &heard) noexcept;

    // The same with what is appended to the log next, of which the log ends at `head` now: a holder
    // that dies over it has appended and set both, or neither. settle() under every lock under which
    // something is appended, before it and behind it.
    void promise_heard(Locked &held, Text uid, const HeardOf &heard, std::uint64_t head) noexcept;
    void settle(Locked &held, std::uint64_t head) noexcept;

    // Something may have been said that was not heard. While it stands nobody recovers.
    [[nodiscard]] bool is_deaf() const noexcept;
    void set_deaf(bool deaf) noexcept;
    // Everything that has to be heard was heard once: before that nothing is missed.
    [[nodiscard]] bool has_joined() const noexcept;
    void set_joined() noexcept;

    // Of a connection that hears, by its place in the box (below kPlaces; the first one's is 0):
    // something has been taken out of the socket, or dealt with, and the rest has not: nobody else
    // can go on there. Of others nothing is kept.
    static constexpr unsigned kPlaces = 64;
    void set_torn(unsigned place, bool torn) noexcept;
    // Any of them.
    [[nodiscard]] bool is_torn() const noexcept;
    // They are all made anew.
    void mend() noexcept;

private:
    struct Table;

    explicit BridgeTable(Table *table) noexcept : table_(table) {}
    static Result<Table *> place(MutableBytes area) noexcept;

    Table *table_;
};

} // namespace rt::shm
