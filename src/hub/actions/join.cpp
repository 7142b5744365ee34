// SPDX-License-Identifier: BSD-2-Clause
// join room [when=value] [trusted].
#include "hub/actions/make.hpp"

namespace rt::hub {

namespace {

class Join final : public ActionWith<RoomArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        if (!holds(args().when, run.scope())) {
            return Step::next;
        }
        const std::string room = args().room.text(run.scope());
        if (room.empty()) {
            return run.fail({"bad_room", "a room has a name", {}});
        }
        const bool trusted = args().trusted || !args().room.from_client();
        const Result<void> joined = run.join(room, trusted);
        return joined ? Step::next : run.fail(failure_of(joined.error()));
    }

    [[nodiscard]] bool is_silent() const noexcept override { return true; }
};

} // namespace

MadeAction make_join(const Words &words) { return make_with<Join>(parse_room(words)); }

} // namespace rt::hub
