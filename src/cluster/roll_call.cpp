// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/roll_call.hpp"

#include "base/calendar.hpp"
#include "base/text.hpp"
#include "wire/json_write.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace rt::cluster {

namespace json = wire::json;

namespace {

// The roster compares every socket with each of so many rooms, under its lock. Where there are
// more it lists all sockets, and those that are meant are found here.
constexpr std::size_t kFew = 4;

std::vector<std::string> copies(const std::vector<Text> &texts) { return {texts.begin(), texts.end()}; }

std::span<const Text> few(const std::vector<Text> &rooms) {
    return rooms.size() <= kFew ? std::span<const Text>(rooms) : std::span<const Text>();
}

void append_two(std::string &out, std::uint64_t value) {
    out += value < 10 ? "0" : "";
    append_number(out, value);
}

// As Node joins headers that repeat.
void append_headers(std::string &out, const std::vector<shm::Header> &headers) {
    out += '{';
    for (auto header = headers.begin(); header != headers.end(); ++header) {
        const auto same = [&](const shm::Header &other) { return other.name == header->name; };
        if (std::any_of(headers.begin(), header, same)) {
            continue;
        }
        std::string value = header->value;
        for (auto other = header + 1; other != headers.end(); ++other) {
            value += same(*other) ? ", " + other->value : "";
        }
        out += header == headers.begin() ? "" : ",";
        json::append_string(out, header->name);
        out += ':';
        json::append_string(out, value);
    }
    out += '}';
}

void append_handshake(std::string &out, const shm::Handshake &handshake, Text auth) {
    out += "{\"headers\":";
    append_headers(out, handshake.headers);
    out += ",\"time\":\"" + date_text(handshake.created);
    out += "\",\"address\":";
    json::append_string(out, handshake.address);
    out += handshake.xdomain ? ",\"xdomain\":true" : ",\"xdomain\":false";
    out += handshake.secure ? ",\"secure\":true" : ",\"secure\":false";
    out += ",\"issued\":";
    json::append_integer(out, handshake.created);
    out += ",\"url\":";
    json::append_string(out, handshake.url);
    out += ",\"query\":" + query_json(handshake.query);
    out += ",\"auth\":";
    out += auth;
    out += '}';
}

void append_socket(std::string &out, const shm::SocketRow &row) {
    out += out.size() == 1 ? "{\"id\":" : ",{\"id\":";
    json::append_string(out, row.id);
    out += ",\"handshake\":";
    append_handshake(out, row.handshake.value_or(shm::Handshake{}), row.auth);
    out += ",\"rooms\":[";
    json::append_string(out, row.id);
    for (const std::string &room : row.rooms) {
        out += ',';
        json::append_string(out, room);
    }
    out += "],\"data\":{}}";
}

struct QueryMember {
    std::string name;
    std::string values; // JSON, joined by commas
    unsigned count = 0;
};

// Each is compared with those before it: no more are kept than anybody means to send.
constexpr std::size_t kMostMembers = 64;

void add_member(std::vector<QueryMember> &members, Text part) {
    const auto [name, value] = split_once(part, '=');
    std::string plain = percent_decode(name, true);
    auto member = std::ranges::find(members, plain, &QueryMember::name);
    if (member == members.end()) {
        if (members.size() == kMostMembers) {
            return;
        }
        member = members.insert(member, {std::move(plain), {}, 0});
    }
    member->values += member->count++ == 0 ? "" : ",";
    json::append_string(member->values, percent_decode(value, true));
}

} // namespace

RollCall::RollCall(shm::Roster &roster, const PeerMessage &question, std::size_t most)
    : roster_(roster), asks_(question.says), asker_(question.uid), nsp_(question.nsp),
      request_id_(question.request_id), to_(copies(question.envelope.to)),
      except_(copies(question.envelope.except)), to_views_(to_.begin(), to_.end()),
      except_views_(except_.begin(), except_.end()), rooms_left_(asks_ == Says::list_rooms), most_(most) {
    std::ranges::sort(to_views_);
    std::ranges::sort(except_views_);
}

bool RollCall::step() {
    if (done_) {
        return false;
    }
    const bool more = rooms_left_ ? step_rooms() : step_sockets();
    if (is_too_big()) {
        done_ = true;
        return false;
    }
    if (!more && !std::exchange(rooms_left_, false)) {
        done_ = true;
        json_ += ']';
    }
    return !done_;
}

bool RollCall::step_rooms() {
    const Result<shm::RoomPage> page = roster_.rooms({{cursor_, kStep}, nsp_});
    if (!page) {
        return false;
    }
    for (const shm::RoomRow &row : page->rows) {
        put(row.name);
    }
    cursor_ = page->next;
    return cursor_ != 0;
}

bool RollCall::step_sockets() {
    const shm::SocketQuery query{.page = {cursor_, kStep},
                                 .nsp = nsp_,
                                 .to = few(to_views_),
                                 .except = few(except_views_),
                                 .connected = true,
                                 .with_handshake = asks_ == Says::fetch};
    const Result<shm::SocketPage> page = roster_.sockets(query);
    if (!page) {
        return false;
    }
    for (const shm::SocketRow &row : page->rows) {
        if (!is_left_out(row)) {
            put(row);
        }
    }
    if (cursor_ == 0 && page->next != 0 && to_.empty()) {
        foresee(page->rows.size());
    }
    cursor_ = page->next;
    return cursor_ != 0;
}

// Megabytes that are copied whenever the text grows would make single steps long. What is foreseen
// and not used is never touched.
void RollCall::foresee(std::size_t rows) {
    const std::size_t sockets = roster_.counts().sockets;
    json_.reserve(std::min(json_.size() / std::max<std::size_t>(rows, 1) * sockets * 5 / 4, most_));
    seen_.reserve(sockets);
}

// A socket that came back to its id meanwhile may be met twice.
void RollCall::put(const shm::SocketRow &row) {
    if (!is_meant(row) || !seen_.insert(row.id).second) {
        return;
    }
    if (asks_ == Says::fetch) {
        append_socket(json_, row);
        bytes_ = json_.size();
    } else {
        put(row.id);
    }
}

void RollCall::put(const std::string &text) {
    texts_.push_back(text);
    bytes_ += text.size() + 3;
}

void RollCall::include(const std::vector<shm::SocketRow> &rows) {
    if (done_) {
        return; // it waits to be said, and has them
    }
    for (const shm::SocketRow &row : rows) {
        if (row.nsp == nsp_ && row.connected) {
            put(row);
            put_rooms(row);
        }
    }
}

void RollCall::put_rooms(const shm::SocketRow &row) {
    if (asks_ == Says::list_rooms) {
        for (const std::string &room : row.rooms) {
            put(room);
        }
    }
}

bool RollCall::is_left_out(const shm::SocketRow &row) const {
    if (left_out_.empty()) {
        return false;
    }
    const Result<shm::ConnectionRow> connection = roster_.connection(row.at.connection.ref);
    return connection && left_out_.contains(connection->sid);
}

bool RollCall::is_meant(const shm::SocketRow &row) const {
    const auto is_in = [&](const std::vector<Text> &rooms) {
        const auto wanted = [&](Text room) { return std::ranges::binary_search(rooms, room); };
        return wanted(row.id) || std::ranges::any_of(row.rooms, wanted);
    };
    return (to_views_.empty() || is_in(to_views_)) && (except_views_.empty() || !is_in(except_views_));
}

PeerMessage RollCall::answer() const {
    PeerMessage answer;
    answer.nsp = nsp_;
    answer.request_id = request_id_;
    switch (asks_) {
    case Says::fetch:
        answer.says = Says::fetched;
        answer.envelope.data = json_;
        break;
    case Says::list_rooms:
        answer.says = Says::rooms;
        break;
    default:
        answer.says = Says::ids;
    }
    answer.texts.assign(texts_.begin(), texts_.end());
    return answer;
}

std::string date_text(std::int64_t moment) {
    constexpr std::array<Text, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<Text, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const Moment at = moment_of(std::max<std::int64_t>(moment, 0));
    std::string out(kDays[at.weekday]);
    out += ' ';
    out += kMonths[at.month - 1];
    out += ' ';
    append_two(out, at.day);
    out += ' ';
    append_number(out, static_cast<std::uint64_t>(at.year));
    out += ' ';
    append_two(out, at.hour);
    out += ':';
    append_two(out, at.minute);
    out += ':';
    append_two(out, at.second);
    return out + " GMT+0000 (Coordinated Universal Time)";
}

std::string query_json(Text query) {
    std::vector<QueryMember> members;
    split_each(query, '&', [&](Text part) {
        if (!part.empty()) {
            add_member(members, part);
        }
    });
    std::string out = "{";
    for (const QueryMember &member : members) {
        out += out.size() == 1 ? "" : ",";
        json::append_string(out, member.name);
        out += member.count > 1 ? ":[" : ":";
        out += member.values;
        out += member.count > 1 ? "]" : "";
    }
    return out + '}';
}

} // namespace rt::cluster
