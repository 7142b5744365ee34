// SPDX-License-Identifier: BSD-2-Clause
// Questions of this host to all other servers of a namespace, whatever they run. Their answers are
// counted against the subscriptions that Redis counts. A question always ends: when all is in, at
// its deadline with what came in, or with the connection.
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "cluster/peer_tally.hpp"
#include "cluster/peer_voice.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace rt::cluster {

// Of one question; `by` is what PeerQuestion said. The callee may ask and cancel as it likes.
class PeerQuestionEvents {
public:
    virtual ~PeerQuestionEvents() = default;
    // One answer of another server; for an ask one of a client there (client_ack). The views live
    // during the call. on_tally follows.
    virtual void on_peer_answer(Handle by, const PeerMessage &answer) = 0;
    // It changed. complete(): the last call about this question.
    virtual void on_tally(Handle by, const PeerTally &tally) = 0;
};

struct PeerQuestion {
    // ask, list_ids, list_rooms, fetch or server_emit. Its request_id is given by PeerQuestions.
    PeerMessage message;
    Handle by;
    std::uint64_t number = 0;             // the request id ends with it, if all before had lower ones; 0: any
    PeerQuestionEvents *events = nullptr; // it must outlive the question
    std::uint32_t timeout = 0;            // milliseconds
};

class PeerQuestions final : public RedisLineEvents {
public:
    static constexpr std::size_t kMost = 4096; // open at once

    // `name`: the start of all request ids, of no other that asks, now or earlier: the host's uid
    // and something of this holder of the bridge.
    PeerQuestions(PeerVoice &voice, Deadlines &deadlines, std::string name);

    // unavailable: Redis is away; full: too many are open. Then nothing was asked.
    Result<Handle> ask(PeerQuestion question, Millis now);
    // No event comes any more.
    void cancel(Handle question);

    // Of a question of this name, by its request id.
    [[nodiscard]] std::optional<std::uint64_t> number_of(Text request_id) const;

    // An answer of another server. False: to no open question of ours.
    bool hear(const PeerMessage &answer);

    // All questions end with what came in: this worker gives the bridge away, or stops.
    void end_all();

    // The counts: cookies of LineUser::asks.
    void on_reply(std::uint64_t value, const wire::RespValue *reply, Millis now) override;

    [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

private:
    struct Open final : Deadline {
        Open(PeerQuestions &owner_, const PeerQuestion &question, std::uint64_t number_);
        void on_deadline(Millis now) override;

        PeerQuestions &owner;
        std::uint64_t number; // ends the request id
        Says asks;
        Handle by;
        PeerQuestionEvents &events;
        PeerTally tally;
    };

    void told(Handle question);
    void end(Handle question);
    [[nodiscard]] Handle find(std::uint64_t number) const noexcept;
    std::unique_ptr<Open> take(Handle question);

    PeerVoice &voice_;
    Deadlines &deadlines_;
    std::string name_;
    std::uint64_t asked_ = 0;
    SlotMap<Open> open_;
    std::unordered_map<std::uint64_t, Handle> numbers_;
};

} // namespace rt::cluster
