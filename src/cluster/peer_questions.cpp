// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/peer_questions.hpp"

#include "base/text.hpp"
#include "wire/resp.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

namespace {

// Is it an answer to such a question? Of an ask there are two kinds: one per server, one per client.
bool fits(Says question, Says answer) noexcept {
    switch (question) {
    case Says::ask:
        return answer == Says::client_count || answer == Says::client_ack;
    case Says::list_ids:
        return answer == Says::ids;
    case Says::list_rooms:
        return answer == Says::rooms;
    case Says::fetch:
        return answer == Says::fetched;
    default:
        return answer == Says::server_answer;
    }
}

std::uint32_t sum(std::uint32_t a, std::uint32_t b) noexcept {
    return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

} // namespace

PeerQuestions::PeerQuestions(PeerVoice &voice, Deadlines &deadlines, std::string name)
    : voice_(voice), deadlines_(deadlines), name_(std::move(name)) {}

PeerQuestions::Open::Open(PeerQuestions &owner_, const PeerQuestion &question, std::uint64_t number_)
    : owner(owner_), number(number_), asks(question.message.says), by(question.by), events(*question.events) {
}

// Counted first: whoever subscribes in between answers and is not waited for.
Result<Handle> PeerQuestions::ask(PeerQuestion question, Millis now) {
    if (open_.size() >= kMost) {
        return {Code::full, "too many questions to other servers are open"};
    }
    asked_ = std::max(asked_ + 1, question.number);
    const std::uint64_t number = asked_;
    const std::string request_id = name_ + std::to_string(number);
    question.message.request_id = request_id;
    if (!voice_.count(question.message.nsp, {LineUser::asks, number}) || !voice_.say(question.message, {})) {
        return {Code::unavailable, "Redis is away: other servers cannot be asked"};
    }
    const Handle handle = open_.emplace(*this, question, number);
    numbers_.emplace(number, handle);
    deadlines_.start(*open_.find(handle), now, question.timeout);
    return handle;
}

void PeerQuestions::cancel(Handle question) { static_cast<void>(take(question)); }

std::optional<std::uint64_t> PeerQuestions::number_of(Text request_id) const {
    if (!request_id.starts_with(name_)) {
        return std::nullopt;
    }
    const Result<std::uint64_t> number = parse_number(request_id.substr(name_.size()));
    return number ? std::optional(*number) : std::nullopt;
}

bool PeerQuestions::hear(const PeerMessage &answer) {
    const std::optional<std::uint64_t> number = number_of(answer.request_id);
    const Handle question = number ? find(*number) : Handle{};
    Open *open = open_.find(question);
    if (open == nullptr || !fits(open->asks, answer.says)) {
        return false;
    }
    PeerTally &tally = open->tally;
    if (answer.says == Says::client_ack) {
        tally.answers = sum(tally.answers, 1);
    } else {
        tally.reported = sum(tally.reported, 1);
        tally.clients = sum(tally.clients, answer.says == Says::client_count ? answer.count : 0);
    }
    if (answer.says != Says::client_count) {
        open->events.on_peer_answer(open->by, answer);
    }
    told(question);
    return true;
}

// Where the connection was lost nobody knows whether anybody was asked. Without a count all that
// comes until the deadline is taken.
void PeerQuestions::on_reply(std::uint64_t value, const wire::RespValue *reply, Millis) {
    const Handle question = find(value);
    Open *open = open_.find(question);
    if (open == nullptr) {
        return;
    }
    if (reply == nullptr) {
        end(question);
        return;
    }
    const std::optional<std::uint32_t> servers = PeerVoice::servers_in(*reply);
    if (servers) {
        open->tally.state = PeerTally::State::waiting;
        open->tally.counted = 1;
        open->tally.servers = *servers > 0 ? *servers - 1 : 0; // without this one
        told(question);
    }
}

void PeerQuestions::end_all() {
    open_.each([&](Handle question, Open &) { end(question); });
}

void PeerQuestions::Open::on_deadline(Millis) { owner.end(owner.find(number)); }

void PeerQuestions::end(Handle question) {
    if (Open *open = open_.find(question); open != nullptr) {
        open->tally.state = PeerTally::State::over;
        told(question);
    }
}

void PeerQuestions::told(Handle question) {
    const Open *open = open_.find(question);
    if (open == nullptr) {
        return;
    }
    const PeerTally tally = open->tally;
    const Handle by = open->by;
    PeerQuestionEvents &events = open->events;
    if (tally.complete()) {
        static_cast<void>(take(question));
    }
    events.on_tally(by, tally);
}

Handle PeerQuestions::find(std::uint64_t number) const noexcept {
    const auto found = numbers_.find(number);
    return found == numbers_.end() ? Handle{} : found->second;
}

std::unique_ptr<PeerQuestions::Open> PeerQuestions::take(Handle question) {
    std::unique_ptr<Open> open = open_.take(question);
    if (open != nullptr) {
        numbers_.erase(open->number);
    }
    return open;
}

} // namespace rt::cluster
