// SPDX-License-Identifier: BSD-2-Clause
// A client on long-polling whose every request is at another worker, of any host.
#pragma once

#include "far_env.hpp"

namespace rt::test {

// A client on long-polling. Each request is at a worker of its choice.
class Rover {
public:
    struct At {
        std::size_t host;
        std::size_t worker;
    };

    Rover(Far &far, At at) : far_(far), host_(at.host) {
        hub::Birth birth;
        birth.settings = &far.hosts[at.host].host.session;
        hub::Connection *connection = *far.hosts[at.host][at.worker].worker.hub.open(birth);
        connection->session().start_polling(0);
        connection->start(0);
        sid = connection->sid();
        for (std::size_t i = 0; i < far.hosts.size(); ++i) {
            for (std::size_t j = 0; j < far.hosts[i].size(); ++j) {
                Worker &worker = far.hosts[i][j].worker;
                worker.answered = [this, i, j](Handle exchange, const engine::Answer &answer) {
                    on_answer({i, j}, exchange, answer);
                };
                worker.probed = [this](Handle, bool accepted) { probes.push_back(accepted ? 'y' : 'n'); };
                worker.arrived = [this](Handle, hub::Connection *arrived) {
                    probes.push_back(arrived != nullptr ? 'Y' : 'N');
                };
            }
        }
    }

    Rover(const Rover &) = delete;
    Rover &operator=(const Rover &) = delete;

    [[nodiscard]] bool polls() const { return poll_.generation != 0; }
    [[nodiscard]] bool posts() const { return post_.generation != 0; }

    void poll(At at, Millis now = 0) {
        poll_ = next(at);
        poll_at_ = at;
        ask(at, {cluster::Call::poll, poll_, {}, 25000}, now);
    }
    void post(At at, const std::string &body, Millis now = 0) {
        post_ = next(at);
        post_at_ = at;
        ask(at, {cluster::Call::post, post_, body}, now);
    }
    void begin(At at, Millis now = 0) {
        post_ = next(at);
        post_at_ = at;
        ask(at, {cluster::Call::post_begin, post_, {}}, now);
    }
    void body(const std::string &body, Millis now = 0) {
        ask(post_at_, {cluster::Call::post, post_, body}, now);
    }
    void of_post(cluster::Call call, Millis now = 0) {
        ask(post_at_, {call, std::exchange(post_, {}), {}}, now);
    }
    void of_poll(cluster::Call call, Millis now = 0) {
        ask(poll_at_, {call, call == cluster::Call::let_go ? poll_ : std::exchange(poll_, {}), {}}, now);
    }
    Handle probe(At at, cluster::Call call, Millis now = 0) {
        const Handle exchange = next(at);
        ask(at, {call, exchange, {}}, now);
        return exchange;
    }

    void of(At at, const cluster::Asking &asking, Millis now) { ask(at, asking, now); }

    [[nodiscard]] hub::Connection *connection() {
        FarHost &host = far_.hosts[host_];
        for (std::size_t i = 0; i < host.size(); ++i) {
            if (hub::Connection *found = host[i].worker.hub.find(sid); found != nullptr) {
                return found;
            }
        }
        return nullptr;
    }

    std::string take_broken() { return std::exchange(broken, {}); }

    std::string sid;
    std::vector<std::string> got; // packets, in their order, but for noops
    std::string broken;           // whatever is not a 200 with packets, or an ok
    std::string probes;           // y n: answers to probes; Y N: arrivals
    int noops = 0;

private:
    Handle next(At) { return {++slots_, 1}; }

    void ask(At at, const cluster::Asking &asking, Millis now) {
        FarHost::Far &far = far_.hosts[at.host][at.worker];
        const std::optional<shm::SeatRef> home = far.worker.finder.home_of(sid);
        const std::string copy(asking.body); // gone when the answer comes by mail
        const cluster::Asking asked{asking.call, asking.exchange, copy, asking.holds};
        const Result<void> done =
            home ? far.worker.homes.ask({*home, sid}, asked, now) : far.relay.ask(sid, asked, now);
        far.worker.end_turn(now);
        if (!done) {
            on_answer(at, asking.exchange, {400, engine::BodyKind::empty, {}});
        }
    }

    void on_answer(At, Handle exchange, const engine::Answer &answer) {
        const std::string text =
            std::to_string(answer.status) + (answer.body.empty() ? "" : " " + std::string(answer.body));
        if (exchange == poll_) {
            poll_ = {};
            on_packets(answer, text);
        } else if (exchange == post_) {
            post_ = {};
            broken += text == "200 ok" ? "" : "POST " + text + "; ";
        }
    }

    void on_packets(const engine::Answer &answer, const std::string &text) {
        if (answer.status != 200) {
            broken += "GET " + text + "; ";
            return;
        }
        for (const std::string &packet : split(std::string(answer.body), '\x1e')) {
            if (packet == "1") {
                broken += "closed; ";
            } else if (packet == "6") {
                ++noops;
            } else {
                got.push_back(packet);
            }
        }
    }

    Far &far_;
    std::size_t host_;
    Handle poll_;
    Handle post_;
    At poll_at_{};
    At post_at_{};
    std::uint32_t slots_ = 0;
};

} // namespace rt::test
