// SPDX-License-Identifier: BSD-2-Clause
// The host's part of an answer about sockets, from the roster alone: no worker is asked, so one
// that hangs delays nobody. Made in steps, so that a large one does not hold up its worker.
#pragma once

#include "cluster/answer_pace.hpp"
#include "cluster/peer_message.hpp"
#include "shm/roster.hpp"

#include <cstddef>
#include <string>
#include <unordered_set>
#include <vector>

namespace rt::cluster {

// Sockets whose CONNECT has been answered, each once, as fetchSockets() and its like show them.
// What comes or goes while the steps are made may be in the answer or not.
class RollCall {
public:
    // At most so many rows per step; fewer where each has much to say.
    static constexpr std::uint32_t kStep = 256;
    // No answer is larger: one that comes to what Redis holds back for a subscriber (32 MB by
    // default) would cut the connections of all.
    static constexpr std::size_t kMostBytes = AnswerPace::kAtOnce;

    // The question is fetch, list_ids or list_rooms; it is copied. The roster must outlive this.
    RollCall(shm::Roster &roster, const PeerMessage &question, std::size_t most = kMostBytes);
    RollCall(const RollCall &) = delete; // it views itself
    RollCall &operator=(const RollCall &) = delete;

    // Sockets that are in the answer, if they are meant, whether they are met or not.
    void include(const std::vector<shm::SocketRow> &rows);
    // Those of this session are not, where they are met from here on.
    void leave_out(Text sid) { left_out_.emplace(sid); }

    // A part of the work; true while there is more.
    [[nodiscard]] bool step();

    // After the last step: the answer fetched, ids or rooms. Its views live as long as this does.
    [[nodiscard]] PeerMessage answer() const;

    // The answer is not whole, and not to be given.
    [[nodiscard]] bool is_too_big() const noexcept { return bytes_ > most_; }

    // About as long as the answer.
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

    // Whom to answer.
    [[nodiscard]] Text asker() const noexcept { return asker_; }

private:
    [[nodiscard]] bool step_sockets();
    [[nodiscard]] bool step_rooms();
    void foresee(std::size_t rows);
    void put(const shm::SocketRow &row);
    [[nodiscard]] bool is_left_out(const shm::SocketRow &row) const;
    void put(const std::string &text);
    void put_rooms(const shm::SocketRow &row);
    [[nodiscard]] bool is_meant(const shm::SocketRow &row) const;

    shm::Roster &roster_;
    Says asks_;
    std::string asker_;
    std::string nsp_;
    std::string request_id_;
    std::vector<std::string> to_;
    std::vector<std::string> except_;
    std::vector<Text> to_views_; // sorted
    std::vector<Text> except_views_;

    bool rooms_left_; // list_rooms: rooms come first, then ids
    bool done_ = false;
    shm::CellIndex cursor_ = 0; // of the page that comes next
    std::unordered_set<std::string> seen_;
    std::unordered_set<std::string> left_out_; // sids
    std::string json_ = "[";
    std::vector<std::string> texts_;
    std::size_t most_;
    std::size_t bytes_ = 0;
};

// As JavaScript shows a moment: `Fri Nov 20 2026 04:23:53 GMT+0000 (Coordinated Universal Time)`.
// Milliseconds since 1970.
[[nodiscard]] std::string date_text(std::int64_t moment);

// The object that Node's querystring.parse() makes of it, as JSON: a name that repeats has an array.
[[nodiscard]] std::string query_json(Text query);

} // namespace rt::cluster
