// SPDX-License-Identifier: BSD-2-Clause
// Workers that ask and report, for tests of questions. Mail is delivered when the test says so.
#pragma once

#include "cluster/questions.hpp"
#include "host_env.hpp"

#include <algorithm>
#include <functional>
#include <memory>

namespace rt::test {

inline constexpr std::uint16_t kImage = 50; // mail of another kind, a session on its way

inline std::string sid(int number) {
    std::string text = "host000000000000" + std::to_string(1000 + number);
    return text;
}

class Asker final : public cluster::Wakes, public cluster::QuestionEvents, public cluster::MailEvents {
public:
    Asker(HostMemory &memory, std::uint32_t seat_)
        : seat{seat_, 1}, post(memory.place(), memory.zone().boxes, seat, *this),
          questions(seat, post, deadlines, *this) {}

    [[nodiscard]] std::vector<shm::SeatRef> readers() override { return all; }
    void on_answers(Handle by, const cluster::Answers &answers) override {
        ended += "#" + std::to_string(by.index) + " " + answers.answers + answers.missing;
        if (answers.abroad) {
            const cluster::PeerTally &peers = answers.peers;
            ended += " abroad " + (peers.counted == 0 ? "?" : std::to_string(peers.missing_servers())) + "/" +
                     std::to_string(peers.missing_clients());
        }
    }
    void bring_in() override {
        if (const auto coming = std::exchange(under_way, {}); coming) {
            coming();
        }
    }
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes body, Millis now) override {
        if (kind >= cluster::kQuestionMail) {
            questions.on_mail(from, kind, body, now);
        } else if (arrival) {
            arrival();
        }
    }
    void wake_readers() override {}
    void wake_seat(shm::SeatRef) override {}
    void retry_mail() override {}

    void mail() {
        if (alive) {
            post.retry();
            post.receive(*this, 0);
        }
    }
    // What it was told since the last time.
    std::string take() { return std::exchange(ended, {}); }

    shm::SeatRef seat;
    std::vector<shm::SeatRef> all; // workers
    Deadlines deadlines;
    cluster::PostOffice post;
    cluster::Questions questions;
    std::string ended;
    bool alive = true;
    std::function<void()> arrival;
    std::function<void()> under_way; // with its socket, not by mail
};

class Askers {
public:
    explicit Askers(std::uint32_t workers) : memory_(4u << 20, workers) {
        for (std::uint32_t seat = 0; seat < workers; ++seat) {
            workers_.push_back(std::make_unique<Asker>(memory_, seat));
        }
        std::vector<shm::SeatRef> all;
        for (const auto &worker : workers_) {
            all.push_back(worker->seat);
        }
        for (const auto &worker : workers_) {
            worker->all = all;
        }
    }

    Asker &operator[](std::size_t seat) { return *workers_[seat]; }

    // The first worker asks all of them.
    hub::AskerId ask(std::uint32_t timeout = 5000, std::uint32_t by = 7) {
        return workers_[0]->questions.open({.by = {by, 1}, .timeout = timeout}, 0);
    }

    void asks(std::size_t worker, const hub::AskerId &asker, std::initializer_list<int> sockets) {
        std::vector<std::string> ids;
        for (const int socket : sockets) {
            ids.push_back(sid(socket));
        }
        workers_[worker]->questions.asked(asker, std::vector<Text>(ids.begin(), ids.end()));
    }

    void answers(std::size_t worker, const hub::AskerId &asker, int socket, std::string json,
                 std::vector<Bytes> attachments) {
        workers_[worker]->questions.answered(asker, sid(socket), {std::move(json), std::move(attachments)});
    }
    void answers(std::size_t worker, const hub::AskerId &asker, int socket, std::string json) {
        answers(worker, asker, socket, std::move(json), std::vector<Bytes>());
    }

    // Until all who live have read theirs.
    void mail() {
        const auto reads = [](const auto &worker) { return worker->alive && worker->post.has_mail(); };
        while (std::any_of(workers_.begin(), workers_.end(), reads)) {
            for (const auto &worker : workers_) {
                worker->mail();
            }
        }
    }

    void close_mailbox(std::size_t worker) {
        shm::Locked held(memory_.lock, memory_.zone().region);
        memory_.zone().boxes.close(held, workers_[worker]->seat);
    }

private:
    HostMemory memory_;
    std::vector<std::unique_ptr<Asker>> workers_;
};

inline std::string answer(int socket, const std::string &args) {
    return "{\"sid\":\"" + sid(socket) + "\",\"args\":" + args + "}";
}

inline std::string quoted(int socket) { return "\"" + sid(socket) + "\""; }

} // namespace rt::test
