// SPDX-License-Identifier: BSD-2-Clause
// A client on long-polling whose every request is at another worker, of any host.
#pragma once

#include "far_env.hpp"
#include "polled.hpp"

namespace rt::test {

// A client on long-polling. Each request is at a worker of its choice.
class Rover : public Polled {
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
                worker.answered = [this](Handle exchange, const engine::Answer &answer) {
                    take_answer(exchange, answer);
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

    void poll(At at, Millis now = 0) {
        poll_ = next();
        poll_at_ = at;
        ask(at, {cluster::Call::poll, poll_, {}, 25000}, now);
    }
    void post(At at, const std::string &body, Millis now = 0) {
        post_ = next();
        post_at_ = at;
        ask(at, {cluster::Call::post, post_, body}, now);
    }
    void begin(At at, Millis now = 0) {
        post_ = next();
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
        const Handle exchange = next();
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
    std::string probes; // y n: answers to probes; Y N: arrivals

private:
    void ask(At at, const cluster::Asking &asking, Millis now) {
        FarHost::Far &far = far_.hosts[at.host][at.worker];
        const std::optional<shm::SeatRef> home = far.worker.finder.home_of(sid);
        const std::string copy(asking.body); // gone when the answer comes by mail
        const cluster::Asking asked{asking.call, asking.exchange, copy, asking.holds};
        const Result<void> done =
            home ? far.worker.homes.ask({*home, sid}, asked, now) : far.relay.ask(sid, asked, now);
        far.worker.end_turn(now);
        if (!done) {
            take_answer(asking.exchange, {400, engine::BodyKind::empty, {}});
        }
    }

    Far &far_;
    std::size_t host_;
    At poll_at_{};
    At post_at_{};
};

} // namespace rt::test
