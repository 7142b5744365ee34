// SPDX-License-Identifier: BSD-2-Clause
#include "hub/replay.hpp"

#include "engine/out_queue.hpp"
#include "hub/frames.hpp"
#include "hub/namespace.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rt::hub {

namespace {

// What it will cost to queue it, at most.
std::size_t cost(const wire::Frame &frame) noexcept { return frame.size() + engine::OutQueue::kFrameCost; }

} // namespace

Replay::Nsp::Nsp(const Namespace *of_, std::uint64_t key)
    : of(of_), name(of_->name()), rooms(0, KeyedHash{key}) {}

Replay::Replay(std::deque<Returning> &all, const Offsets &offsets, std::uint64_t key)
    : all_(all), offsets_(offsets), key_(key) {
    for (Returning &who : all_) {
        by_id_.insert(who);
        who.rooms = {who.kept_rooms.begin(), who.kept_rooms.end()};
        for (const Ref<wire::Frame> &frame : who.missed) {
            *who.backlog -= cost(*frame);
        }
        who.missed.clear();
        who.put_out = PutOut::no;
        who.too_much = who.uncertain = false;
        who.noted = 0;
        who.mark = 0;
        start_from(who);
    }
}

// What it got at the other host comes first.
void Replay::start_from(Returning &who) {
    if (!who.part.whole()) {
        who.part.rewind();
        parted_.push_back(&who);
    }
    if (who.abroad == nullptr) {
        return;
    }
    who.missed = who.abroad->missed;
    who.put_out = who.abroad->put_out;
    for (const Ref<wire::Frame> &frame : who.missed) {
        *who.backlog += cost(*frame);
    }
    who.too_much = *who.backlog > who.most;
}

// The first walk learns what is needed to know the rooms at the beginning of the second: a
// change that was noted is undone.
bool Replay::run(Bus &bus, Position until) {
    Position begin = until;
    for (const Returning &who : all_) {
        begin = std::min(begin, who.from);
    }
    const auto note = [this](const Envelope &envelope, Position end) { collect_note(envelope, end); };
    if (!bus.replay(begin, until, note)) {
        return false;
    }
    settle_first_rooms();
    const auto see = [this](const Envelope &envelope, Position end) { visit(envelope, end); };
    if (!bus.replay(begin, until, see)) {
        return false;
    }
    apply_notes(until + 1);
    for (const Note &note : unwritten_) {
        Envelope envelope;
        envelope.op = note.joined ? Op::joined : Op::left;
        envelope.nsp = nsp_of(*note.who).name;
        envelope.to = {note.who->id_text()};
        envelope.rooms = {note.room};
        envelope.since = note.since;
        bus.note(envelope);
    }
    return true;
}

void Replay::collect_note(const Envelope &envelope, Position end) {
    if (envelope.op == Op::gap) {
        std::ranges::for_each(all_, [&](Returning &who) { who.uncertain = who.uncertain || who.from < end; });
        return;
    }
    if (!is_note(envelope.op) || envelope.to.empty() || envelope.rooms.empty()) {
        return;
    }
    Returning *who = by_id_.find(envelope.to.front());
    if (who == nullptr || end <= who->from) {
        return;
    }
    who->noted = std::max(who->noted, envelope.since);
    notes_.push_back({envelope.since, who, std::string(envelope.rooms.front()), envelope.op == Op::joined});
}

// Backwards, so that the first note about a room has the last word.
void Replay::settle_first_rooms() {
    for (auto note = notes_.rbegin(); note != notes_.rend(); ++note) {
        if (note->joined) {
            note->who->rooms.erase(note->room);
        } else {
            note->who->rooms.insert(note->room);
        }
    }
    std::ranges::stable_sort(notes_, {}, &Note::since);
    for (Returning &who : all_) {
        Nsp &nsp = nsp_of(who);
        nsp.all.push_back(&who);
        for (const std::string &room : who.rooms) {
            audience(nsp, room).members.push_back(&who);
        }
    }
}

// Those that took effect before an envelope that ends there.
void Replay::apply_notes(Position end) {
    for (; next_note_ < notes_.size() && notes_[next_note_].since < end; ++next_note_) {
        const Note &note = notes_[next_note_];
        static_cast<void>(note.joined ? join(*note.who, note.room) : leave(*note.who, note.room));
    }
}

void Replay::visit(const Envelope &envelope, Position end) {
    if (is_note(envelope.op)) {
        return;
    }
    apply_notes(end);
    for (Returning *who : parted_) {
        who->skips = end > who->from && !who->part.takes(envelope, end);
    }
    const auto found =
        std::ranges::find_if(nsps_, [&](const auto &nsp) { return nsp->name == envelope.nsp; });
    if (found == nsps_.end() || (envelope.op == Op::emit && !is_recoverable(envelope))) {
        return;
    }
    find_targets(**found, envelope, end);
    if (envelope.op == Op::emit) {
        deliver(envelope, end);
        return;
    }
    for (Returning *who : targets_) {
        change(envelope, *who, end);
    }
}

void Replay::find_targets(Nsp &nsp, const Envelope &envelope, Position end) {
    targets_.clear();
    ++mark_;
    for (const Text room : envelope.except) {
        each_in(nsp, room, [&](Returning &who) { who.mark = mark_; });
    }
    const auto take = [&](Returning &who) {
        if (who.mark != mark_ && end > who.from && !who.skips && who.put_out == PutOut::no) {
            who.mark = mark_;
            targets_.push_back(&who);
        }
    };
    if (envelope.to.empty()) {
        for (Returning *who : nsp.all) {
            take(*who);
        }
    }
    for (const Text room : envelope.to) {
        each_in(nsp, room, take);
    }
}

template <class Visit> void Replay::each_in(Nsp &nsp, Text room, Visit visit) {
    if (Returning *who = by_id_.find(room); who != nullptr && &nsp_of(*who) == &nsp) {
        visit(*who);
    }
    if (const auto found = nsp.rooms.find(room); found != nsp.rooms.end()) {
        for (Returning *who : found->second->members) {
            visit(*who);
        }
    }
}

// One frame for all that may have its offset. What a client missed is bounded as what a slow one has not
// read.
void Replay::deliver(const Envelope &envelope, Position end) {
    std::array<Ref<wire::Frame>, 2> frames;
    for (Returning *who : targets_) {
        if (who->too_much) {
            continue;
        }
        const bool dead = !who->part.may_offset(end);
        Ref<wire::Frame> &frame = frames[dead ? 1 : 0];
        if (!frame) {
            frame = event_frame(envelope, {}, offsets_.text(dead ? kNoOffset : end));
        }
        *who->backlog += cost(*frame);
        who->too_much = *who->backlog > who->most;
        who->missed.push_back(frame);
    }
}

// What its home did before it lost it was noted, and is applied by apply_notes().
void Replay::change(const Envelope &envelope, Returning &who, Position end) {
    if (envelope.op == Op::disconnect) {
        who.put_out = envelope.close ? PutOut::connection : PutOut::socket;
        return;
    }
    if (end <= who.noted) {
        return;
    }
    for (const Text room : envelope.rooms) {
        const bool joins = envelope.op == Op::join;
        if (room != who.id_text() && (joins ? join(who, room) : leave(who, room))) {
            unwritten_.push_back({end, &who, std::string(room), joins});
        }
    }
}

// False: nothing changed.
bool Replay::join(Returning &who, Text room) {
    const std::size_t own = who.user.empty() ? 0 : 1; // the room of its user is not counted
    if (who.rooms.size() >= who.most_rooms + own || !who.rooms.emplace(room).second) {
        return false;
    }
    audience(nsp_of(who), room).members.push_back(&who);
    return true;
}

bool Replay::leave(Returning &who, Text room) {
    const auto found = who.rooms.find(room);
    if (found == who.rooms.end()) {
        return false;
    }
    who.rooms.erase(found);
    std::vector<Returning *> &members = audience(nsp_of(who), room).members;
    *std::ranges::find(members, &who) = members.back();
    members.pop_back();
    return true;
}

Replay::Audience &Replay::audience(Nsp &nsp, Text room) {
    if (const auto found = nsp.rooms.find(room); found != nsp.rooms.end()) {
        return *found->second;
    }
    auto made = std::make_unique<Audience>();
    made->room = room;
    Audience &audience = *made;
    nsp.rooms.emplace(audience.room, std::move(made));
    return audience;
}

Replay::Nsp &Replay::nsp_of(const Returning &who) {
    const auto found = std::ranges::find_if(nsps_, [&](const auto &nsp) { return nsp->of == who.nsp; });
    if (found != nsps_.end()) {
        return **found;
    }
    nsps_.push_back(std::make_unique<Nsp>(who.nsp, key_));
    return *nsps_.back();
}

} // namespace rt::hub
