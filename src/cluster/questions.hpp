// SPDX-License-Identifier: BSD-2-Clause
// Questions to clients at all workers of the host. Here they are asked: a slot per open question
// collects reports and answers until all are in, or its time is over. And here this worker's
// sockets answer the questions of others: reports and answers travel by mail, to the asker.
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "cluster/post_office.hpp"
#include "cluster/question.hpp"
#include "hub/replies.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace rt::cluster {

// Mail of this kind or above is for Questions.
inline constexpr std::uint16_t kQuestionMail = 200;

class QuestionEvents {
public:
    virtual ~QuestionEvents() = default;
    // The question has ended; `by` is what Ask said. `answers` lives during the call.
    virtual void on_answers(Handle by, const Answers &answers) = 0;
    // Before it is said that all have been asked: sessions that are under way arrive now.
    virtual void bring_in() = 0;
};

struct Ask {
    Handle by;
    std::vector<shm::SeatRef> readers; // who reads the log by now, this worker among them
    std::uint32_t timeout = 0;         // milliseconds
};

class Questions final : public hub::Replies, public MailEvents {
public:
    Questions(shm::SeatRef me, PostOffice &post, Deadlines &deadlines, QuestionEvents &events);

    // The asker of an envelope that is published next; or cancel it. Of the timeout's digits only
    // the first two are kept, rounded up, so that few lengths are in use (base/deadlines.hpp).
    [[nodiscard]] hub::AskerId open(Ask ask, Millis now);
    void cancel(Handle question) { questions_.erase(question); }

    // A worker is gone: nobody waits for it or for the sockets it had.
    void forget(shm::SeatRef seat);

    // All questions end with what came in so far.
    void end_all();

    [[nodiscard]] std::size_t size() const noexcept { return questions_.size(); }

    // hub::Replies: of this worker's sockets, to whoever asks.
    void asked(const hub::AskerId &asker, std::span<const Text> sids) override;
    void arrived(const hub::AskerId &asker, Text sid) override;
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override;

    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    struct Slot final : Deadline {
        Slot(Questions &owner_, Ask ask) : owner(owner_), by(ask.by), books(std::move(ask.readers)) {}
        void on_deadline(Millis now) override;

        Questions &owner;
        Handle self;
        Handle by;
        Question books;
    };

    bool tell(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces);
    void hear(shm::SeatRef from, std::uint16_t kind, Text body);
    void go_on(Slot &slot);
    void again(Slot &slot);
    void end(Handle question);

    shm::SeatRef me_;
    PostOffice &post_;
    Deadlines &deadlines_;
    QuestionEvents &events_;
    SlotMap<Slot> questions_;
};

} // namespace rt::cluster
