// SPDX-License-Identifier: BSD-2-Clause
// Which hosts of ours live: each says hello to all on a beat, itself included. What it hears of
// itself proves that the loop through Redis is closed. Kept by the worker that holds the bridge.
#pragma once

#include "base/deadlines.hpp"
#include "cluster/host_line.hpp"
#include "cluster/peer_voice.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rt::cluster {

// What a host says of itself.
struct Hello {
    std::string version;     // of the module
    std::string host;        // the 4 characters its ids begin with
    std::string node;        // its host name
    std::string uid;         // kHostUid characters
    std::string state;       // of its bridge, in the words of $realtime_redis_state
    std::uint64_t last = 0;  // the last number it published (decisions.md, ruling 4)
    std::uint64_t nonce = 0; // counts its hellos
    bool first = false;      // it wants to hear the others at once
    bool bye = false;        // it stops
};

[[nodiscard]] std::string hello_json(const Hello &hello);
// protocol: it is none.
[[nodiscard]] Result<Hello> read_hello(Text json);

struct HostSeen {
    Hello hello;
    Millis heard = 0;
};

// Tells and asks the bridge.
class RegistryEvents {
public:
    virtual ~RegistryEvents() = default;

    // For the next hello.
    [[nodiscard]] virtual std::uint64_t last_published() = 0;
    [[nodiscard]] virtual Text bridge_state() = 0;

    // Another host said hello: up to hello.last everything of it has been heard, or is lost. In the
    // order of its publications where Redis keeps one order (not across masters of a Cluster).
    virtual void on_host(const HostSeen &host, bool newcomer, Millis now) = 0;
    // By its own word, or because it was silent for kLease.
    virtual void on_host_gone(const HostSeen &host, Millis now) = 0;
    // The own hello did not come back within kProbe; or it came after that. Changes only.
    virtual void on_loop(bool closed, Millis now) = 0;
    // Redis refused the key of this host: the text of its error.
    virtual void on_key_refused(Text error) = 0;
};

struct RegistrySettings {
    std::string key_prefix;
    std::string version;
    std::string host;
    std::string node;
    std::string uid;
};

class Registry final : public HostLineEvents, public RedisLineEvents {
public:
    static constexpr Millis kBeat = 2500;
    static constexpr Millis kLease = 8000;
    static constexpr Millis kProbe = 1000;
    static constexpr Millis kPause = 100;           // newcomers that come together get one answer
    static constexpr std::size_t kMostHosts = 1024; // more are not believed
    static constexpr std::size_t kMostBytes = 4096; // of a hello

    struct Ports {
        HostLine &hosts;
        RedisLine &line;
        PeerVoice &voice;
        Deadlines &deadlines;
        RegistryEvents &events;
    };

    Registry(const Ports &ports, RegistrySettings settings);

    // Everything that has to be heard is heard: the first hello, and the beat from here on. Again
    // after each reconnect.
    void on_up(Millis now);
    // Nothing is sent or awaited until on_up(). The hosts stay: from then on they have kLease to be
    // heard.
    void on_down();
    // The host stops (not: another worker gets the bridge). Says so, and takes its key away.
    void leave();

    // The others, in no order. Valid until the next event.
    [[nodiscard]] std::vector<const HostSeen *> others() const;
    // With this one.
    [[nodiscard]] std::uint32_t live() const noexcept {
        return static_cast<std::uint32_t>(others_.size() + 1);
    }
    // Redis has said, since on_up(), how many servers there are.
    [[nodiscard]] bool counted() const noexcept { return servers_.has_value(); }
    // That are no hosts of ours and hear the namespace `/`; 0 as long as they are not counted.
    [[nodiscard]] std::uint32_t other_servers() const noexcept;
    [[nodiscard]] bool loop_closed() const noexcept { return closed_; }
    // How long the own hello was under way, the last time.
    [[nodiscard]] std::optional<Millis> round_trip() const noexcept { return round_trip_; }

    // HostLineEvents, of Topic::hello
    void on_told(Text from, Bytes body, Millis now) override;
    // RedisLineEvents, of LineUser::registry
    void on_reply(std::uint64_t value, const wire::RespValue *reply, Millis now) override;

private:
    struct Other final : Deadline {
        explicit Other(Registry &owner_) : owner(owner_) {}
        void on_deadline(Millis now) override;

        Registry &owner;
        HostSeen seen;
    };

    struct Timer final : Deadline {
        using Fire = void (Registry::*)(Millis);
        Timer(Registry &owner_, Fire fire_) : owner(owner_), fire(fire_) {}
        void on_deadline(Millis now) override { (owner.*fire)(now); }

        Registry &owner;
        Fire fire;
    };

    struct Kind {
        bool first = false;
        bool bye = false;
    };

    void beat(Millis now);
    void turn(bool first, Millis now);
    [[nodiscard]] Hello hello(Kind kind) const;
    bool say_hello(Kind kind);
    void probe_lost(Millis now);
    void greet(Millis now);
    void answer_newcomers(Millis now);
    void hear_self(const Hello &hello, Millis now);
    void hear(Hello hello, Millis now);
    void gone(const std::string &uid, Millis now);
    void set_closed(bool closed, Millis now);

    Ports ports_;
    RegistrySettings settings_;
    std::string key_; // of this host, in Redis
    Timer beat_{*this, &Registry::beat};
    Timer probe_{*this, &Registry::probe_lost};
    Timer pause_{*this, &Registry::answer_newcomers};
    std::unordered_map<std::string, Other> others_; // by uid
    std::uint64_t nonce_ = 0;
    std::uint64_t probed_ = 0; // the nonce that is awaited
    Millis probed_at_ = 0;
    Millis answered_at_ = -kPause;         // newcomers
    std::optional<std::uint32_t> servers_; // of the namespace `/`, this host among them
    std::optional<Millis> round_trip_;
    bool closed_ = true;
    bool key_refused_ = false;
    bool up_ = false;
};

} // namespace rt::cluster
