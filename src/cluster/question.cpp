// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/question.hpp"

#include "base/base64.hpp"

#include <algorithm>

namespace rt::cluster {

namespace {

// `sid`: JSON.
void append_answer(std::string &out, Text sid, const hub::Payload &args) {
    out += out.empty() ? "{\"sid\":" : ",{\"sid\":";
    out += sid;
    out += ",\"args\":";
    out += args.json;
    if (!args.attachments.empty()) {
        out += ",\"attachments\":[";
        for (const Bytes &attachment : args.attachments) {
            out += &attachment == &args.attachments.front() ? "\"" : ",\"";
            append_base64(out, attachment);
            out += '"';
        }
        out += ']';
    }
    out += '}';
}

std::size_t size_of(const hub::Payload &args) {
    std::size_t size = args.json.size();
    for (const Bytes attachment : args.attachments) {
        size += attachment.size() / 3 * 4;
    }
    return size;
}

} // namespace

// Found, or made; null if it is no socket's id.
Question::Asked *Question::entry(Text sid) {
    if (sid.size() != hub::kIdLength) {
        return nullptr;
    }
    if (Asked *known = by_sid_.find(sid); known != nullptr) {
        return known;
    }
    Asked &made = asked_.emplace_back(Asked{{}, {}, State::open});
    sid.copy(made.id.data(), made.id.size());
    by_sid_.insert(made);
    ++open_;
    return &made;
}

void Question::set(Asked &asked, State state) noexcept {
    open_ -= asked.state == State::open ? 1 : 0;
    asked.state = state;
    open_ += state == State::open ? 1 : 0;
}

// It may have been lost with a worker that had handed it over already; and a worker's mail may
// be read after its end was seen.
void Question::asked(shm::SeatRef at, Text sid) {
    Asked *asked = entry(sid);
    if (asked == nullptr || asked->state == State::answered) {
        return;
    }
    asked->at = at;
    const bool gone = std::find(gone_.begin(), gone_.end(), at) != gone_.end();
    set(*asked, gone ? State::lost : State::open);
}

// The answer of a socket that moved may overtake the report of the worker that asked it.
bool Question::answered(Text sid, const hub::Payload &args) {
    Asked *asked = entry(sid);
    if (asked == nullptr || asked->state == State::answered) {
        return false;
    }
    std::string quoted = "\"";
    quoted += sid;
    quoted += '"';
    set(*asked, keep(quoted, args) ? State::answered : State::lost);
    return true;
}

void Question::answered_abroad(const hub::Payload &args) { kept_abroad_ += keep("null", args) ? 1 : 0; }

// False: there is no room for it.
bool Question::keep(Text sid, const hub::Payload &args) {
    if (keeps_ == Keeps::nothing) {
        return true;
    }
    if (answers_.size() + size_of(args) > kMostAnswers) {
        return false;
    }
    append_answer(answers_, sid, args);
    return true;
}

std::size_t Question::counted() const noexcept {
    const auto counts = [](const Asked &asked) { return asked.state != State::lost; };
    return static_cast<std::size_t>(std::ranges::count_if(asked_, counts));
}

void Question::reported(shm::SeatRef reader) { std::erase(awaited_, reader); }

std::span<const shm::SeatRef> Question::second_round(shm::SeatRef me) {
    if (second_) {
        return {};
    }
    second_ = true;
    std::erase(readers_, me);
    awaited_ = readers_;
    return readers_;
}

void Question::forget(shm::SeatRef seat) {
    gone_.push_back(seat);
    std::erase(readers_, seat);
    reported(seat);
    for (Asked &asked : asked_) {
        if (asked.at == seat && asked.state == State::open) {
            set(asked, State::lost);
        }
    }
}

Answers Question::answers() const {
    Answers told{"[" + answers_ + "]", "[", abroad_, peers_};
    told.peers.answers = kept_abroad_;
    for (const Asked &asked : asked_) {
        if (asked.state != State::answered) {
            told.missing += told.missing.size() == 1 ? "\"" : ",\"";
            told.missing += asked.sid();
            told.missing += '"';
        }
    }
    told.missing += ']';
    return told;
}

} // namespace rt::cluster
