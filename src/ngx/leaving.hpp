// SPDX-License-Identifier: BSD-2-Clause
// How a worker that was told to quit gets rid of its sessions: to workers of the newest
// configuration, as soon as each of them may move; what cannot move is closed, evenly spread over
// realtime_drain. It ends with the last one.
#pragma once

#include "hub/connection.hpp"
#include "ngx/ngx.hpp"
#include "shm/seats.hpp"

#include <vector>

namespace rt::ngx {

class App;
class Worker;

class Leaving {
public:
    explicit Leaving(Worker &worker) noexcept;
    Leaving(const Leaving &) = delete;
    Leaving &operator=(const Leaving &) = delete;
    ~Leaving();

    // Told to quit: by a reload, or by a full stop. That a full stop follows a reload it sees itself.
    void begin();

    // The process ends in order: the mailboxes are closed, and nothing that was in them is lost.
    void finish();

private:
    struct Place {
        App *app;
        Handle connection;
    };

    // When a session is closed that is still here.
    struct Due {
        Millis at;
        Place place;
    };

    // Sessions that leave over the same time.
    struct Group {
        Millis drain;
        bool moves; // they have the first half of it to move
        std::uint32_t count;
        std::uint32_t given;
    };

    void schedule(bool reload);
    [[nodiscard]] std::vector<Place> everybody() const;
    [[nodiscard]] Group &group_of(const Place &place, bool reload);
    [[nodiscard]] Millis moment(Group &group) const noexcept;
    void tick();
    [[nodiscard]] bool is_stopping() const;
    void close_due(Millis now);
    void tell_overdue(Millis now);
    void drain(const Place &place, engine::CloseReason reason, Millis now);
    [[nodiscard]] ngx_msec_t move_some(Millis now);
    void move_all();
    void new_round();
    void close_deserted(App &app, Millis now);
    [[nodiscard]] bool move(const Place &place, Millis now);
    template <class Visit> void each_target(App &app, Visit visit) const;
    [[nodiscard]] shm::SeatRef next_target(App &app);
    [[nodiscard]] bool channel_has_room(App &app) const;

    static void on_tick(ngx_event_t *event) noexcept;

    Worker &worker_;
    ngx_event_t tick_{};
    Millis since_ = 0;
    Millis until_ = 0; // then nobody may stay
    std::vector<Group> groups_;
    std::vector<Due> dues_; // in their order
    std::size_t next_due_ = 0;
    std::vector<Place> round_; // everybody, each tried once
    std::size_t tried_ = 0;
    std::size_t turn_ = 0; // of the targets
    bool moved_ = false;   // somebody, in this round
    bool moving_ = false;  // there is a newer configuration
    bool told_ = false;    // that this takes too long
};

} // namespace rt::ngx
