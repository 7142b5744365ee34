// SPDX-License-Identifier: BSD-2-Clause
// Chains that join rooms which are new to the host: what they tell anybody waits until the rooms are
// heard, as long as there is hope for it, and no longer than its time.
#include "cluster/join_waits.hpp"

#include "host_env.hpp"

using namespace rt;
using namespace rt::test;
using cluster::JoinWaits;

namespace {

// Every room is told to the holder of the bridge by whoever joins it first. Nothing is answered by
// itself.
class Waits final : public hub::Hearing {
public:
    explicit Waits(Host &host)
        : waits([&host](Handle run, Millis now) { host[0].hub.resume(run, nullptr, now); }), host_(host) {
        host[0].hub.ports().hearing = this;
    }

    [[nodiscard]] std::uint64_t asked() const noexcept override {
        for (const auto &[serial, socket] : host_.roster.sockets) {
            for (const std::string &room : socket.rooms) {
                static_cast<void>(known_.insert(room).second && !away && waits.ask());
            }
            static_cast<void>(ids && known_.insert(socket.id).second && waits.ask());
        }
        return waits.asked();
    }
    [[nodiscard]] bool is_heard(std::uint64_t mark) const noexcept override { return waits.is_heard(mark); }
    void await(std::uint64_t mark, Handle run, Millis now) override { waits.await(mark, run, now); }

    // The turn ends.
    void turn(Millis now) {
        waits.go_on(now);
        host_[0].end_turn(now);
    }
    void told(std::uint64_t number, Millis now = 0) {
        waits.told(number);
        turn(now);
    }

    bool away = false; // Redis: nobody is told
    bool ids = false;  // sockets have channels of their own
    mutable JoinWaits waits;

private:
    Host &host_;
    mutable std::set<std::string> known_;
};

struct World {
    explicit World(const std::string &connect = "") {
        rules.nsp("/", connect)
            .on("join", "join $realtime_arg_0;ack joined")
            .on("two", "join a;join b;leave c;emit e all;ack joined")
            .on("quiet", "join q")
            .on("fails", "join f;require 0 error=no;ack never")
            .on("fast", "ack fast");
        host.emplace(rules, 1);
        waits.emplace(*host);
    }

    Rules rules;
    std::optional<Host> host;
    std::optional<Waits> waits;
};

void answers() {
    World world;
    Peer peer((*world.host)[0], world.host->session);
    peer.say({"40"});
    is(peer.heard(), "40{\"sid\":\"SID\"}", "who joins nothing is connected at once");
    peer.say({"421[\"join\",\"r\"]", "422[\"fast\"]"});
    is(peer.heard(), "432[\"fast\"]", "a room that is new is not answered, other events are");
    world.waits->turn(1);
    is(peer.heard(), "", "as long as nobody says that it is heard");
    world.waits->told(1);
    is(peer.heard(), "431[\"joined\"]", "then it is");
    peer.say({"423[\"join\",\"r\"]"});
    is(peer.heard(), "433[\"joined\"]", "a room that is heard is answered at once");
    peer.say({"424[\"join\",\"s\"]", "425[\"join\",\"t\"]", "426[\"join\",\"r\"]"});
    is(peer.heard(), "436[\"joined\"]", "also while others wait");
    world.waits->told(2);
    is(peer.heard(), "434[\"joined\"]", "each by its own room");
    world.waits->told(1);
    is(peer.heard(), "", "an old answer says nothing new");
    world.waits->told(99);
    is(peer.heard(), "435[\"joined\"]", "and one beyond all no more than all");
    peer.say({"427[\"join\",\"u\"]"});
    is(peer.heard(), "", "what is told next is not answered yet");
    world.waits->told(4);
    is(peer.heard(), "437[\"joined\"]", "until it is");
}

void together() {
    World world;
    Peer peer((*world.host)[0], world.host->session);
    Peer other((*world.host)[0], world.host->session);
    other.say({"40"});
    peer.say({"40"});
    other.heard();
    peer.heard();
    peer.say({"421[\"two\"]", "42[\"quiet\"]", "423[\"fails\"]"});
    world.host->deliver();
    is(peer.heard() + other.heard(), "", "nobody is told of what is not heard");
    world.waits->told(1);
    is(peer.heard(), "", "rooms that are joined together are waited for together");
    world.waits->told(2);
    world.host->deliver();
    is(peer.heard() + "|" + other.heard(), "42[\"e\"] 431[\"joined\"]|42[\"e\"]", "then all goes on");
    world.waits->told(4);
    is(peer.heard(), "433[{\"ok\":false,\"error\":\"no\",\"message\":\"refused\"}]",
       "failures come then, too");
    ok(world.waits->waits.empty(), "who has nothing to tell does not wait");
}

void connects() {
    World world("join lobby;emit hello");
    world.waits->ids = true;
    Peer peer((*world.host)[0], world.host->session);
    peer.say({"40"});
    is(peer.heard(), "", "its own id and its room are new");
    world.waits->told(2);
    is(peer.heard(), "40{\"sid\":\"SID\"} 42[\"hello\"]", "and heard");
    Peer gone((*world.host)[0], world.host->session);
    gone.say({"40"});
    gone.hang_up();
    world.waits->told(3);
    is(gone.heard(), "", "who left meanwhile is answered nothing");
    World plain;
    plain.waits->ids = true;
    Peer alone((*plain.host)[0], plain.host->session);
    alone.say({"40"});
    is(alone.heard(), "", "without a chain its id is waited for all the same");
    plain.waits->told(1);
    is(alone.heard(), "40{\"sid\":\"SID\"}", "and answered once");
}

// It never comes, Redis goes, or was away before.
void bounds() {
    World world;
    Peer peer((*world.host)[0], world.host->session);
    peer.say({"40"});
    peer.heard();
    peer.say({"421[\"join\",\"r\"]"}, 1000);
    peer.say({"422[\"join\",\"s\"]"}, 2000);
    world.waits->turn(1000 + JoinWaits::kMost - 1);
    is(peer.heard(), "", "late, but not too late");
    world.waits->turn(1000 + JoinWaits::kMost);
    is(peer.heard(), "431[\"joined\"]", "its time is over");
    world.waits->waits.give_up();
    world.waits->turn(1000 + JoinWaits::kMost);
    is(peer.heard(), "432[\"joined\"]", "nobody will say");
    world.waits->told(2);
    is(peer.heard(), "", "nothing is answered twice");
    world.waits->away = true;
    peer.say({"423[\"join\",\"t\"]"});
    is(peer.heard(), "433[\"joined\"]", "while Redis is away at once");
    (*world.host)[0].hub.ports().hearing = nullptr;
    peer.say({"424[\"join\",\"u\"]"});
    is(peer.heard(), "434[\"joined\"]", "and where all is heard");
}

} // namespace

int main() {
    answers();
    together();
    connects();
    bounds();
    return done();
}
