// SPDX-License-Identifier: BSD-2-Clause
// What tests of src/hub and src/cluster share: a host of some workers over one log and one set of
// mailboxes in memory, and clients of theirs.
#pragma once

#include "cluster/homes.hpp"
#include "cluster/zones.hpp"
#include "hub_env.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace rt::test {

struct FreeLock final : shm::Lock {
    void lock() noexcept override {}
    void unlock() noexcept override {}
};

// The memory of the host's workers.
class HostMemory {
public:
    HostMemory(std::size_t size, std::uint32_t seats) : bytes_(size + shm::kLine) {
        const std::size_t past = std::bit_cast<std::uintptr_t>(bytes_.data()) % shm::kLine;
        const MutableBytes memory = MutableBytes(bytes_).subspan(shm::kLine - past, size);
        zone_.emplace(*cluster::LogZone::create(memory, seats, {1, 2}));
        shm::Locked held(lock, zone_->region);
        for (std::uint32_t seat = 0; seat < seats; ++seat) {
            static_cast<void>(zone_->boxes.open(held, {seat, 1}));
        }
    }

    [[nodiscard]] cluster::Place place() { return {lock, zone_->region}; }
    [[nodiscard]] cluster::LogZone &zone() { return *zone_; }

    FreeLock lock;

private:
    std::vector<std::uint8_t> bytes_;
    std::optional<cluster::LogZone> zone_;
};

// What one worker's Homes ask of the roster.
class Finder final : public cluster::HomeFinder {
public:
    Finder(Roster &roster, std::uint32_t seat) : roster_(roster), seat_(seat) {}

    [[nodiscard]] std::optional<shm::SeatRef> home_of(Text sid) override {
        const std::optional<std::uint32_t> home = roster_.home_of(sid);
        return home ? std::optional(shm::SeatRef{*home, 1}) : std::nullopt;
    }
    void disown(Text sid) override {
        std::erase_if(roster_.connections, [&](const auto &entry) {
            return entry.second.sid == sid && entry.second.home == seat_;
        });
    }

private:
    Roster &roster_;
    std::uint32_t seat_;
};

// One worker. Nothing of it happens by itself: deliver() reads the log, mail() the mailbox.
class Worker final : public cluster::Wakes, public cluster::HomeEvents, public engine::Turn {
public:
    struct Setup {
        HostMemory &memory;
        Roster &roster;
        const hub::AppSettings &settings;
        std::uint32_t seat;
        std::string name = "host"; // with which its ids begin
    };

    explicit Worker(const Setup &setup)
        : seat(setup.seat), directory(setup.roster, setup.seat), finder(setup.roster, setup.seat),
          random(setup.seat + 1 + static_cast<std::uint32_t>(setup.name[0]) * 100),
          bus(setup.memory.place(), setup.memory.zone().stream, *this),
          post(setup.memory.place(), setup.memory.zone().boxes, {setup.seat, 1}, *this),
          homes({setup.seat, 1}, post, bus, *this),
          hub(setup.settings, {setup.name, "node", std::to_string(setup.seat), setup.name + ".epoch"},
              {bus,
               directory,
               passing,
               counts,
               random,
               log,
               {deadlines, homes, *this},
               [this] { ++reaps; },
               &homes}) {
        bus.attach(hub);
        homes.attach(hub, finder);
    }

    // The end of a turn of the event loop.
    void end_turn(Millis now) {
        hub.recover(now);
        flush(now);
        hub.reap();
    }

    void deliver(Millis now) {
        while (bus.drain(100, now)) {
        }
        end_turn(now);
    }

    void mail(Millis now) {
        post.receive(letters != nullptr ? *letters : homes, now);
        homes.go_on(now);
        end_turn(now);
    }

    void wake_readers() override {}
    void wake_seat(shm::SeatRef) override {}
    void retry_mail() override { retry = true; }

    void on_answer(Handle exchange, const engine::Answer &answer) override {
        if (answered) {
            answered(exchange, answer);
        }
    }
    void on_probe(Handle exchange, bool accepted, Millis) override {
        if (probed) {
            probed(exchange, accepted);
        }
    }
    void on_arrival(Handle exchange, hub::Connection *connection, Millis) override {
        if (arrived) {
            arrived(exchange, connection);
        }
    }
    void on_wanted(shm::SeatRef home) override { wanted.push_back(home.index); }

    std::uint32_t seat;
    cluster::MailEvents *letters = nullptr; // who reads the mail, if not the homes
    int reaps = 0;
    bool retry = false;
    std::vector<std::uint32_t> wanted; // seats that were suspected
    std::function<void(Handle, const engine::Answer &)> answered;
    std::function<void(Handle, bool)> probed;
    std::function<void(Handle, hub::Connection *)> arrived;
    RosterView directory;
    Finder finder;
    Told replies;
    Passing passing{replies};
    Counts counts;
    Dice random;
    Quiet log;
    Deadlines deadlines;
    cluster::LogBus bus;
    cluster::PostOffice post;
    cluster::Homes homes;
    hub::Hub hub;

private:
    void arm() override {}
};

// A client with a WebSocket at one worker. `heard()` is what it got since the last time.
class Peer final : public engine::WsPort {
public:
    Peer(Worker &worker, const engine::SessionSettings &settings, Text captured = {}) : worker_(worker) {
        hub::Birth birth;
        birth.settings = &settings;
        birth.transport = engine::TransportKind::websocket;
        birth.captured = captured;
        connection_ = *worker.hub.open(birth);
        connection_->session().start_websocket(*this, 0);
        connection_->start(0);
        worker.end_turn(0);
        heard();
    }

    Peer(const Peer &) = delete;
    Peer &operator=(const Peer &) = delete;

    // Packets one after the other, then the turn ends.
    void say(std::initializer_list<Text> packets, Millis now = 0) {
        for (const Text packet : packets) {
            if (connection_ != nullptr) {
                connection_->session().on_ws_text(packet, now);
            }
        }
        worker_.end_turn(now);
    }

    void hang_up(Millis now = 0) {
        std::exchange(connection_, nullptr)
            ->session()
            .on_ws_closed(engine::CloseReason::transport_close, now);
        worker_.end_turn(now);
    }

    // The socket id in the answer to CONNECT is shown as SID, its pid as PID; an offset as @.
    std::string heard() {
        std::string told = std::exchange(heard_, {});
        for (std::size_t at = told.find("\"pid\":\"host"); at != std::string::npos;
             at = told.find("\"pid\":\"host", at + 1)) {
            pid = told.substr(at + 7, 32);
            told.replace(at + 7, 32, "PID");
        }
        for (std::size_t at = told.find("host.epoch."); at != std::string::npos;
             at = told.find("host.epoch.")) {
            const std::size_t end = told.find('"', at);
            offset = told.substr(at, end - at);
            told.replace(at, end - at, "@");
        }
        for (std::size_t at = told.find("{\"sid\":\"host"); at != std::string::npos;
             at = told.find("{\"sid\":\"host", at + 1)) {
            sid = told.substr(at + 8, 20);
            told.replace(at + 8, 20, "SID");
        }
        return told;
    }

    [[nodiscard]] hub::Connection *connection() const { return connection_; }

    [[nodiscard]] Ref<wire::Frame> form(const Ref<wire::Frame> &frame) override { return frame; }
    void write(engine::OutQueue &queue) override {
        while (!queue.empty() && room >= queue[0].size()) {
            queue[0].each_part([&](bool binary, Bytes payload) {
                heard_ += (heard_.empty() ? "" : " ") + (binary ? "<" + std::string(as_text(payload)) + ">"
                                                                : std::string(as_text(payload)));
            });
            room -= room == SIZE_MAX ? 0 : queue[0].size();
            queue.pop();
        }
        waits_ = !queue.empty();
    }
    [[nodiscard]] bool blocked() const noexcept override { return waits_; }
    void shut(engine::OutQueue &&rest, std::uint16_t status) override {
        connection_ = nullptr;
        room = SIZE_MAX;
        engine::OutQueue last(std::move(rest));
        write(last);
        heard_ += (heard_.empty() ? "" : " ") + ("shut" + std::to_string(status));
    }

    std::string sid;             // of the last CONNECT
    std::string pid;             // of the last CONNECT
    std::string offset;          // of the last event that had one
    std::size_t room = SIZE_MAX; // bytes that the socket still takes

private:
    Worker &worker_;
    hub::Connection *connection_ = nullptr;
    std::string heard_;
    bool waits_ = false;
};

// Workers of one host, and their rules.
class Host {
public:
    Host(Rules &rules, std::uint32_t workers, std::size_t memory = 1u << 20, std::string name = "host")
        : memory_(memory, std::max(workers, 2u)) {
        for (std::uint32_t seat = 0; seat < workers; ++seat) {
            workers_.push_back(
                std::make_unique<Worker>(Worker::Setup{memory_, roster, rules.settings, seat, name}));
        }
        session.ping_interval = 1000000;
    }

    Worker &operator[](std::size_t seat) { return *workers_[seat]; }
    [[nodiscard]] std::size_t size() const { return workers_.size(); }
    [[nodiscard]] HostMemory &memory() { return memory_; }

    void deliver(Millis now = 0) {
        for (const auto &worker : workers_) {
            worker->deliver(now);
        }
    }

    // Until nobody has mail any more.
    void mail(Millis now = 0) {
        for (bool more = true; more;) {
            more = false;
            for (const auto &worker : workers_) {
                worker->mail(now);
                if (std::exchange(worker->retry, false)) {
                    worker->post.retry();
                    more = true;
                }
            }
            more = more || std::any_of(workers_.begin(), workers_.end(),
                                       [](const auto &worker) { return worker->post.has_mail(); });
        }
    }

    Roster roster;
    engine::SessionSettings session;

private:
    HostMemory memory_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

} // namespace rt::test
