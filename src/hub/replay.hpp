// SPDX-License-Identifier: BSD-2-Clause
// What the log says to clients that were away: the events they missed and where their rooms
// changed, for all who came back in one turn of the event loop, in two walks over the log.
#pragma once

#include "base/hash.hpp"
#include "base/hash_index.hpp"
#include "hub/bus.hpp"
#include "hub/comeback.hpp"
#include "hub/cut.hpp"
#include "hub/offset.hpp"
#include "hub/socket.hpp"

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace rt::hub {

// One that came back to its session.
struct Returning {
    std::unique_ptr<Comeback> comeback;
    Namespace *nsp = nullptr; // for the call
    SocketId id{};
    std::string user;
    std::vector<std::string> kept_rooms; // when its transport was lost
    Position since = 0;                  // its CONNECT
    Position from = 0;                   // it has what ends there
    std::size_t most = 0;                // bytes that it may have missed
    std::size_t most_rooms = 0;          // that it may be in
    std::size_t *backlog = nullptr;      // bytes that wait for its connection
    LogPart part;                        // of the log, if it changed hosts
    const Returned *abroad = nullptr;    // what it had there; outlives this

    // What Replay finds.
    std::set<std::string, std::less<>> rooms;
    std::vector<Ref<wire::Frame>> missed;
    PutOut put_out = PutOut::no;
    bool too_much = false;
    bool skips = false;     // what is being read is the other host's to deliver
    bool uncertain = false; // other hosts said what may have been for it, and never came here
    Position noted = 0;     // its home had read the log up to here, at least
    std::uint32_t mark = 0;

    [[nodiscard]] Text id_text() const noexcept { return {id.data(), id.size()}; }
};

class Replay {
public:
    // `key`: of tables by names that clients choose.
    Replay(std::deque<Returning> &all, const Offsets &offsets, std::uint64_t key);
    Replay(const Replay &) = delete;
    Replay &operator=(const Replay &) = delete;

    // Goes through the log. False: it has overrun somebody's position meanwhile; what was found
    // says nothing then.
    [[nodiscard]] bool run(Bus &bus, Position until);

private:
    // A change of rooms that took effect for what ends behind `since` (Op::joined, Op::left).
    struct Note {
        Position since;
        Returning *who;
        std::string room;
        bool joined;
    };

    struct Audience {
        std::string room;
        std::vector<Returning *> members;
    };

    using Rooms = std::unordered_map<Text, std::unique_ptr<Audience>, KeyedHash>;

    struct Nsp {
        Nsp(const Namespace *of_, std::uint64_t key);
        const Namespace *of;
        std::string name;
        std::vector<Returning *> all;
        Rooms rooms;
    };

    struct IdOf {
        Text operator()(const Returning &one) const noexcept { return one.id_text(); }
    };

    void start_from(Returning &who);
    void collect_note(const Envelope &envelope, Position end);
    void settle_first_rooms();
    void apply_notes(Position before);
    void visit(const Envelope &envelope, Position end);
    void deliver(const Envelope &envelope, Position end);
    void change(const Envelope &envelope, Returning &who, Position end);
    template <class Visit> void each_in(Nsp &nsp, Text room, Visit visit);
    void find_targets(Nsp &nsp, const Envelope &envelope, Position end);
    [[nodiscard]] bool join(Returning &who, Text room);
    [[nodiscard]] bool leave(Returning &who, Text room);
    [[nodiscard]] Audience &audience(Nsp &nsp, Text room);
    [[nodiscard]] Nsp &nsp_of(const Returning &who);

    std::deque<Returning> &all_;
    const Offsets &offsets_;
    std::uint64_t key_;
    std::vector<std::unique_ptr<Nsp>> nsps_;
    HashIndex<Returning, IdOf> by_id_;
    std::vector<Note> notes_;
    std::size_t next_note_ = 0;
    std::vector<Note> unwritten_;     // changes that nobody noted
    std::vector<Returning *> parted_; // those with a part of the log
    std::vector<Returning *> targets_;
    std::uint32_t mark_ = 0;
};

} // namespace rt::hub
