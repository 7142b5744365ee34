// SPDX-License-Identifier: BSD-2-Clause
// What tests of src/hub share: rules written as words, a chain that waits until the test resumes
// it, a roster that can be looked at, and ports that count or do nothing.
#pragma once

#include "engine_env.hpp"
#include "hub/hub.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>

namespace rt::test {

// Handles of the chains that wait, in the order in which they began to.
inline std::vector<Handle> &waiting() {
    static std::vector<Handle> handles;
    return handles;
}

// The action `wait`: goes on when the test resumes it.
class Wait final : public hub::Action {
public:
    hub::Step run(hub::Run &run) const override {
        waiting().push_back(run.suspend());
        return hub::Step::wait;
    }
    [[nodiscard]] bool uses(hub::Variable) const noexcept override { return false; }
};

// What stands before its star, and one capture behind it.
class Prefix final : public hub::Pattern {
public:
    explicit Prefix(std::string text) : text_(std::move(text)), names_{"rest"} {}

    [[nodiscard]] const std::vector<std::string> &names() const noexcept override { return names_; }
    [[nodiscard]] const std::vector<Text> *match(Text subject) const override {
        if (!subject.starts_with(text_)) {
            return nullptr;
        }
        found_ = {subject.substr(text_.size())};
        return &found_;
    }

private:
    std::string text_;
    std::vector<std::string> names_;
    mutable std::vector<Text> found_;
};

// The rules of an application.
class Rules {
public:
    // `rule`: actions separated by `;`, words by single spaces; `wait` is a test's own.
    static hub::Chain chain(const std::string &rule, hub::Place place, hub::AppSettings &settings) {
        hub::Chain made;
        for (const std::string &line : split(rule, ';')) {
            const std::vector<std::string> words = split(line, ' ');
            if (words[0] == "wait") {
                made.actions.push_back(std::make_unique<const Wait>());
            } else if (!words[0].empty()) {
                const std::vector<Text> args(words.begin() + 1, words.end());
                const std::vector<std::string> names{"rest"};
                const hub::CompileScope scope{&settings.captured, &names, nullptr};
                hub::MadeAction action = hub::make_action(*hub::find_action(words[0]), {args, scope, place});
                auto *good = std::get_if<std::unique_ptr<const hub::Action>>(&action);
                if (good == nullptr) {
                    ok(false, line + ": compiles");
                    continue;
                }
                made.actions.push_back(std::move(*good));
            }
        }
        return made;
    }

    // A namespace; a star at the end of its path makes it a pattern.
    Rules &nsp(const std::string &path, const std::string &connect = "", const std::string &disconnect = "") {
        auto made = std::make_unique<hub::NamespaceSettings>();
        if (path.back() == '*') {
            made->pattern = std::make_unique<Prefix>(path.substr(0, path.size() - 1));
        } else {
            made->path = path;
        }
        made->connect = chain(connect, hub::Place::connect, settings);
        made->disconnect = chain(disconnect, hub::Place::disconnect, settings);
        settings.namespaces.push_back(std::move(made));
        return *this;
    }

    // A rule of the last namespace.
    Rules &on(const std::string &event, const std::string &rule) {
        hub::EventRule made;
        made.event = event;
        made.chain = chain(rule, hub::Place::event, settings);
        settings.namespaces.back()->events.push_back(std::move(made));
        return *this;
    }

    Rules &user(const std::string &value) {
        auto made = hub::Value::compile(value, {});
        settings.user = std::move(*std::get_if<hub::Value>(&made));
        return *this;
    }

    hub::AppSettings settings;
};

// The roster of the host.
struct Roster {
    struct Connection {
        std::string sid;
        std::uint32_t home;
    };
    struct Socket {
        std::uint32_t connection;
        std::string id;
        std::set<std::string> rooms;
        std::string nsp, user, pid;
        std::uint64_t since = 0;
        Millis until = 0; // of a kept one
    };

    std::map<std::uint32_t, Connection> connections;
    std::map<std::uint32_t, Socket> sockets;
    std::map<std::string, Socket> kept; // by id
    std::set<std::uint32_t> attended;
    std::uint32_t serial = 0;
    bool full = false;

    [[nodiscard]] std::optional<std::uint32_t> home_of(Text sid) const {
        for (const auto &[key, connection] : connections) {
            if (connection.sid == sid) {
                return connection.home;
            }
        }
        return std::nullopt;
    }

    // As Roster::concerns of src/shm.
    [[nodiscard]] bool concerns(Text nsp, Text room) const {
        const auto means = [&](const auto &entry) {
            const Socket &socket = entry.second;
            return socket.nsp == nsp && (socket.id == room || socket.rooms.count(std::string(room)) != 0);
        };
        return !kept.empty() || !attended.empty() || std::any_of(sockets.begin(), sockets.end(), means);
    }
};

class RosterView final : public hub::Directory {
public:
    RosterView(Roster &roster, std::uint32_t seat) : roster_(roster), seat_(seat) {}

    Result<hub::RecordRef> add_connection(Text sid, const hub::Handshake &, engine::TransportKind) override {
        if (roster_.full) {
            return {Code::full, "no room"};
        }
        roster_.connections[++roster_.serial] = {std::string(sid), seat_};
        return hub::RecordRef{1, roster_.serial};
    }
    void set_transport(hub::RecordRef, engine::TransportKind) override {}
    void settle(hub::RecordRef connection) override { hand_over(connection, seat_, 1); }
    void hand_over(hub::RecordRef connection, std::uint32_t seat, std::uint32_t) override {
        if (const auto found = roster_.connections.find(connection.serial);
            found != roster_.connections.end()) {
            found->second.home = seat;
        }
    }
    void remove_connection(hub::RecordRef connection) override {
        roster_.connections.erase(connection.serial);
        std::erase_if(roster_.sockets,
                      [&](const auto &entry) { return entry.second.connection == connection.serial; });
    }
    Result<hub::RecordRef> add_socket(hub::RecordRef connection, const hub::SocketText &socket) override {
        if (roster_.full) {
            return {Code::full, "no room"};
        }
        roster_.sockets[++roster_.serial] = {
            connection.serial,        std::string(socket.id),  {},          std::string(socket.nsp),
            std::string(socket.user), std::string(socket.pid), socket.since};
        return hub::RecordRef{2, roster_.serial};
    }
    void set_connected(hub::RecordRef) override {}
    void remove_socket(hub::RecordRef socket) override { roster_.sockets.erase(socket.serial); }
    Result<std::uint32_t> join(hub::RecordRef socket, Text room) override {
        if (roster_.full) {
            return {Code::full, "no room"};
        }
        if (const auto found = roster_.sockets.find(socket.serial); found != roster_.sockets.end()) {
            found->second.rooms.emplace(room);
        }
        std::uint32_t members = 0;
        for (const auto &[key, each] : roster_.sockets) {
            members += static_cast<std::uint32_t>(each.rooms.count(std::string(room)));
        }
        return members;
    }
    void leave(hub::RecordRef socket, Text room) override {
        if (const auto found = roster_.sockets.find(socket.serial); found != roster_.sockets.end()) {
            found->second.rooms.erase(std::string(room));
        }
    }
    Result<void> keep(hub::RecordRef socket, Millis until) override {
        if (keeper != nullptr) {
            return keeper->keep(socket, until);
        }
        const auto found = roster_.sockets.find(socket.serial);
        if (found == roster_.sockets.end() || found->second.pid.empty() || roster_.full) {
            return {Code::full, "not kept"};
        }
        found->second.until = until;
        roster_.kept[found->second.id] = found->second;
        roster_.sockets.erase(found);
        return {};
    }
    Result<hub::KeptSocket> claim(const hub::ClaimText &claim, Millis now) override {
        const auto found = roster_.kept.find(std::string(claim.id));
        if (found == roster_.kept.end() || found->second.until <= now) {
            return {Code::not_found, "not kept"};
        }
        if (!fits(found->second, claim)) {
            return {Code::forbidden, "another's"};
        }
        const Roster::Socket kept = found->second;
        roster_.kept.erase(found);
        return hub::KeptSocket{kept.since, {kept.rooms.begin(), kept.rooms.end()}};
    }
    Result<hub::LiveSession> find_claimed(const hub::ClaimText &claim) override {
        for (const auto &[key, socket] : roster_.sockets) {
            if (socket.id != claim.id) {
                continue;
            }
            if (!fits(socket, claim)) {
                return {Code::forbidden, "another's"};
            }
            const Roster::Connection &at = roster_.connections[socket.connection];
            return hub::LiveSession{at.sid, at.home, 1};
        }
        return {Code::not_found, "no such socket"};
    }
    Result<hub::RecordRef> attend(Millis) override {
        if (roster_.full) {
            return {Code::full, "no room"};
        }
        roster_.attended.insert(++roster_.serial);
        return hub::RecordRef{3, roster_.serial};
    }
    [[nodiscard]] bool attends(hub::RecordRef attention) override {
        return roster_.attended.count(attention.serial) != 0;
    }
    bool let_go(hub::RecordRef attention) override { return roster_.attended.erase(attention.serial) != 0; }
    [[nodiscard]] hub::Attention &attention() noexcept override { return attention_; }
    [[nodiscard]] bool knows_socket(Text id) override {
        return std::any_of(roster_.sockets.begin(), roster_.sockets.end(),
                           [&](const auto &entry) { return entry.second.id == id; });
    }

    hub::Directory *keeper = nullptr; // where the records are that are to be kept, if not here

private:
    static bool fits(const Roster::Socket &socket, const hub::ClaimText &claim) {
        return socket.pid == claim.pid && socket.nsp == claim.nsp && socket.user == claim.user;
    }

    Roster &roster_;
    std::uint32_t seat_;
    hub::Attention attention_{*this};
};

struct Counts final : hub::Metrics {
    void add(hub::Metric metric, std::int64_t amount) noexcept override {
        values[static_cast<std::size_t>(metric)] += amount;
    }
    [[nodiscard]] std::int64_t operator[](hub::Metric metric) const {
        return values[static_cast<std::size_t>(metric)];
    }
    std::array<std::int64_t, hub::kMetrics> values{};
};

// What an asker is told, behind the number of its slot.
struct Told final : hub::Replies {
    void asked(const hub::AskerId &asker, std::span<const Text> sids) override {
        begin(asker) += "asked";
        for (const Text sid : sids) {
            text += " " + std::string(sid);
        }
    }
    void arrived(const hub::AskerId &asker, Text sid) override {
        begin(asker) += "arrived " + std::string(sid);
    }
    void departed(const hub::AskerId &asker, Text sid) override {
        begin(asker) += "departed " + std::string(sid);
    }
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override {
        begin(asker) += std::string(sid) + " " + args.json;
        for (const Bytes attachment : args.attachments) {
            text += "<" + std::string(as_text(attachment)) + ">";
        }
    }
    std::string take() { return std::exchange(text, {}); }

    std::string &begin(const hub::AskerId &asker) {
        return text += (text.empty() ? "" : "; ") + std::to_string(asker.slot.index) + ": ";
    }
    std::string text;
};

// To whoever the test says.
struct Passing final : hub::Replies {
    explicit Passing(hub::Replies &first) : to(&first) {}
    void asked(const hub::AskerId &asker, std::span<const Text> sids) override { to->asked(asker, sids); }
    void arrived(const hub::AskerId &asker, Text sid) override { to->arrived(asker, sid); }
    void departed(const hub::AskerId &asker, Text sid) override { to->departed(asker, sid); }
    void answered(const hub::AskerId &asker, Text sid, const hub::Payload &args) override {
        to->answered(asker, sid, args);
    }
    hub::Replies *to;
};

struct Dice final : Random {
    explicit Dice(std::uint32_t seed) : random(seed) {}
    void fill(MutableBytes out) override {
        std::generate(out.begin(), out.end(), [&] { return static_cast<std::uint8_t>(random()); });
    }
    std::mt19937 random;
};

struct Quiet final : Log {
    void write(Level, Text) override {}
    [[nodiscard]] bool enabled(Level) const noexcept override { return false; }
};

} // namespace rt::test
