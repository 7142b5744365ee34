// SPDX-License-Identifier: BSD-2-Clause
// Which channels the host has to hear: those of its namespaces and, where a dialect has channels
// for rooms, of the rooms with a member here. Workers tell the holder of the bridge where to look;
// what is true stands in the roster, whatever the order in which they tell.
#pragma once

#include "base/fifo.hpp"
#include "cluster/dialect.hpp"
#include "cluster/ordered_rooms.hpp"
#include "cluster/post_office.hpp"
#include "shm/roster.hpp"

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rt::cluster {

// Mail of these kinds is for the bridge; from it, with a number alone.
inline constexpr std::uint16_t kInterestMail = 400;
inline constexpr std::uint16_t kHeardMail = 401;

// What a mail says. An empty optional room: the namespace alone. An empty namespace: all that this
// worker told anybody before.
struct InterestNews {
    Text nsp;
    std::optional<Text> room;
    std::uint64_t number = 0; // grows; the worker wants to know when it is heard. 0: it does not
};
[[nodiscard]] std::string interest_mail(const InterestNews &news);
[[nodiscard]] std::optional<InterestNews> read_interest(Bytes body);

class InterestEvents {
public:
    virtual ~InterestEvents() = default;
    // What the worker told with this number, and with all lower ones, is heard; or need not be
    // waited for.
    virtual void on_heard(shm::SeatRef who, std::uint64_t number) = 0;
};

class HearingLine {
public:
    virtual ~HearingLine() = default;
    // A mark of all that was subscribed to so far; and whether all up to it is confirmed. Of channels
    // whose confirmations have no order, `these`; none: all of them.
    [[nodiscard]] virtual std::uint64_t asked() const = 0;
    [[nodiscard]] virtual bool has_confirmed(std::uint64_t mark,
                                             std::span<const Subscription> these) const = 0;
    // Confirmed some time later. What was asked for before a connection is up is asked again then.
    virtual void subscribe(std::span<const Subscription> wanted) = 0;
    virtual void unsubscribe(std::span<const Subscription> left) = 0;
};

class Interest {
public:
    // `host`: the 4 characters with which the ids of its sockets begin.
    struct Ports {
        Dialect &dialect;
        shm::Roster &roster;
        HearingLine &hearing;
        InterestEvents &events;
    };

    Interest(const Ports &ports, Text host) : ports_(ports), host_(host) {}

    // Everything: these namespaces, those that the roster has, and those that were heard before.
    [[nodiscard]] std::vector<Subscription> all(std::span<const std::string> namespaces);

    // There is somebody new, at this worker.
    void look(const InterestNews &news, shm::SeatRef who = {});
    // Somebody here will be in these rooms.
    void expect(Text nsp, std::span<const Text> rooms);

    // Something was confirmed: who waits for it is told. Costs nothing while nobody waits.
    void settle();
    // All who wait are told: it would last.
    void give_up();

    // Lets go of rooms that nobody is in any more, and nobody will be: some of them, and the next ones
    // with the next call.
    void sweep(std::size_t most, const OrderedRooms &ordered);

private:
    using Room = std::pair<std::string, std::string>; // of a namespace
    using Wanted = std::vector<Subscription>;

    // A worker waits until it is heard.
    struct Wait {
        shm::SeatRef who;
        std::uint64_t number = 0;
        std::uint64_t mark = 0;
        Wanted wanted;
        std::optional<Room> room;
    };

    void look_at_namespace(Text nsp);
    [[nodiscard]] std::optional<Subscription> look_at_room(Text nsp, Text room);
    [[nodiscard]] Wanted wanted_by(const InterestNews &news);
    void answer(bool heard);
    void tell();
    void add_rooms(Wanted &to);
    void add_ids(Wanted &to);
    void add_room(Wanted &to, const Room &room, bool own);
    [[nodiscard]] bool is_own(Text room) const noexcept;

    Ports ports_;
    std::string host_;
    Fifo<Wait> waits_;
    std::vector<std::pair<shm::SeatRef, std::uint64_t>> answers_; // that are to be told
    std::set<std::string, std::less<>> namespaces_;
    std::map<Room, Subscription> rooms_;
    Room swept_; // the last one that was looked at
};

} // namespace rt::cluster
