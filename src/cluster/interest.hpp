// SPDX-License-Identifier: BSD-2-Clause
// Which channels the host has to hear: those of its namespaces and, where a dialect has channels
// for rooms, of the rooms with a member here. Workers tell the holder of the bridge where to look;
// what is true stands in the roster, whatever the order in which they tell.
#pragma once

#include "cluster/dialect.hpp"
#include "cluster/post_office.hpp"
#include "shm/roster.hpp"

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rt::cluster {

// Mail of this kind is for the bridge.
inline constexpr std::uint16_t kInterestMail = 400;

// What a mail says. An empty optional room: the namespace alone.
struct InterestNews {
    Text nsp;
    std::optional<Text> room;
};
[[nodiscard]] std::string interest_mail(const InterestNews &news);
[[nodiscard]] std::optional<InterestNews> read_interest(Bytes body);

class HearingLine {
public:
    virtual ~HearingLine() = default;
    // Confirmed some time later. What was asked for before a connection is up is asked again then.
    virtual void subscribe(std::span<const Subscription> wanted) = 0;
    virtual void unsubscribe(std::span<const Subscription> left) = 0;
};

class Interest {
public:
    // `host`: the 4 characters with which the ids of its sockets begin.
    Interest(Dialect &dialect, shm::Roster &roster, HearingLine &hearing, Text host)
        : dialect_(dialect), roster_(roster), hearing_(hearing), host_(host) {}

    // Everything: these namespaces, those that the roster has, and those that were heard before.
    [[nodiscard]] std::vector<Subscription> all(std::span<const std::string> namespaces);

    // There is somebody new.
    void look(const InterestNews &news);

    // Lets go of rooms that nobody is in any more: some of them, and the next ones with the next call.
    void sweep(std::size_t most);

private:
    void look_at_namespace(Text nsp);
    void look_at_room(Text nsp, Text room);
    void add_rooms(std::vector<Subscription> &to);
    void add_room(std::vector<Subscription> &to, const shm::RoomRow &room);
    [[nodiscard]] bool is_own(Text room) const noexcept;

    Dialect &dialect_;
    shm::Roster &roster_;
    HearingLine &hearing_;
    std::string host_;
    std::set<std::string, std::less<>> namespaces_;
    using Room = std::pair<std::string, std::string>; // of a namespace
    std::map<Room, Subscription> rooms_;
    Room swept_; // the last one that was looked at
};

} // namespace rt::cluster
