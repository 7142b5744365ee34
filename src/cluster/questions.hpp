// SPDX-License-Identifier: BSD-2-Clause
// Questions to clients at all workers of the host. Here they are asked: a slot per open question
// collects reports and answers until all are in, or its time is over. And here this worker's
// sockets answer the questions of others: reports and answers travel by mail, to the asker.
#pragma once

#include "base/deadlines.hpp"
#include "base/slots.hpp"
#include "cluster/post_office.hpp"
#include "cluster/question.hpp"
#include "cluster/unsettled.hpp"
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
    // The workers that read the log by now, this one among them.
    [[nodiscard]] virtual std::vector<shm::SeatRef> readers() = 0;
    // The question has ended; `by` is what Ask said. `answers` lives during the call.
    virtual void on_answers(Handle by, const Answers &answers) = 0;
    // Before it is said that all have been asked: sessions that are under way arrive now.
    virtual void bring_in() = 0;
};

// For who wants each answer as it comes: in place of QuestionEvents::on_answers. `by` is what
// Ask said.
class LiveAnswers {
public:
    virtual ~LiveAnswers() = default;
    // So many sockets have been asked, at all workers. Once, and always before on_over.
    virtual void on_asked(Handle by, std::uint32_t sockets) = 0;
    // It may come before on_asked. The views live during the call.
    virtual void on_answer(Handle by, const hub::Payload &args) = 0;
    // The question has ended.
    virtual void on_over(Handle by) = 0;
};

struct Ask {
    Handle by;
    std::uint32_t timeout = 0;   // milliseconds
    LiveAnswers *live = nullptr; // must outlive the question
    bool abroad = false;         // other servers are asked by the bridge, and waited for
};

class Questions final : public hub::Replies, public MailEvents {
public:
    Questions(shm::SeatRef me, PostOffice &post, Deadlines &deadlines, QuestionEvents &events);

    // Reports wait for sessions that are between hosts. Once, before anything else.
    void wait_for(const Unsettled &unsettled) noexcept { unsettled_ = &unsettled; }
    // Once per turn.
    void go_on();

    // The asker of an envelope that is published next; or cancel it. Of the timeout's digits only
    // the first two are kept, rounded up, so that few lengths are in use (base/deadlines.hpp).
    [[nodiscard]] hub::AskerId open(const Ask &ask, Millis now);
    void cancel(Handle question) { questions_.erase(question); }

    // A worker is gone: nobody waits for it or for the sockets it had.
    void forget(shm::SeatRef seat);

    // All questions end with what came in so far.
    void end_all();

    [[nodiscard]] std::size_t size() const noexcept { return questions_.size(); }

    // hub::Replies: of this worker's sockets, to whoever asks.
    void asked(const hub::AskerId &asker, std::span<const Text> sids) override;
    void arrived(const hub::AskerId &asker, Text sid) override;
    void departed(const hub::AskerId &asker, Text sid) override;
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override;

    // By the bridge, of other servers: to whoever asks.
    void told_abroad(const hub::AskerId &asker, const PeerTally &tally);
    void answered_abroad(const hub::AskerId &asker, const hub::Payload &args);

    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override;

private:
    struct Slot final : Deadline {
        Slot(Questions &owner_, const Ask &ask, std::vector<shm::SeatRef> readers);
        void on_deadline(Millis now) override;

        Questions &owner;
        Handle self;
        Handle by;
        LiveAnswers *live;
        bool counted = false; // and told so
        Question books;
    };

    // For whom, and about which question.
    struct Report {
        shm::SeatRef to;
        std::string body;
        std::uint64_t mark;
    };

    void report(shm::SeatRef to, Text body);
    [[nodiscard]] bool is_settled() const noexcept;
    bool tell(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces);
    void hear(shm::SeatRef from, std::uint16_t kind, Text body);
    void tell_one(std::uint16_t kind, const hub::AskerId &asker, Text sid);
    void tell_answer(std::uint16_t kind, const std::string &head, const hub::AskerId &asker,
                     const hub::Payload &args);
    void note(Slot &slot, shm::SeatRef from, std::uint16_t kind, Reader &in);
    void hear_answer(Slot &slot, std::uint16_t kind, Reader &in);
    void tell_count(Slot &slot);
    void go_on(Slot &slot);
    void again(Slot &slot);
    void end(Handle question);

    shm::SeatRef me_;
    PostOffice &post_;
    Deadlines &deadlines_;
    QuestionEvents &events_;
    SlotMap<Slot> questions_;
    const Unsettled *unsettled_ = nullptr;
    std::vector<Report> reports_; // that wait
};

} // namespace rt::cluster
