// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/peer_asks.hpp"

#include "wire/json_slice.hpp"
#include "wire/placeholders.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

namespace {

// `question` is a PeerMessage, or what is remembered of one.
template <class Question> PeerMessage answer_to(const Question &question, Says says) {
    PeerMessage answer;
    answer.says = says;
    answer.nsp = question.nsp;
    answer.request_id = question.request_id;
    return answer;
}

} // namespace

// Nobody may be told who is not there any more.
PeerAsks::~PeerAsks() {
    in_.each([&](Handle, const In &ask) { ports_.questions.cancel(ask.asker.slot); });
    out_.each([&](Handle, const Out &out) { ports_.peers.cancel(out.question); });
}

// --- in ---

PeerAsks::In::In(PeerAsks &owner_, const PeerMessage &ask)
    : owner(owner_), nsp(ask.nsp), uid(ask.uid), request_id(ask.request_id) {}

// Where too many are open the clients hear the event, and nobody is asked for an answer.
void PeerAsks::hear_ask(const PeerMessage &ask, Millis now) {
    hub::Envelope envelope = ask.envelope;
    envelope.op = hub::Op::emit;
    envelope.nsp = ask.nsp;
    envelope.remote = true;
    envelope.is_volatile = false; // as at any other server but its own
    envelope.number = 0;
    const Handle handle = open(ask, now);
    const In *in = in_.find(handle);
    envelope.asker = in == nullptr ? hub::AskerId{} : in->asker;
    if (const Result<hub::Position> end = ports_.bus.publish(envelope); end && in != nullptr) {
        return;
    }
    if (in != nullptr) {
        ports_.questions.cancel(in->asker.slot);
        in_.erase(handle);
    }
    ports_.voice.say(answer_to(ask, Says::client_count), ask.uid);
}

// None if there are too many.
Handle PeerAsks::open(const PeerMessage &ask, Millis now) {
    if (in_.size() >= kMost) {
        return {};
    }
    const Handle handle = in_.emplace(*this, ask);
    In &in = *in_.find(handle);
    const std::uint32_t said = ask.envelope.asker.timeout;
    const std::uint32_t timeout = said == 0 ? timeout_ : std::min(said, kLongest);
    in.asker = ports_.questions.open({.by = handle, .timeout = timeout, .live = this}, now);
    ports_.deadlines.start(in, now, kHold);
    return handle;
}

void PeerAsks::on_asked(Handle by, std::uint32_t sockets) {
    In *ask = in_.find(by);
    if (ask == nullptr) {
        return;
    }
    PeerMessage count = answer_to(*ask, Says::client_count);
    count.count = sockets;
    ports_.voice.say(count, ask->uid);
    let_go(*ask);
}

// Of its arguments the first one goes, as the reference sends it.
void PeerAsks::on_answer(Handle by, const hub::Payload &args) {
    In *ask = in_.find(by);
    if (ask == nullptr) {
        return;
    }
    Held held;
    const Text first = wire::json::element(args.json, 0);
    if (args.attachments.empty()) {
        held.data = first;
    } else {
        wire::Renumber renumber;
        renumber.append(held.data, first);
        for (const std::uint32_t num : renumber.used()) {
            held.attachments.emplace_back(as_text(args.attachments[num]));
        }
    }
    ask->held.push_back(std::move(held));
    if (!ask->running()) {
        let_go(*ask);
    }
}

// Also where a worker hangs and so nobody can say how many were asked: who waits has at least the
// answers of the others.
void PeerAsks::In::on_deadline(Millis) { owner.let_go(*this); }

void PeerAsks::let_go(In &ask) {
    ask.stop();
    for (const Held &held : std::exchange(ask.held, {})) {
        PeerMessage ack = answer_to(ask, Says::client_ack);
        ack.envelope.data = held.data;
        for (const std::string &attachment : held.attachments) {
            ack.envelope.attachments.push_back(as_bytes(attachment));
        }
        ports_.voice.say(ack, ask.uid);
    }
}

void PeerAsks::on_over(Handle by) { in_.erase(by); }

void PeerAsks::hear_server_emit(const PeerMessage &emit) {
    if (emit.request_id.empty()) {
        return;
    }
    PeerMessage answer = answer_to(emit, Says::server_answer);
    answer.envelope.data = "null";
    ports_.voice.say(answer, emit.uid);
}

// --- out ---

void PeerAsks::carry(const hub::Envelope &envelope, hub::Position end, Millis now) {
    const Handle handle = out_.emplace(Out{envelope.asker, {}, {}});
    PeerQuestion question;
    question.message.says = Says::ask;
    question.message.nsp = envelope.nsp;
    question.message.envelope = envelope;
    question.by = handle;
    question.number = end;
    question.events = this;
    question.timeout = envelope.asker.timeout;
    const Result<Handle> asked = ports_.peers.ask(std::move(question), now);
    if (!asked) {
        out_.erase(handle);
        refuse(envelope.asker);
        return;
    }
    if (Out *out = out_.find(handle); out != nullptr) {
        out->question = *asked;
    }
}

void PeerAsks::refuse(const hub::AskerId &asker) {
    PeerTally nobody;
    nobody.state = PeerTally::State::over;
    ports_.questions.told_abroad(asker, nobody);
}

void PeerAsks::on_peer_answer(Handle by, const PeerMessage &answer) {
    const Out *out = out_.find(by);
    if (out == nullptr) {
        return;
    }
    std::string args = "[";
    args += answer.envelope.data;
    args += ']';
    ports_.questions.answered_abroad(out->asker, {std::move(args), answer.envelope.attachments});
}

// Answers travel for themselves; the numbers only when the asker would not know them otherwise.
void PeerAsks::on_tally(Handle by, const PeerTally &tally) {
    Out *out = out_.find(by);
    if (out == nullptr) {
        return;
    }
    if (tally.complete() || tally.counted != out->told.counted || tally.reported != out->told.reported) {
        out->told = tally;
        ports_.questions.told_abroad(out->asker, tally);
    }
    if (tally.complete()) {
        out_.erase(by);
    }
}

} // namespace rt::cluster
