// SPDX-License-Identifier: BSD-2-Clause
// What a session's home knows of the last calls that came for it from other hosts, so that one that
// comes twice counts once and gets the same answer. Bounded; it moves with its session.
#pragma once

#include "base/deadlines.hpp"
#include "base/fn.hpp"
#include "engine/exchange.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace rt::cluster {

class Repeats {
public:
    static constexpr std::size_t kMostBytes = 16 * 1024 * 1024; // of answers
    static constexpr Millis kSweep = 5000;

    // The two of a polling client that stand side by side.
    enum class Lane : std::uint8_t { get, post };

    enum class Seen : std::uint8_t {
        fresh,     // to be dealt with; what the lane's call before it was told is forgotten
        under_way, // it waits for its answer, which comes by itself
        answered,  // the same is to be said again: answer_of()
        forgotten, // what it was told was too much to be kept
        stale,     // an earlier call of the lane: nobody waits for its answer
    };

    struct Kept {
        std::uint16_t status = 0;
        engine::BodyKind kind = engine::BodyKind::empty;
        std::string body;
    };

    // `lives`: is this session still here, on polling?
    Repeats(Deadlines &deadlines, Fn<bool(Text sid)> lives);

    // Notes a fresh one.
    Seen see(Text sid, Lane lane, const engine::ExchangeId &by, Millis now);

    // Valid until the next call. Null: nothing is kept.
    [[nodiscard]] const Kept *answer_of(Text sid, Lane lane) const;

    // What an exchange is told, whichever session's it is. True: it is kept.
    bool answered(const engine::ExchangeId &by, const engine::Answer &answer);

    // All of a session, which is forgotten here.
    void freeze(Text sid, Writer &out);
    void thaw(Text sid, Reader &in, Millis now);

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t kRemembered = 6; // earlier calls of a lane

    struct Last {
        engine::ExchangeId by;
        bool answered = false;
        bool kept = false;
        Kept answer;
        std::array<engine::ExchangeId, kRemembered> earlier{};
        std::size_t next = 0;
    };

    struct Entry {
        std::array<Last, 2> lanes;
    };

    struct IdHash {
        std::size_t operator()(const engine::ExchangeId &id) const noexcept;
    };

    struct Sweeper final : Deadline {
        explicit Sweeper(Repeats &owner_) : owner(owner_) {}
        void on_deadline(Millis now) override { owner.sweep(now); }
        Repeats &owner;
    };

    void forget(Last &last);
    void drop(std::unordered_map<std::string, std::unique_ptr<Entry>>::iterator entry);
    void thaw_lane(Last &last, Reader &in);
    void sweep(Millis now);

    Deadlines &deadlines_;
    Fn<bool(Text)> lives_;
    Sweeper sweeper_{*this};
    std::unordered_map<std::string, std::unique_ptr<Entry>> entries_; // sids are secrets: none is chosen
    std::unordered_map<engine::ExchangeId, Last *, IdHash> open_;     // under way
    std::size_t bytes_ = 0;
};

} // namespace rt::cluster
