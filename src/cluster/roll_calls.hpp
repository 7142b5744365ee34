// SPDX-License-Identifier: BSD-2-Clause
// Questions of other servers about our sockets, at the worker that holds the bridge: answered one
// after the other, a page per turn. A session that crosses hosts meanwhile is in the answer of
// exactly one: of its old home if the question came before the barrier (cluster/crossing.hpp), else
// of its new one.
#pragma once

#include "cluster/peer_voice.hpp"
#include "cluster/roll_call.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace rt::cluster {

// What is known of sessions that cross to this host.
class Passages {
public:
    virtual ~Passages() = default;
    // Their barriers that were heard, by number: 1, 2, 3, ...
    [[nodiscard]] virtual std::uint64_t barriers() const noexcept = 0;
    // Is one of those up to this number still on its way?
    [[nodiscard]] virtual bool are_coming(std::uint64_t barrier, Millis now) const noexcept = 0;
};

class RollCallEvents {
public:
    virtual ~RollCallEvents() = default;
    // Who asked gets no answer. A few words for the log.
    virtual void on_unanswered(Text why, Millis now) = 0;
};

class RollCalls {
public:
    static constexpr std::size_t kMost = 1000; // that wait for an answer
    static constexpr Millis kPatience = 5000;  // of who asked; Node's, if it is not told another

    // All must outlive this. `most`: bytes of an answer.
    RollCalls(shm::Roster &roster, PeerVoice &voice, RollCallEvents &events, std::size_t most)
        : roster_(roster), voice_(voice), events_(events), most_(most) {}

    // Without it nothing crosses. It must outlive this.
    void attach(const Passages &passages) noexcept { passages_ = &passages; }

    // fetch, list_ids or list_rooms. False: there are too many.
    bool hear(const PeerMessage &question, Millis now);

    // True: there is more to do in the next turn. Otherwise any turn may bring more: answers go no
    // faster than they are read (cluster/answer_pace.hpp).
    bool work(Millis now);
    // Nothing that crosses is waited for any more.
    void detach() noexcept { passages_ = nullptr; }

    // An answer is made and the line has no room for it: nothing else should be sent before.
    [[nodiscard]] bool waits() const noexcept { return waits_; }
    // There may be room, or no time left. True: it did wait.
    bool unblock() noexcept { return std::exchange(waits_, false); }

    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }

    // The barrier of a session that leaves this host came; its records are here still.
    void leaves(Text sid);
    // A session is here that had this barrier; its records are not made yet.
    void comes(Text sid, std::uint64_t barrier);

private:
    struct Call {
        Call(shm::Roster &roster, const PeerMessage &question, std::size_t most)
            : roll(roster, question, most) {}

        RollCall roll;
        std::uint64_t barriers = 0; // were heard before the question
        Millis due = 0;
    };

    struct Left {
        std::string sid;
        shm::ConnectionRef record;
    };

    [[nodiscard]] bool finish(const Call &call, Millis now);
    [[nodiscard]] std::vector<shm::SocketRow> rows_of(shm::ConnectionRef record);

    shm::Roster &roster_;
    PeerVoice &voice_;
    RollCallEvents &events_;
    std::size_t most_;
    const Passages *passages_ = nullptr;
    std::deque<Call> calls_;
    bool waits_ = false;
    std::vector<Left> left_; // and their records may be here
};

} // namespace rt::cluster
