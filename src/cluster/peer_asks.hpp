// SPDX-License-Identifier: BSD-2-Clause
// Acks across servers, at the worker that holds the bridge. In: another server asks our clients,
// whom they are is counted and every answer sent on. Out: what a worker of ours asks is asked of
// the other servers too, and the worker told by mail what they say.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/peer_questions.hpp"
#include "cluster/questions.hpp"
#include "hub/bus.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rt::cluster {

class PeerAsks final : public LiveAnswers, public PeerQuestionEvents {
public:
    static constexpr std::size_t kMost = 4096;                // of others, open at once
    static constexpr std::uint32_t kLongest = 10 * 60 * 1000; // of any
    static constexpr Millis kHold = 200; // answers wait so long for the count that goes before them

    struct Ports {
        PeerVoice &voice;
        PeerQuestions &peers;
        Questions &questions; // of this worker
        hub::Bus &bus;        // of this host
        Deadlines &deadlines;
    };

    // `timeout`: of an ask that says none.
    PeerAsks(const Ports &ports, std::uint32_t timeout) : ports_(ports), timeout_(timeout) {}
    PeerAsks(const PeerAsks &) = delete;
    PeerAsks &operator=(const PeerAsks &) = delete;
    ~PeerAsks() override;

    // In: Says::ask of another server, never our own echo. It is published on this host.
    void hear_ask(const PeerMessage &ask, Millis now);
    // In: Says::server_emit. Who counts answers gets one of us: null.
    void hear_server_emit(const PeerMessage &emit);

    // Out: an envelope of the log that has an asker and began here, in its turn; `end`: where.
    void carry(const hub::Envelope &envelope, hub::Position end, Millis now);
    // Out: it will not be carried (read by a holder of the bridge that cannot know whether the one
    // before did): the asker waits no longer for other servers.
    void refuse(const hub::AskerId &asker);

    [[nodiscard]] std::size_t size() const noexcept { return in_.size() + out_.size(); }

    // LiveAnswers
    void on_asked(Handle by, std::uint32_t sockets) override;
    void on_answer(Handle by, const hub::Payload &args) override;
    void on_over(Handle by) override;

    // PeerQuestionEvents
    void on_peer_answer(Handle by, const PeerMessage &answer) override;
    void on_tally(Handle by, const PeerTally &tally) override;

private:
    struct Held {
        std::string data;
        std::vector<std::string> attachments;
    };

    // Of another server. Runs while answers are held.
    struct In final : Deadline {
        In(PeerAsks &owner_, const PeerMessage &ask);
        void on_deadline(Millis now) override;

        PeerAsks &owner;
        std::string nsp;
        std::string uid;
        std::string request_id;
        hub::AskerId asker; // the question here
        std::vector<Held> held;
    };

    // Of a worker of ours.
    struct Out {
        hub::AskerId asker;
        Handle question;
        PeerTally told;
    };

    [[nodiscard]] Handle open(const PeerMessage &ask, Millis now);
    void let_go(In &ask);

    Ports ports_;
    std::uint32_t timeout_;
    SlotMap<In> in_;
    SlotMap<Out> out_;
};

} // namespace rt::cluster
