// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/questions.hpp"

#include "cluster/seat_of.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace rt::cluster {

namespace {

// Mail kinds; in each the slot comes first. All are for the asker but kAgain, which is its own.
constexpr std::uint16_t kAsked = kQuestionMail;        // a count, ids
constexpr std::uint16_t kArrived = kQuestionMail + 1;  // the same, and no report
constexpr std::uint16_t kAnswered = kQuestionMail + 2; // id, sizes, args, attachments
constexpr std::uint16_t kAgain = kQuestionMail + 3;    // report once more, behind what is on its way
constexpr std::uint16_t kReported = kQuestionMail + 4; // that it was
constexpr std::uint16_t kAbroad = kQuestionMail + 5;   // a tally
constexpr std::uint16_t kStranger = kQuestionMail + 6; // as kAnswered, of nobody here
constexpr std::uint16_t kDeparted = kQuestionMail + 7; // as kArrived, at another host

std::uint32_t two_digits_up(std::uint32_t value) noexcept {
    std::uint32_t step = 1;
    while (value / step >= 100) {
        step *= 10;
    }
    return (value + step - 1) / step * step;
}

// What stands before the args and attachments of an answer.
std::string answer_head(const hub::AskerId &asker, Text sid, const hub::Payload &args) {
    std::string head;
    Writer out(head);
    out.put(asker.slot);
    out.put_text(sid);
    out.put(static_cast<std::uint32_t>(args.json.size()));
    out.put(static_cast<std::uint32_t>(args.attachments.size()));
    for (const Bytes attachment : args.attachments) {
        out.put(static_cast<std::uint32_t>(attachment.size()));
    }
    return head;
}

void hear_asked(Question &books, shm::SeatRef from, Reader &in) {
    const std::uint32_t count = in.get_count(hub::kIdLength);
    for (std::uint32_t i = 0; i < count; ++i) {
        books.asked(from, in.take(hub::kIdLength));
    }
}

// The views are into the mail.
hub::Payload read_args(Reader &in) {
    const auto size = in.get<std::uint32_t>();
    const std::uint32_t attachments = in.get_count(sizeof(std::uint32_t));
    Reader sizes(in.take(attachments * sizeof(std::uint32_t)));
    hub::Payload args{std::string(in.take(size)), {}};
    for (std::uint32_t i = 0; i < attachments; ++i) {
        args.attachments.push_back(as_bytes(in.take(sizes.get<std::uint32_t>())));
    }
    return args;
}

} // namespace

Questions::Questions(shm::SeatRef me, PostOffice &post, Deadlines &deadlines, QuestionEvents &events)
    : me_(me), post_(post), deadlines_(deadlines), events_(events) {}

Questions::Slot::Slot(Questions &owner_, const Ask &ask, std::vector<shm::SeatRef> readers)
    : owner(owner_), by(ask.by), live(ask.live),
      books(std::move(readers), live == nullptr ? Question::Keeps::answers : Question::Keeps::nothing,
            ask.abroad) {}

// The readers are looked up before the envelope is appended: who comes in between has no clients yet.
hub::AskerId Questions::open(const Ask &ask, Millis now) {
    const std::uint32_t timeout = two_digits_up(ask.timeout);
    const Handle question = questions_.emplace(*this, ask, events_.readers());
    Slot &slot = *questions_.find(question);
    slot.self = question;
    deadlines_.start(slot, now, timeout);
    return {me_.index, me_.generation, question, timeout};
}

void Questions::forget(shm::SeatRef seat) {
    if (questions_.size() > 0) {
        events_.bring_in(); // what it handed over is not lost with it
    }
    questions_.each([&](Handle, Slot &slot) {
        slot.books.forget(seat);
        go_on(slot);
    });
}

void Questions::end_all() {
    questions_.each([&](Handle question, Slot &) { end(question); });
}

// --- what this worker's sockets tell ---

void Questions::asked(const hub::AskerId &asker, std::span<const Text> sids) {
    std::string told;
    told.reserve(sizeof(Handle) + sizeof(std::uint32_t) + sids.size() * hub::kIdLength);
    Writer out(told);
    out.put(asker.slot);
    out.put(static_cast<std::uint32_t>(sids.size()));
    for (const Text sid : sids) {
        told += sid;
    }
    const Bytes piece = as_bytes(told);
    tell(seat_of(asker), kAsked, {&piece, 1});
}

void Questions::arrived(const hub::AskerId &asker, Text sid) { tell_one(kArrived, asker, sid); }

void Questions::departed(const hub::AskerId &asker, Text sid) { tell_one(kDeparted, asker, sid); }

void Questions::tell_one(std::uint16_t kind, const hub::AskerId &asker, Text sid) {
    std::string told;
    Writer out(told);
    out.put(asker.slot);
    out.put(std::uint32_t{1});
    told += sid;
    const Bytes piece = as_bytes(told);
    tell(seat_of(asker), kind, {&piece, 1});
}

void Questions::answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) {
    tell_answer(kAnswered, answer_head(asker, sid, args), asker, args);
}

void Questions::answered_abroad(const hub::AskerId &asker, const hub::Payload &args) {
    tell_answer(kStranger, answer_head(asker, {}, args), asker, args);
}

void Questions::told_abroad(const hub::AskerId &asker, const PeerTally &tally) {
    std::string told;
    Writer out(told);
    out.put(asker.slot);
    out.put(tally);
    const Bytes piece = as_bytes(told);
    tell(seat_of(asker), kAbroad, {&piece, 1});
}

void Questions::tell_answer(std::uint16_t kind, const std::string &head, const hub::AskerId &asker,
                            const hub::Payload &args) {
    std::vector<Bytes> pieces{as_bytes(head), as_bytes(args.json)};
    pieces.insert(pieces.end(), args.attachments.begin(), args.attachments.end());
    tell(seat_of(asker), kind, pieces);
}

// False: nobody sits there any more, or too much waits for them. What an asker does not hear it
// counts as missing.
bool Questions::tell(shm::SeatRef to, std::uint16_t kind, std::span<const Bytes> pieces) {
    if (to != me_) {
        return static_cast<bool>(post_.send(to, kind, pieces));
    }
    std::string whole;
    for (const Bytes piece : pieces) {
        whole += as_text(piece);
    }
    hear(me_, kind, whole);
    return true;
}

// --- what the asker hears ---

void Questions::on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis) {
    if (kind == kAgain) {
        events_.bring_in();
        report(from, as_text(body));
    } else {
        hear(from, kind, as_text(body));
    }
}

bool Questions::is_settled() const noexcept {
    return unsettled_ == nullptr || unsettled_->is_past(unsettled_->mark());
}

// A session that is between two hosts may be asked here yet: where the barrier stands in the order of
// what was heard is not known, or its image is on its way.
void Questions::report(shm::SeatRef to, Text body) {
    if (!is_settled()) {
        reports_.push_back({to, std::string(body), unsettled_->mark()});
        return;
    }
    const Bytes piece = as_bytes(body);
    tell(to, kReported, {&piece, 1});
}

void Questions::go_on() {
    const auto settled = [&](const Report &each) { return unsettled_->is_past(each.mark); };
    const auto due = std::stable_partition(reports_.begin(), reports_.end(), std::not_fn(settled));
    const std::vector<Report> now(std::make_move_iterator(due), std::make_move_iterator(reports_.end()));
    reports_.erase(due, reports_.end());
    for (const Report &each : now) {
        const Bytes piece = as_bytes(each.body);
        tell(each.to, kReported, {&piece, 1});
    }
}

void Questions::hear(shm::SeatRef from, std::uint16_t kind, Text body) {
    Reader in(body);
    const auto handle = in.get<Handle>();
    Slot *slot = questions_.find(handle);
    if (slot == nullptr) {
        return;
    }
    note(*slot, from, kind, in);
    if (questions_.find(handle) == slot) { // nobody who was told has cancelled it
        go_on(*slot);
    }
}

void Questions::note(Slot &slot, shm::SeatRef from, std::uint16_t kind, Reader &in) {
    switch (kind) {
    case kAnswered:
    case kStranger:
        hear_answer(slot, kind, in);
        break;
    case kAbroad:
        slot.books.told_abroad(in.get<PeerTally>());
        break;
    case kAsked:
        hear_asked(slot.books, from, in);
        slot.books.reported(from);
        break;
    case kArrived:
        hear_asked(slot.books, from, in);
        break;
    case kDeparted:
        hear_asked(slot.books, {}, in);
        break;
    case kReported:
        slot.books.reported(from);
        break;
    default:
        break;
    }
}

void Questions::hear_answer(Slot &slot, std::uint16_t kind, Reader &in) {
    const Text sid = in.get_text();
    const hub::Payload args = read_args(in);
    if (!in.ok()) {
        return;
    }
    if (kind == kStranger) {
        slot.books.answered_abroad(args);
    } else if (slot.books.answered(sid, args) && slot.live != nullptr) {
        slot.live->on_answer(slot.by, args);
    }
}

void Questions::go_on(Slot &slot) {
    if (slot.books.all_reported()) {
        again(slot);
    }
    if (slot.books.all_asked()) {
        tell_count(slot);
    }
    if (slot.books.complete()) {
        end(slot.self);
    }
}

void Questions::tell_count(Slot &slot) {
    if (slot.live != nullptr && !std::exchange(slot.counted, true)) {
        slot.live->on_asked(slot.by, static_cast<std::uint32_t>(slot.books.counted()));
    }
}

void Questions::again(Slot &slot) {
    events_.bring_in();
    std::string told;
    Writer(told).put(slot.self);
    const Bytes piece = as_bytes(told);
    for (const shm::SeatRef reader : slot.books.second_round(is_settled() ? me_ : shm::SeatRef())) {
        if (reader == me_) {
            report(me_, told);
        } else if (!tell(reader, kAgain, {&piece, 1})) {
            slot.books.reported(reader);
        }
    }
}

void Questions::end(Handle question) {
    const std::unique_ptr<Slot> slot = questions_.take(question);
    if (slot == nullptr) {
        return;
    }
    if (slot->live == nullptr) {
        events_.on_answers(slot->by, slot->books.answers());
        return;
    }
    tell_count(*slot);
    slot->live->on_over(slot->by);
}

void Questions::Slot::on_deadline(Millis) { owner.end(self); }

} // namespace rt::cluster
