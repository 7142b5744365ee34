// SPDX-License-Identifier: BSD-2-Clause
// ack value: answers the client, once. A missing value is an answer without arguments.
#include "hub/actions/make.hpp"

namespace rt::hub {

namespace {

class Ack final : public ActionWith<AckArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        Payload answer;
        static_cast<void>(args().value.append_json(run.scope(), answer));
        run.ack(answer);
        return Step::next;
    }
};

} // namespace

MadeAction make_ack(const Words &words) { return make_with<Ack>(parse_ack(words)); }

} // namespace rt::hub
