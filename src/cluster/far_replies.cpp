// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/far_replies.hpp"

#include "cluster/far_message.hpp"

#include <algorithm>
#include <utility>

namespace rt::cluster {

void FarReplies::arrived(const hub::AskerId &asker, Text sid) {
    if (!asker.abroad()) {
        near_.arrived(asker, sid);
    }
}

void FarReplies::departed(const hub::AskerId &asker, Text sid) {
    if (!asker.abroad()) {
        near_.departed(asker, sid);
    }
}

void FarReplies::answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) {
    if (!asker.abroad()) {
        near_.answered(asker, sid, args);
        return;
    }
    hub::AskerId there = asker;
    there.host = {};
    Kept answer{++numbers_, {asker.host.data(), asker.host.size()}, {}, asker.timeout};
    Writer out(answer.message);
    put_crossing_head(out, CrossingSaid::ack);
    out.put(there);
    out.put_text(sid);
    out.put_text(args.json);
    out.put(static_cast<std::uint32_t>(args.attachments.size()));
    for (const Bytes attachment : args.attachments) {
        out.put_text(as_text(attachment));
    }
    out.put(Ticket{abroad_.me.index, abroad_.me.generation, answer.number});
    say(answer);
    keep(std::move(answer));
}

void FarReplies::say(const Kept &answer) {
    const Bytes piece = as_bytes(answer.message);
    static_cast<void>(relay_.send(answer.host, Topic::crossing, {&piece, 1}));
}

void FarReplies::keep(Kept answer) {
    if (kept_.size() >= kMost || bytes_ + answer.message.size() > kMostBytes) {
        abroad_.metrics.count(hub::Metric::acks_unkept);
        return;
    }
    bytes_ += answer.message.size();
    kept_.push_back(std::move(answer));
    fresh_ = true;
}

void FarReplies::go_on(Millis now) {
    if (!std::exchange(fresh_, false)) {
        return;
    }
    for (Kept &answer : kept_) {
        if (answer.until == 0) {
            answer.until = now + answer.left;
            answer.due = abroad_.bridge.is_up() ? now + kRepeat : now;
        }
    }
    if (!running() && !kept_.empty()) {
        abroad_.deadlines.start(*this, now, kLook);
    }
}

void FarReplies::on_deadline(Millis now) {
    std::erase_if(kept_, [&](const Kept &answer) {
        const bool late = answer.until != 0 && answer.until <= now;
        bytes_ -= late ? answer.message.size() : 0;
        return late;
    });
    for (Kept &answer : kept_) {
        if (answer.due <= now && abroad_.bridge.is_up()) {
            answer.due = now + kRepeat;
            say(answer);
        }
    }
    if (!kept_.empty()) {
        abroad_.deadlines.start(*this, now, kLook);
    }
}

void FarReplies::on_confirmed(const Ticket &ticket) noexcept {
    const auto found = std::ranges::lower_bound(kept_, ticket.number, {}, &Kept::number);
    if (found != kept_.end() && found->number == ticket.number) {
        bytes_ -= found->message.size();
        kept_.erase(found);
    }
}

void FarReplies::forget_all() noexcept {
    kept_.clear();
    bytes_ = 0;
}

std::optional<Ticket> FarReplies::hear(Reader &in, hub::Replies &near) {
    const auto asker = in.get<hub::AskerId>();
    const Text sid = in.get_text();
    hub::Payload args{std::string(in.get_text()), {}};
    for (std::uint32_t count = in.get_count(sizeof(std::uint32_t)); count > 0; --count) {
        args.attachments.push_back(as_bytes(in.get_text()));
    }
    const auto ticket = in.get<Ticket>();
    if (!in.ok() || !asker || asker.abroad()) {
        return std::nullopt;
    }
    near.answered(asker, sid, args);
    return ticket;
}

} // namespace rt::cluster
