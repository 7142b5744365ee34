// SPDX-License-Identifier: BSD-2-Clause
// A client that polls anywhere and goes over to a WebSocket at another host than its session's.
#pragma once

#include "rover.hpp"

namespace rt::test {

// A client that goes is mourned, and one that asks to wait is not done.
inline Rules &travel_rules() {
    static Rules made;
    static const bool once = [] {
        made.nsp("/", "", "emit gone to=watch").on("wait", "wait;ack 1");
        return true;
    }();
    static_cast<void>(once);
    return made;
}

// The client's WebSocket.
class Socket final : public engine::WsPort {
public:
    [[nodiscard]] Ref<wire::Frame> form(const Ref<wire::Frame> &frame) override { return frame; }
    void write(engine::OutQueue &queue) override {
        for (; !queue.empty(); queue.pop()) {
            queue[0].each_part([&](bool, Bytes payload) { got.emplace_back(as_text(payload)); });
        }
    }
    [[nodiscard]] bool blocked() const noexcept override { return false; }
    void shut(engine::OutQueue &&rest, std::uint16_t) override {
        engine::OutQueue last(std::move(rest));
        write(last);
        shut_ = true;
    }
    std::vector<std::string> got;
    bool shut_ = false;
};

class Traveler {
public:
    Traveler(Far &far, Rover::At home, Rover::At away) : far_(far), rover_(far, home), away_(away) {
        rover_.post(home, "40");
        far.settle();
        rover_.poll(home);
        far.settle();
        id = rover_.got.front().substr(Text("40{\"sid\":\"").size(), 20);
        rover_.got.clear();
        for (FarHost &host : far.hosts) {
            for (std::size_t i = 0; i < host.size(); ++i) {
                host[i].worker.arrived = [this](Handle exchange, hub::Connection *arrived) {
                    on_arrival(exchange, arrived);
                };
            }
        }
    }

    void poll(Rover::At at, Millis now) {
        if (!taking_ && !rover_.polls() && rover_.probes.empty()) {
            rover_.poll(at, now);
        }
    }

    // The next thing that it does for its upgrade.
    void go_on(Millis now) {
        if (!probe_) {
            probe_ = rover_.probe(away_, cluster::Call::probe, now);
        } else if (rover_.probes == "y") {
            rover_.probes += "s";
            rover_.of(away_, {cluster::Call::probe_seen, probe_, {}}, now);
        } else if (rover_.probes == "ys" && !rover_.polls() && !taking_) {
            taking_ = true;
            rover_.of(away_, {cluster::Call::take, probe_, {}}, now);
        }
    }

    [[nodiscard]] bool taking() const { return taking_; }
    [[nodiscard]] bool arrived() const { return arrived_; }
    [[nodiscard]] bool lost() const { return lost_; }
    [[nodiscard]] const std::string &broken() const { return rover_.broken; }
    [[nodiscard]] Rover &rover() { return rover_; }

    [[nodiscard]] std::vector<std::string> got() const {
        std::vector<std::string> all = rover_.got;
        all.insert(all.end(), socket.got.begin(), socket.got.end());
        return all;
    }

    std::string id;
    Socket socket;

private:
    void on_arrival(Handle exchange, hub::Connection *arrived) {
        if (exchange != probe_) {
            lost_ = true;
            return;
        }
        arrived_ = arrived != nullptr;
        lost_ = lost_ || !arrived_;
        if (arrived_) {
            arrived->session().upgrade(socket, 0);
        }
    }

    Far &far_;
    Rover rover_;
    Rover::At away_;
    Handle probe_;
    bool taking_ = false;
    bool arrived_ = false;
    bool lost_ = false;
};

} // namespace rt::test
