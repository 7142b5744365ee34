// SPDX-License-Identifier: BSD-2-Clause
// The books of one question to the clients of all workers: which workers still have to report,
// whom they asked, who answered. Knows neither mail nor time.
#pragma once

#include "base/hash_index.hpp"
#include "hub/payload.hpp"
#include "hub/socket.hpp"
#include "shm/seats.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace rt::cluster {

// JSON arrays.
struct Answers {
    std::string answers; // {"sid","args"[,"attachments"]}, as they came
    std::string missing; // ids of those that were asked and did not answer, as they were asked
};

class Question {
public:
    // Answers beyond this many bytes are not kept: who gave them is missing.
    static constexpr std::size_t kMostAnswers = 16u << 20;

    // `readers`: the workers that read the log when the question is published.
    explicit Question(std::vector<shm::SeatRef> readers) : readers_(readers), awaited_(std::move(readers)) {}

    // A worker asked this socket, or has it now.
    void asked(shm::SeatRef at, Text sid);
    void answered(Text sid, const hub::Payload &args);

    // A worker has reported, in this round.
    void reported(shm::SeatRef reader);
    [[nodiscard]] bool all_reported() const noexcept { return awaited_.empty(); }

    // A session may have been on its way from one worker to another while each of them read the
    // question. Once all have reported, whatever was on its way has reached its mailbox: they
    // report again behind that. Who has to, besides `me`; nobody if they did already.
    [[nodiscard]] std::span<const shm::SeatRef> second_round(shm::SeatRef me);

    // This worker is gone, and with it the sockets it had.
    void forget(shm::SeatRef seat);

    // Both rounds are over, and nobody is left who may still answer.
    [[nodiscard]] bool complete() const noexcept { return second_ && awaited_.empty() && open_ == 0; }
    [[nodiscard]] Answers answers() const;

private:
    enum class State : std::uint8_t { open, answered, lost };

    struct Asked {
        hub::SocketId id;
        shm::SeatRef at;
        State state;

        [[nodiscard]] Text sid() const noexcept { return {id.data(), id.size()}; }
    };

    struct SidOf {
        Text operator()(const Asked &asked) const noexcept { return asked.sid(); }
    };

    Asked *entry(Text sid);
    void set(Asked &asked, State state) noexcept;

    std::vector<shm::SeatRef> readers_;
    std::vector<shm::SeatRef> awaited_; // of this round
    std::vector<shm::SeatRef> gone_;
    std::deque<Asked> asked_; // they stay where they are
    HashIndex<Asked, SidOf> by_sid_;
    std::string answers_; // joined by commas
    std::size_t open_ = 0;
    bool second_ = false;
};

} // namespace rt::cluster
