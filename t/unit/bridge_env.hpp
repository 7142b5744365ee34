// SPDX-License-Identifier: BSD-2-Clause
// What tests of the bridge's parts share: the log, the table and the roster of a host in memory,
// the classic dialect as it is, and a Redis that the test moves.
#pragma once

#include "cluster/interest.hpp"
#include "cluster/log_bus.hpp"
#include "cluster/redis_line.hpp"
#include "cluster/zones.hpp"
#include "peer_env.hpp"
#include "roster_env.hpp"
#include "tap.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>

namespace rt::test {

inline constexpr Text kOurUid = "hostuid_-09";
inline constexpr Text kTheirUid = "farruid_-10";

struct Tallies final : hub::Metrics {
    void add(hub::Metric metric, std::int64_t amount) noexcept override {
        values[static_cast<std::size_t>(metric)] += amount;
    }
    [[nodiscard]] std::int64_t operator[](hub::Metric metric) const {
        return values[static_cast<std::size_t>(metric)];
    }
    std::array<std::int64_t, hub::kMetrics> values{};
};

struct Lines final : Log {
    void write(Level, Text line) override { all += std::string(line) + "\n"; }
    [[nodiscard]] bool enabled(Level) const noexcept override { return true; }
    std::string take() { return std::exchange(all, {}); }
    std::string all;
};

// The zone of a log, and what workers append to it.
class LogHost final : public cluster::Wakes {
public:
    explicit LogHost(std::size_t size = 1u << 20)
        : map_(size), zone(*cluster::LogZone::create(map_.memory(), 2, {1, 2})),
          bus({lock, zone.region}, zone.stream, *this) {
        zone.bridge.set_state(shm::BridgeState::joining);
        bus.number_by(zone.bridge);
        shm::Locked held(lock, zone.region);
        zone.bridge.begin(held, zone.stream.head());
    }

    hub::Position append(const hub::Envelope &envelope) {
        const Result<hub::Position> end = bus.publish(envelope);
        return end ? *end : 0;
    }
    hub::Position emit(const std::string &data, Text room = {}) {
        hub::Envelope envelope;
        envelope.nsp = "/";
        envelope.data = data;
        if (!room.empty()) {
            envelope.to = {room};
        }
        return append(envelope);
    }

    void wake_readers() override {}
    void wake_seat(shm::SeatRef) override {}
    void retry_mail() override {}

private:
    Mapping map_;

public:
    NoLock lock;
    cluster::LogZone zone;
    cluster::LogBus bus;
};

// The connection that publishes: what it took waits until the test answers it or ends it.
class Pipe final : public cluster::RedisLine {
public:
    struct Command {
        std::vector<std::string> words;
        cluster::Cookie cookie;
    };

    [[nodiscard]] bool is_up() const noexcept override { return up && hears; }
    bool send(std::span<const Text> command, cluster::Cookie cookie) override {
        if (!up || unanswered.size() >= room) {
            ++refused;
            return false;
        }
        unanswered.push_back({{command.begin(), command.end()}, cookie});
        return true;
    }

    // What was sent and not looked at, each behind a bar.
    [[nodiscard]] std::string text() const {
        std::string all;
        for (const Command &command : unanswered) {
            std::string line;
            for (const std::string &word : command.words) {
                line += (line.empty() ? "" : " ") + word;
            }
            all += "|" + line;
        }
        return all;
    }

    bool up = true;
    bool hears = true;
    std::size_t room = SIZE_MAX;
    int refused = 0;
    std::deque<Command> unanswered;
};

// The connection that hears.
class Ear final : public cluster::HearingLine {
public:
    void subscribe(std::span<const cluster::Subscription> wanted) override {
        ++subscribed;
        note("+", wanted);
    }
    void unsubscribe(std::span<const cluster::Subscription> left) override { note("-", left); }
    [[nodiscard]] std::uint64_t asked() const override { return subscribed; }
    [[nodiscard]] bool has_confirmed(std::uint64_t mark,
                                     std::span<const cluster::Subscription>) const override {
        return mark <= confirmed;
    }
    std::string take() { return std::exchange(told, {}); }

    std::string told;
    std::uint64_t subscribed = 0;
    std::uint64_t confirmed = UINT64_MAX;

private:
    void note(Text sign, std::span<const cluster::Subscription> all) {
        for (const cluster::Subscription &each : all) {
            told += std::string(sign) + each.name + " ";
        }
    }
};

inline std::vector<std::string> split_words(const std::string &text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

inline const Reply &good() {
    static const Reply reply(":1\r\n");
    return reply;
}

inline const Reply &refusal() {
    static const Reply reply("-NOPERM no\r\n");
    return reply;
}

inline std::unique_ptr<cluster::Dialect> classic(Text uid = kOurUid, bool rooms = false) {
    cluster::DialectSettings settings;
    settings.uid = uid;
    settings.host = uid.substr(0, 4);
    settings.rooms = rooms;
    return make_classic(settings);
}

// All that the log has from there on, a line for each.
inline std::string log_text(LogHost &host, hub::Position from) {
    static constexpr Text kOps[] = {"emit", "join", "leave",       "disconnect", "joined",
                                    "left", "gap",  "server_emit", "?"};
    std::string all;
    host.bus.replay(from, host.bus.head(), [&](const hub::Envelope &envelope, hub::Position) {
        all += std::string(kOps[static_cast<std::size_t>(envelope.op)]) +
               (envelope.remote || hub::is_note(envelope.op) ? "" : " of ours");
        for (const Text room : envelope.to) {
            all += " to " + std::string(room);
        }
        for (const Text room : envelope.rooms) {
            all += " room " + std::string(room);
        }
        all += envelope.data.empty() ? "" : " " + std::string(envelope.data);
        all += envelope.since == 0 ? "" : " since";
        all += "\n";
    });
    return all;
}

inline void add_socket(shm::Roster &roster, std::uint32_t number, Text nsp, std::vector<Text> rooms) {
    const auto connection = add_client(roster, sid_of(number));
    const auto socket =
        roster.add_socket(*connection, {.id = id_of(number), .nsp = nsp, .user = {}, .pid = {}});
    for (const Text room : rooms) {
        static_cast<void>(roster.join(*socket, room));
    }
    static_cast<void>(roster.set_connected(*socket));
}

inline void remove_socket(shm::Roster &roster, std::uint32_t number) {
    if (const auto found = roster.find_connection(sid_of(number)); found) {
        static_cast<void>(roster.remove_connection(found->ref));
    }
}

} // namespace rt::test
