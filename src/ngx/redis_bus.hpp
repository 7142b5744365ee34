// SPDX-License-Identifier: BSD-2-Clause
// The bridge of one application in this process: whether this worker holds it, its two connections
// to Redis, and how it goes from one worker to the next.
#pragma once

#include "cluster/bridge.hpp"
#include "cluster/join_waits.hpp"
#include "cluster/roster_directory.hpp"
#include "cluster/silence.hpp"
#include "ngx/conf.hpp"
#include "ngx/redis_cluster.hpp"

#include <memory>
#include <set>
#include <string>

namespace rt::ngx {

class App;

class RedisBus final : public cluster::RosterWatch,
                       private cluster::RedisLine,
                       private cluster::HearingLine,
                       private cluster::BridgeEvents,
                       private RedisClusterEvents {
public:
    // The application has a Redis for its bus.
    explicit RedisBus(App &app);
    RedisBus(const RedisBus &) = delete;
    RedisBus &operator=(const RedisBus &) = delete;
    ~RedisBus() override;

    // Once per turn; takes the bridge if nobody holds it. True: there is more to do.
    bool work(Millis now);
    // Before anything that time brings: a worker that was stopped lets go of what another has now.
    void check(Millis now);
    // A few times a second.
    void beat(Millis now);

    // This worker leaves: whoever stays takes the bridge. Nothing of that is waited for but what has
    // been sent already.
    void hand_on(Millis now);
    // The host stops, most likely: whoever holds the bridge keeps it until all others have finished.
    void end_with_host(Millis now) noexcept { ends_at_ = now; }
    // Holds it still: this worker must not end.
    [[nodiscard]] bool must_stay(Millis now);
    // The process ends. The last one says so to other hosts, and the connections end in good order.
    void stop(Millis now);

    // Something of this worker's is under way: it must not end.
    [[nodiscard]] bool is_busy() const noexcept { return held_ != nullptr && leaving_; }

    // RosterWatch: the holder is told where to look, once for a namespace.
    void on_socket_added(Text nsp, Text id) override;
    void on_room_unheard(Text nsp, Text room, bool begins) override;
    // Mail of kinds kInterestMail and kHeardMail.
    void on_mail(shm::SeatRef from, std::uint16_t kind, Bytes mail);

    // Null: this worker does not hold the bridge.
    [[nodiscard]] cluster::Bridge *bridge() noexcept;

private:
    // What only the holder has.
    struct Held;
    class Publishing;
    class Hearing;

    // What tells the connections of several applications of this nginx apart; empty where there is
    // one.
    [[nodiscard]] Text app_in_names() const;
    [[nodiscard]] bool was_ours(const wire::RespValue &clients, shm::BridgeLink link, Millis now) const;

    [[nodiscard]] bool work_bridge(Millis now);
    void go_on_joining(Millis now);
    void look(Millis now);
    void show(Millis now);
    void take(shm::SeatRef former, Millis now);
    void fill_box();
    [[nodiscard]] bool is_boxed() const noexcept;
    void go_on_hearing(Millis now);
    void let_go(Millis now);
    struct Others;
    [[nodiscard]] Others others() const;
    [[nodiscard]] bool is_parting(Millis now) const noexcept;
    void go_on_leaving(Millis now);
    [[nodiscard]] bool is_mine() const noexcept;
    // Or was, and what is under way is finished.
    [[nodiscard]] bool may_speak() const noexcept { return given_back_ || is_mine(); }
    void hear_everything(Millis now);
    void heard_all(Millis now);
    void line_up(Millis now);
    void end_former(Millis now);
    void found_former(const wire::RespValue &clients, Millis now);
    void end_former_publisher(Millis now);
    void refused(Text text, Millis now);
    void ask_again(Millis now);
    void found_former_publisher(const wire::RespValue &clients, Millis now);
    [[nodiscard]] bool find(std::uint64_t cookie, std::uint64_t client, Millis now);
    void warn_of_start();
    [[nodiscard]] RedisCluster *owners_of(cluster::Subscription::Kind kind) const noexcept;
    void hope(const Result<void> &asked);
    template <class Command> void change(std::span<const cluster::Subscription> all, Command command);

    // RedisLine
    [[nodiscard]] bool is_up() const noexcept override;
    [[nodiscard]] bool send(std::span<const Text> command, cluster::Cookie cookie) override;
    // HearingLine
    void subscribe(std::span<const cluster::Subscription> wanted) override;
    void unsubscribe(std::span<const cluster::Subscription> left) override;
    [[nodiscard]] std::uint64_t asked() const override;
    [[nodiscard]] bool has_confirmed(std::uint64_t mark,
                                     std::span<const cluster::Subscription> these) const override;
    // RedisClusterEvents
    void on_cluster_up(Millis now) override;
    void on_cluster_lost(Millis now) override;
    void on_cluster_reply(std::uint64_t cookie, const wire::RespValue *reply, Millis now) override;
    void on_shards_heard(Millis now) override;
    void on_shards_moved(Millis now) override;
    void on_shards_lost(Millis now) override;
    void on_shards_refused(Text error, Millis now) override { refused(error, now); }
    void on_shard_message(Text channel, Bytes payload, Millis now) override;
    void on_shards_torn(unsigned place, bool torn) override;
    [[nodiscard]] bool may_publish() const noexcept override { return may_speak(); }
    [[nodiscard]] bool may_hear() const noexcept override { return is_mine(); }
    // BridgeEvents
    void on_bridge_state(shm::BridgeState state, shm::BridgeState before) override;
    void on_loop_broken() override { broken_ = true; }
    void request_turn() override;
    void on_heard(shm::SeatRef who, std::uint64_t number) override;

    void tell_holder(const cluster::InterestNews &news);
    [[nodiscard]] std::uint64_t number_of_news();

    App &app_;
    const RedisBlock &block_;
    std::set<std::string, std::less<>> told_; // namespaces,
    shm::SeatRef told_to_;                    // to this holder
    cluster::JoinWaits joins_;
    shm::SeatRef asked_of_; // the holder that was told last
    shm::BridgeTable table_;
    cluster::Silence silence_; // of the holder
    std::string label_;        // of what is in the box
    std::unique_ptr<Held> held_;
    Millis leaves_at_ = 0; // at the latest
    Millis ends_at_ = 0;   // with the host, since then; 0: not at all
    bool leaving_ = false;
    bool given_back_ = false;
    bool broken_ = false;        // the loop: both connections are made anew in the next turn
    bool follows_rooms_ = false; // the dialect has channels for rooms,
    bool follows_ids_ = false;   // and for the sockets' own
    bool waits_ = false;         // not all is heard: clients wait for what is new
    std::string refused_;        // why Redis does not let us hear
    Millis asks_again_ = 0;      // then
    bool warned_ = false;
};

} // namespace rt::ngx
