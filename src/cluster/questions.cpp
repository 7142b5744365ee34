// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/questions.hpp"

#include <utility>

namespace rt::cluster {

namespace {

// Mail kinds; in each the slot comes first. All are for the asker but kAgain, which is its own.
constexpr std::uint16_t kAsked = kQuestionMail;        // a count, ids
constexpr std::uint16_t kArrived = kQuestionMail + 1;  // the same, and no report
constexpr std::uint16_t kAnswered = kQuestionMail + 2; // id, sizes, args, attachments
constexpr std::uint16_t kAgain = kQuestionMail + 3;    // report once more, behind what is on its way
constexpr std::uint16_t kReported = kQuestionMail + 4; // that it was

shm::SeatRef seat_of(const hub::AskerId &asker) noexcept { return {asker.seat, asker.seat_generation}; }

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

void hear_answered(Question &books, Reader &in) {
    const Text sid = in.get_text();
    const auto size = in.get<std::uint32_t>();
    const std::uint32_t attachments = in.get_count(sizeof(std::uint32_t));
    Reader sizes(in.take(attachments * sizeof(std::uint32_t)));
    hub::Payload args{std::string(in.take(size)), {}};
    for (std::uint32_t i = 0; i < attachments; ++i) {
        args.attachments.push_back(as_bytes(in.take(sizes.get<std::uint32_t>())));
    }
    if (in.ok()) {
        books.answered(sid, args);
    }
}

} // namespace

Questions::Questions(shm::SeatRef me, PostOffice &post, Deadlines &deadlines, QuestionEvents &events)
    : me_(me), post_(post), deadlines_(deadlines), events_(events) {}

hub::AskerId Questions::open(Ask ask, Millis now) {
    const std::uint32_t timeout = two_digits_up(ask.timeout);
    const Handle question = questions_.emplace(*this, std::move(ask));
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

void Questions::arrived(const hub::AskerId &asker, Text sid) {
    std::string told;
    Writer out(told);
    out.put(asker.slot);
    out.put(std::uint32_t{1});
    told += sid;
    const Bytes piece = as_bytes(told);
    tell(seat_of(asker), kArrived, {&piece, 1});
}

void Questions::answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) {
    const std::string head = answer_head(asker, sid, args);
    std::vector<Bytes> pieces{as_bytes(head), as_bytes(args.json)};
    pieces.insert(pieces.end(), args.attachments.begin(), args.attachments.end());
    tell(seat_of(asker), kAnswered, pieces);
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
        tell(from, kReported, {&body, 1});
    } else {
        hear(from, kind, as_text(body));
    }
}

void Questions::hear(shm::SeatRef from, std::uint16_t kind, Text body) {
    Reader in(body);
    Slot *slot = questions_.find(in.get<Handle>());
    if (slot == nullptr) {
        return;
    }
    if (kind == kAnswered) {
        hear_answered(slot->books, in);
    } else if (kind == kAsked || kind == kArrived) {
        hear_asked(slot->books, from, in);
    }
    if (kind == kAsked || kind == kReported) {
        slot->books.reported(from);
    }
    go_on(*slot);
}

void Questions::go_on(Slot &slot) {
    if (slot.books.all_reported()) {
        again(slot);
    }
    if (slot.books.complete()) {
        end(slot.self);
    }
}

void Questions::again(Slot &slot) {
    events_.bring_in();
    std::string told;
    Writer(told).put(slot.self);
    const Bytes piece = as_bytes(told);
    for (const shm::SeatRef reader : slot.books.second_round(me_)) {
        if (!tell(reader, kAgain, {&piece, 1})) {
            slot.books.reported(reader);
        }
    }
}

void Questions::end(Handle question) {
    const std::unique_ptr<Slot> slot = questions_.take(question);
    if (slot != nullptr) {
        events_.on_answers(slot->by, slot->books.answers());
    }
}

void Questions::Slot::on_deadline(Millis) { owner.end(self); }

} // namespace rt::cluster
