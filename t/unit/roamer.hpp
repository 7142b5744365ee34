// SPDX-License-Identifier: BSD-2-Clause
// A client on long-polling whose every request goes to another worker, and whose session moves when
// its WebSocket wants it. What it gets, it keeps in order.
#pragma once

#include "polled.hpp"

namespace rt::test {

class Roamer : public Polled {
public:
    Roamer(Host &host, std::size_t worker) : host_(host) {
        hub::Birth birth;
        birth.settings = &host.session;
        hub::Connection *connection = *host[worker].hub.open(birth);
        connection->session().start_polling(0);
        connection->start(0);
        sid = connection->sid();
        for (std::size_t i = 0; i < host.size(); ++i) {
            host[i].answered = [this, i](Handle exchange, const engine::Answer &answer) {
                on_answer(i, exchange, answer);
            };
            host[i].probed = [this, i](Handle, bool accepted) { on_probe(i, accepted); };
            host[i].arrived = [this, i](Handle, hub::Connection *arrived) { on_arrival(i, arrived); };
        }
    }

    Roamer(const Roamer &) = delete;
    Roamer &operator=(const Roamer &) = delete;

    [[nodiscard]] bool probes() const { return prober_ != kNobody; }
    // It may say `5`: nothing of its polling transport is under way.
    [[nodiscard]] bool may_take() const { return seen_ && !taking_ && !polls() && !posts(); }
    // It may begin a request: it has not stopped polling.
    [[nodiscard]] bool may_ask() const { return !taking_ && !may_take(); }

    void poll(std::size_t via, Millis now = 0) {
        poll_ = next();
        poll_via_ = via;
        ask(via, cluster::Call::poll, poll_, {}, now);
    }

    void post(std::size_t via, Text body, Millis now = 0) {
        post_ = next();
        post_via_ = via;
        ask(via, cluster::Call::post, post_, body, now);
    }

    void probe(std::size_t via, Millis now = 0) {
        prober_ = via;
        probe_ = next();
        home_ = home();
        ask(via, cluster::Call::probe, probe_, {}, now);
    }

    void take(Millis now = 0) {
        taking_ = true;
        ask(prober_, cluster::Call::take, probe_, {}, now);
    }

    [[nodiscard]] std::size_t home() const { return host_.roster.home_of(sid).value_or(0); }
    [[nodiscard]] hub::Connection *connection() { return host_[home()].hub.find(sid); }

    std::string sid;
    int moves = 0;

private:
    static constexpr std::size_t kNobody = SIZE_MAX;

    void ask(std::size_t via, cluster::Call call, Handle exchange, Text body, Millis now) {
        const cluster::Home home{{static_cast<std::uint32_t>(this->home()), 1}, sid};
        const std::string copy(body); // gone when the answer comes by mail
        const Result<void> asked = host_[via].homes.ask(home, {call, exchange, copy}, now);
        if (!asked) {
            broken += std::string("not asked: ") + asked.error().where + "; ";
        }
    }

    void on_answer(std::size_t via, Handle exchange, const engine::Answer &answer) {
        const bool here = exchange == poll_ ? via == poll_via_ : via == post_via_;
        if (!here || !take_answer(exchange, answer)) {
            broken += "an answer nobody waits for: " + std::to_string(answer.status) + "; ";
        }
    }

    void on_probe(std::size_t via, bool accepted) {
        if (!accepted || via != prober_) {
            broken += "probe refused; ";
            return;
        }
        seen_ = true;
        ask(via, cluster::Call::probe_seen, probe_, {}, 0);
    }

    void on_arrival(std::size_t via, hub::Connection *arrived) {
        if (arrived == nullptr || via != prober_) {
            broken += "not arrived; ";
        } else {
            arrived->session().probe_end(0); // at its own home it did not travel
            moves += via == home_ ? 0 : 1;
        }
        prober_ = kNobody;
        seen_ = taking_ = false;
    }

    Host &host_;
    Handle probe_;
    std::size_t poll_via_ = 0;
    std::size_t post_via_ = 0;
    std::size_t prober_ = kNobody;
    std::size_t home_ = 0;
    bool seen_ = false;
    bool taking_ = false;
};

} // namespace rt::test
