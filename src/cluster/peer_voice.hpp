// SPDX-License-Identifier: BSD-2-Clause
// How this host speaks to the other servers of a namespace, and counts them: a dialect on a line.
#pragma once

#include "cluster/answer_pace.hpp"
#include "cluster/dialect.hpp"
#include "cluster/redis_line.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace rt::cluster {

class PeerVoice {
public:
    // Dialect and line must outlive this.
    PeerVoice(Dialect &dialect, RedisLine &line, AnswerPace pace = AnswerPace()) noexcept
        : dialect_(dialect), line_(line), pace_(pace) {}

    // `to`: the uid of the one that is answered; empty for anything but answers. False: nothing
    // was said, for Redis is away, or has no room, or the dialect has no such message.
    bool say(const PeerMessage &message, Text to);

    // Of what was said, with LineUser::voice, and `size` the value of its cookie: Redis has it, or
    // nobody knows.
    void on_reply(std::size_t size, Millis now) noexcept {
        unanswered_ -= unanswered_ > 0 ? 1 : 0;
        pace_.taken(size, now);
    }
    // So much more may be said now without cutting off who reads slowly. Nobody else is asked.
    [[nodiscard]] bool has_room(std::size_t bytes, Millis now) const noexcept {
        return pace_.has_room(bytes, now);
    }
    [[nodiscard]] bool is_idle() const noexcept { return unanswered_ == 0; }

    // Asks Redis how many servers hear a namespace, this host among them; servers_in() reads the
    // reply. False: Redis is away.
    [[nodiscard]] bool count(Text nsp, Cookie cookie);

    // None if it is no such reply.
    [[nodiscard]] static std::optional<std::uint32_t> servers_in(const wire::RespValue &reply);

    [[nodiscard]] bool is_up() const noexcept { return line_.is_up(); }

private:
    Dialect &dialect_;
    RedisLine &line_;
    Publication scratch_;
    std::size_t unanswered_ = 0;
    AnswerPace pace_;
};

} // namespace rt::cluster
