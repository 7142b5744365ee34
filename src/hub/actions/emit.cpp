// SPDX-License-Identifier: BSD-2-Clause
// emit: an event to the sender, or to rooms, users or all of the namespace.
#include "hub/actions/audience.hpp"
#include "hub/actions/make.hpp"
#include "wire/json_write.hpp"
#include "wire/sio.hpp"

namespace rt::hub {

namespace {

class Emit final : public ActionWith<EmitArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        const Scope &scope = run.scope();
        if (!holds(args().when, scope)) {
            return Step::next;
        }
        const std::string event = args().event.text(scope);
        if (event.empty() || wire::sio::is_reserved(event)) {
            return run.fail({"bad_event", "no event has this name", {}});
        }
        const Payload data = payload(event, scope);
        if (!args().has_target()) {
            const Result<void> sent = run.emit_to_sender(data, delivery());
            return sent ? Step::next : run.fail(failure_of(sent.error()));
        }
        return publish(run, data);
    }

private:
    // ["event",data…]
    [[nodiscard]] Payload payload(Text event, const Scope &scope) const {
        Payload data;
        data.json = "[";
        wire::json::append_string(data.json, event);
        if (args().data) {
            const std::size_t end = data.json.size();
            data.json += ',';
            if (!args().data->append_json(scope, data)) {
                data.json.resize(end);
            }
        }
        data.json += ']';
        return data;
    }

    Step publish(Run &run, const Payload &data) const {
        Audience audience;
        audience.add_rooms(args().to, run.scope());
        audience.add_users(args().users, run.scope());
        if (!args().all && audience.empty()) {
            return Step::next; // nobody, and not everybody
        }
        audience.except_rooms(args().except, run.scope());
        Envelope envelope;
        envelope.is_volatile = args().is_volatile;
        envelope.data = data.json;
        envelope.attachments = data.attachments;
        audience.address(envelope, args().except_sender ? run.scope().sid : Text{});
        const Result<void> published = run.publish(envelope);
        return published ? Step::next : run.fail(failure_of(published.error()));
    }

    [[nodiscard]] engine::Delivery delivery() const noexcept {
        return args().is_volatile ? engine::Delivery::volatile_ : engine::Delivery::reliable;
    }
};

} // namespace

MadeAction make_emit(const Words &words) { return make_with<Emit>(parse_emit(words)); }

} // namespace rt::hub
