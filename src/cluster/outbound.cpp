// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/outbound.hpp"

#include "cluster/envelope.hpp"
#include "wire/resp.hpp"

#include <array>

namespace rt::cluster {

namespace {

// Of which kind it is as a message to other servers.
Says says_of(hub::Op op) noexcept {
    switch (op) {
    case hub::Op::join:
        return Says::join;
    case hub::Op::leave:
        return Says::leave;
    case hub::Op::disconnect:
        return Says::disconnect;
    case hub::Op::server_emit:
        return Says::server_emit;
    default:
        return Says::broadcast;
    }
}

} // namespace

Outbound::Outbound(const Ports &ports, shm::Stream stream, shm::BridgeTable table, Text uid)
    : ports_(ports), stream_(stream), table_(table), uid_(uid), reader_(stream, table.published()),
      last_number_(table.published_number()) {}

void Outbound::start() {
    rewind();
    started_ = true;
    blocked_ = false;
}

void Outbound::lost() {
    rewind();
    started_ = false;
}

void Outbound::rewind() {
    reader_.seek(table_.published());
    unanswered_.clear();
    early_.erase(early_.begin(), early_.upper_bound(table_.published()));
    bytes_ = 0;
    last_number_ = table_.published_number();
    said_ = 0;
}

bool Outbound::work(std::size_t most, Millis now) {
    bool more = started_ && ports_.line.is_up() && !blocked_;
    for (std::size_t count = 0; more && count < most; ++count) {
        const hub::Position before = reader_.cursor();
        const shm::StreamReader::Next next = reader_.next();
        const Step step = publish(next, now);
        if (step == Step::refused) {
            reader_.seek(before);
            blocked_ = true;
        }
        more = step == Step::done;
    }
    settle();
    return more;
}

Outbound::Step Outbound::publish(const shm::StreamReader::Next &next, Millis now) {
    if (next.status == shm::StreamReader::Status::empty) {
        return Step::nothing;
    }
    if (next.status == shm::StreamReader::Status::lapped) {
        overrun();
        return Step::done;
    }
    if (next.kind != kEnvelopeRecord || !began_here(next.body) || !decode_envelope(next.body, envelope_)) {
        return Step::done;
    }
    if ((envelope_.is_volatile || envelope_.asker) && next.end <= fresh_) {
        ports_.metrics.count(hub::Metric::bus_stale);
        if (envelope_.asker) {
            ports_.events.on_stale_ask(envelope_.asker);
        }
        return Step::done;
    }
    if (envelope_.asker) {
        ports_.events.on_ask(envelope_, now);
        return Step::done;
    }
    say(envelope_);
    if (publication_.channel.empty()) {
        account(envelope_.number);
        return Step::done; // no other server could read it
    }
    if (early_.erase(next.end) != 0) {
        account(envelope_.number);
        said_ = std::max(said_, envelope_.number);
        return Step::done; // it was carried out before a loss
    }
    const std::array<Text, 3> command{ports_.dialect.publish_verb(), publication_.channel,
                                      publication_.payload};
    const std::size_t size = publication_.channel.size() + publication_.payload.size();
    if (!has_room(size) || !ports_.line.send(command, {LineUser::outbound, next.end})) {
        return Step::refused;
    }
    unanswered_.push({next.end, envelope_.number, size});
    bytes_ += size;
    account(envelope_.number);
    said_ = std::max(said_, envelope_.number);
    ports_.metrics.count(hub::Metric::bus_out);
    return Step::done;
}

void Outbound::say(const hub::Envelope &envelope) {
    message_.clear();
    message_.says = says_of(envelope.op);
    message_.nsp = envelope.nsp;
    message_.uid = uid_;
    message_.number = envelope.number;
    std::swap(message_.envelope, envelope_); // and back: neither is copied
    ports_.dialect.say(message_, {}, publication_);
    std::swap(message_.envelope, envelope_);
}

bool Outbound::has_room(std::size_t size) const noexcept {
    return unanswered_.empty() || (unanswered_.size() < kMostMessages && bytes_ + size <= kMostBytes);
}

// This one is dealt with.
void Outbound::account(std::uint64_t number) {
    if (number == 0) {
        return;
    }
    if (std::exchange(overran_, false) && number > last_number_) {
        const std::uint64_t lost = number - last_number_ - 1;
        ports_.metrics.add(hub::Metric::bus_overrun, static_cast<std::int64_t>(lost));
    }
    last_number_ = number;
}

// Others see it too, by the numbers that never come.
void Outbound::overrun() {
    overran_ = true;
    reader_.seek(stream_.tail());
}

// One Redis answers in the order of sending. A holder that gave the bridge away without all answers
// does not turn the cursor of its successor back, nor set one where Redis was taken away (0).
void Outbound::on_reply(std::uint64_t position, const wire::RespValue *reply, Millis now) {
    if (reply == nullptr || unanswered_.empty() || position < unanswered_.front().end) {
        return; // start() sends it again
    }
    if (position != unanswered_.front().end) {
        early_.insert(position);
    } else {
        pop();
    }
    while (!early_.empty() && !unanswered_.empty() && early_.erase(unanswered_.front().end) != 0) {
        pop();
    }
    if (reply->kind() == wire::RespKind::error) {
        ports_.metrics.count(hub::Metric::bus_refused);
        ports_.events.on_refused(reply->text(), now);
    }
}

void Outbound::pop() {
    const Sent sent = unanswered_.front();
    unanswered_.pop();
    bytes_ -= sent.size;
    if (table_.published() != 0 && table_.published() < sent.end) {
        table_.set_published_number(sent.number != 0 ? sent.number : table_.published_number());
        table_.set_published(sent.end);
    }
}

// What needed no sending is behind us as soon as nothing before it waits.
void Outbound::settle() {
    const hub::Position published = table_.published();
    if (is_idle() && published != 0 && published < reader_.cursor()) {
        table_.set_published(reader_.cursor());
    }
}

} // namespace rt::cluster
