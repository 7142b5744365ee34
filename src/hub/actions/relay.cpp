// SPDX-License-Identifier: BSD-2-Clause
// relay: the event that came in, with its arguments, to rooms or to all of the namespace.
#include "hub/actions/audience.hpp"
#include "hub/actions/make.hpp"

namespace rt::hub {

namespace {

class Relay final : public ActionWith<RelayArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        const Scope &scope = run.scope();
        Audience audience;
        audience.add_rooms(args().to, scope);
        if (!args().to.empty() && audience.empty()) {
            return Step::next; // nobody, and not everybody
        }
        Envelope envelope;
        envelope.data = scope.data;
        envelope.attachments.assign(scope.attachments.begin(), scope.attachments.end());
        audience.address(envelope, args().except_sender ? scope.sid : Text{});
        const Result<void> published = run.publish(envelope);
        return published ? Step::next : run.fail(failure_of(published.error()));
    }
};

} // namespace

MadeAction make_relay(const Words &words) { return make_with<Relay>(parse_relay(words)); }

} // namespace rt::hub
