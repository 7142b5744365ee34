// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/interest.hpp"

#include "hub/socket.hpp"

namespace rt::cluster {

std::string interest_mail(const InterestNews &news) {
    std::string mail;
    Writer out(mail);
    out.put_text(news.nsp);
    out.put(static_cast<std::uint8_t>(news.room ? 1 : 0));
    out.put_text(news.room.value_or(Text()));
    return mail;
}

std::optional<InterestNews> read_interest(Bytes body) {
    Reader in(as_text(body));
    InterestNews news;
    news.nsp = in.get_text();
    const bool has_room = in.get<bool>();
    const Text room = in.get_text();
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
        const Result<shm::NamePage> names = roster_.namespaces(page);
        if (!names) {
            break;
        }
        namespaces_.insert(names->rows.begin(), names->rows.end());
        page.cursor = names->next;
    } while (page.cursor != 0);
    std::vector<Subscription> wanted = dialect_.always();
    for (const std::string &nsp : namespaces_) {
        const std::vector<Subscription> of_nsp = dialect_.of_namespace(nsp);
        wanted.insert(wanted.end(), of_nsp.begin(), of_nsp.end());
    }
    if (dialect_.follows_rooms()) {
        add_rooms(wanted);
    }
    return wanted;
}

void Interest::add_rooms(std::vector<Subscription> &to) {
    shm::RoomQuery query;
    do {
        const Result<shm::RoomPage> page = roster_.rooms(query);
        if (!page) {
            return;
        }
        for (const shm::RoomRow &room : page->rows) {
            add_room(to, room);
        }
        query.page.cursor = page->next;
    } while (query.page.cursor != 0);
}

void Interest::add_room(std::vector<Subscription> &to, const shm::RoomRow &room) {
    std::optional<Subscription> wanted = dialect_.of_room(room.nsp, room.name, is_own(room.name));
    if (wanted && rooms_.try_emplace({room.nsp, room.name}, *wanted).second) {
        to.push_back(std::move(*wanted));
    }
}

void Interest::look(const InterestNews &news) {
    look_at_namespace(news.nsp);
    if (news.room && dialect_.follows_rooms()) {
        look_at_room(news.nsp, *news.room);
    }
}

// Once heard it is heard for ever: Node keeps its namespaces too.
void Interest::look_at_namespace(Text nsp) {
    if (!namespaces_.contains(nsp)) {
        namespaces_.emplace(nsp);
        hearing_.subscribe(dialect_.of_namespace(nsp));
    }
}

void Interest::look_at_room(Text nsp, Text room) {
    const std::optional<Subscription> channel = dialect_.of_room(nsp, room, is_own(room));
    if (!channel) {
        return;
    }
    const std::pair<std::string, std::string> key{nsp, room};
    if (rooms_.try_emplace(key, *channel).second) {
        hearing_.subscribe({&*channel, 1});
    }
}

// A kept socket may be in any room.
void Interest::sweep(std::size_t most) {
    std::vector<Subscription> left;
    auto room = rooms_.upper_bound(swept_);
    for (; room != rooms_.end() && most > 0; --most) {
        swept_ = room->first;
        if (roster_.concerns(swept_.first, swept_.second)) {
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
        hearing_.unsubscribe(left);
    }
}

bool Interest::is_own(Text room) const noexcept {
    return room.size() == hub::kIdLength && room.starts_with(host_) && roster_.find_socket(room);
}

} // namespace rt::cluster
