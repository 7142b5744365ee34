// SPDX-License-Identifier: BSD-2-Clause
// leave room [when=value] [trusted].
#include "hub/actions/make.hpp"

namespace rt::hub {

namespace {

class Leave final : public ActionWith<RoomArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        const Scope &scope = run.scope();
        if (!holds(args().when, scope)) {
            return Step::next;
        }
        const std::string room = args().room.text(scope);
        if (room.empty()) {
            return run.fail({"bad_room", "a room has a name", {}});
        }
        if (!args().trusted && args().room.from_client() && is_own(room, scope)) {
            return run.fail({"forbidden", "a client may not choose this room", {}});
        }
        run.leave(room);
        return Step::next;
    }

    [[nodiscard]] bool is_silent() const noexcept override { return true; }

private:
    // The rooms by which a server reaches a user or a socket: no client steps out of those
    // (decisions.md, ruling 19).
    static bool is_own(Text room, const Scope &scope) noexcept {
        return room.starts_with("user:") || room == scope.sid;
    }
};

} // namespace

MadeAction make_leave(const Words &words) { return make_with<Leave>(parse_room(words)); }

} // namespace rt::hub
