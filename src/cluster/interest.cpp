// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/interest.hpp"

#include "hub/socket.hpp"

#include <algorithm>

namespace rt::cluster {

std::string interest_mail(const InterestNews &news) {
    std::string mail;
    Writer out(mail);
    out.put_text(news.nsp);
    out.put(static_cast<std::uint8_t>(news.room ? 1 : 0));
    out.put_text(news.room.value_or(Text()));
    out.put(news.number);
    return mail;
}

std::optional<InterestNews> read_interest(Bytes body) {
    Reader in(as_text(body));
    InterestNews news;
    news.nsp = in.get_text();
    const bool has_room = in.get<bool>();
    const Text room = in.get_text();
    news.number = in.get<std::uint64_t>();
    if (!in.ok() || !in.at_end()) {
        return std::nullopt;
    }
    news.room = has_room ? std::optional(room) : std::nullopt;
    return news;
}

std::vector<Subscription> Interest::all(std::span<const std::string> namespaces) {
    rooms_.clear();
    namespaces_.insert(namespaces.begin(), namespaces.end());
    shm::PageQuery page;
    do {
        const Result<shm::NamePage> names = ports_.roster.namespaces(page);
        if (!names) {
            break;
        }
        namespaces_.insert(names->rows.begin(), names->rows.end());
        page.cursor = names->next;
    } while (page.cursor != 0);
    std::vector<Subscription> wanted = ports_.dialect.always();
    for (const std::string &nsp : namespaces_) {
        const std::vector<Subscription> of_nsp = ports_.dialect.of_namespace(nsp);
        wanted.insert(wanted.end(), of_nsp.begin(), of_nsp.end());
    }
    if (ports_.dialect.follows_rooms()) {
        add_rooms(wanted);
        add_ids(wanted);
    }
    return wanted;
}

void Interest::add_rooms(Wanted &to) {
    shm::RoomQuery query;
    do {
        const Result<shm::RoomPage> page = ports_.roster.rooms(query);
        if (!page) {
            return;
        }
        for (const shm::RoomRow &room : page->rows) {
            add_room(to, {room.nsp, room.name}, is_own(room.name));
        }
        query.page.cursor = page->next;
    } while (query.page.cursor != 0);
}

// Where each socket has a channel of its own. The roster has no rooms for them.
void Interest::add_ids(Wanted &to) {
    shm::SocketQuery query;
    bool more = ports_.dialect.of_room("/", host_, true).has_value();
    while (more) {
        const Result<shm::SocketPage> page = ports_.roster.sockets(query);
        if (!page) {
            return;
        }
        for (const shm::SocketRow &socket : page->rows) {
            add_room(to, {socket.nsp, socket.id}, true);
        }
        query.page.cursor = page->next;
        more = page->next != 0;
    }
}

void Interest::add_room(Wanted &to, const Room &room, bool own) {
    std::optional<Subscription> wanted = ports_.dialect.of_room(room.first, room.second, own);
    if (wanted && rooms_.try_emplace(room, *wanted).second) {
        to.push_back(std::move(*wanted));
    }
}

void Interest::look(const InterestNews &news, shm::SeatRef who) {
    Wanted wanted = wanted_by(news);
    if (news.number == 0) {
        return;
    }
    std::optional<Room> room;
    if (news.room) {
        room.emplace(news.nsp, *news.room);
    }
    waits_.push({who, news.number, ports_.hearing.asked(), std::move(wanted), std::move(room)});
    settle();
}

Interest::Wanted Interest::wanted_by(const InterestNews &news) {
    if (news.nsp.empty()) {
        return {};
    }
    look_at_namespace(news.nsp);
    if (!news.room) {
        return ports_.dialect.of_namespace(news.nsp);
    }
    const std::optional<Subscription> of_room = look_at_room(news.nsp, *news.room);
    return of_room ? Wanted{*of_room} : Wanted();
}

void Interest::expect(Text nsp, std::span<const Text> rooms) {
    for (const Text room : rooms) {
        static_cast<void>(look_at_room(nsp, room));
    }
}

// In the order in which they told: so a number stands for all before it.
void Interest::settle() {
    while (!waits_.empty() && ports_.hearing.has_confirmed(waits_.front().mark, waits_.front().wanted)) {
        answer(true);
    }
    tell();
}

void Interest::give_up() {
    while (!waits_.empty()) {
        answer(false);
    }
    tell();
}

// Whoever joins later need not ask.
void Interest::answer(bool heard) {
    const Wait &wait = waits_.front();
    if (heard && wait.room) {
        ports_.roster.set_heard(wait.room->first, wait.room->second);
    }
    const auto known =
        std::ranges::find_if(answers_, [&](const auto &answer) { return answer.first == wait.who; });
    if (known != answers_.end()) {
        known->second = wait.number;
    } else {
        answers_.emplace_back(wait.who, wait.number);
    }
    waits_.pop();
}

void Interest::tell() {
    for (const auto &[who, number] : std::exchange(answers_, {})) {
        ports_.events.on_heard(who, number);
    }
}

// Once heard it is heard for ever: Node keeps its namespaces too.
void Interest::look_at_namespace(Text nsp) {
    if (!namespaces_.contains(nsp)) {
        namespaces_.emplace(nsp);
        ports_.hearing.subscribe(ports_.dialect.of_namespace(nsp));
    }
}

std::optional<Subscription> Interest::look_at_room(Text nsp, Text room) {
    std::optional<Subscription> channel = ports_.dialect.of_room(nsp, room, is_own(room));
    if (channel && rooms_.try_emplace(Room(nsp, room), *channel).second) {
        ports_.hearing.subscribe({&*channel, 1});
    }
    return channel;
}

// A kept socket may be in any room.
void Interest::sweep(std::size_t most, const OrderedRooms &ordered) {
    std::vector<Subscription> left;
    auto room = rooms_.upper_bound(swept_);
    for (; room != rooms_.end() && most > 0; --most) {
        swept_ = room->first;
        if (ports_.roster.concerns(swept_.first, swept_.second) || ordered.has(swept_.first, swept_.second)) {
            ++room;
            continue;
        }
        left.push_back(std::move(room->second));
        room = rooms_.erase(room);
    }
    if (room == rooms_.end()) {
        swept_ = {};
    }
    if (!left.empty()) {
        ports_.hearing.unsubscribe(left);
    }
}

bool Interest::is_own(Text room) const noexcept {
    return room.size() == hub::kIdLength && room.starts_with(host_) && ports_.roster.find_socket(room);
}

} // namespace rt::cluster
