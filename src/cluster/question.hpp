// SPDX-License-Identifier: BSD-2-Clause
// The books of one question to the clients of all workers: which workers still have to report,
// whom they asked, who answered. Knows neither mail nor time.
#pragma once

#include "base/hash_index.hpp"
#include "cluster/peer_tally.hpp"
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

// JSON arrays, and who is missing elsewhere, of whom only numbers are known.
struct Answers {
    std::string
        answers; // {"sid","args"[,"attachments"]}, as they came; of other servers' clients sid is null
    std::string missing;  // ids of those that were asked and did not answer, as they were asked
    bool abroad = false;  // other servers were asked, too
    PeerTally peers = {}; // with the answers that were kept
};

class Question {
public:
    // Answers beyond this many bytes are not kept: who gave them is missing.
    static constexpr std::size_t kMostAnswers = 16u << 20;

    // Which answers are kept, and whether other servers are waited for.
    enum class Keeps : std::uint8_t { answers, nothing };

    // `readers`: the workers that read the log when the question is published.
    explicit Question(std::vector<shm::SeatRef> readers, Keeps keeps = Keeps::answers, bool abroad = false)
        : readers_(readers), awaited_(std::move(readers)), keeps_(keeps), abroad_(abroad) {}

    // A worker asked this socket, or has it now. Nobody: it is at another host.
    void asked(shm::SeatRef at, Text sid);
    // True if it is this socket's first.
    bool answered(Text sid, const hub::Payload &args);

    // What other servers say, and their clients.
    void told_abroad(const PeerTally &tally) noexcept { peers_ = tally; }
    void answered_abroad(const hub::Payload &args);

    // A worker has reported, in this round.
    void reported(shm::SeatRef reader);
    [[nodiscard]] bool all_reported() const noexcept { return awaited_.empty(); }

    // A session may have been on its way from one worker to another while each of them read the
    // question. Once all have reported, whatever was on its way has reached its mailbox: they
    // report again behind that. Who has to, besides `me`, if it is somebody; nobody if they did
    // already.
    [[nodiscard]] std::span<const shm::SeatRef> second_round(shm::SeatRef me);

    // This worker is gone, and with it the sockets it had.
    void forget(shm::SeatRef seat);

    // Both rounds are over: whoever is asked has been asked.
    [[nodiscard]] bool all_asked() const noexcept { return second_ && awaited_.empty(); }
    // How many of them answered or may still answer.
    [[nodiscard]] std::size_t counted() const noexcept;

    // Nobody is left who may still answer, here or elsewhere.
    [[nodiscard]] bool complete() const noexcept {
        return all_asked() && open_ == 0 && (!abroad_ || peers_.complete());
    }
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
    bool keep(Text sid, const hub::Payload &args);
    void set(Asked &asked, State state) noexcept;

    std::vector<shm::SeatRef> readers_;
    std::vector<shm::SeatRef> awaited_; // of this round
    std::vector<shm::SeatRef> gone_;
    std::deque<Asked> asked_; // they stay where they are
    HashIndex<Asked, SidOf> by_sid_;
    std::string answers_; // joined by commas
    std::size_t open_ = 0;
    bool second_ = false;
    Keeps keeps_;
    bool abroad_;
    PeerTally peers_;
    std::uint32_t kept_abroad_ = 0;
};

} // namespace rt::cluster
