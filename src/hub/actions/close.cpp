// SPDX-License-Identifier: BSD-2-Clause
// close [namespace|connection]: puts the sender out. Actions with a target still run.
#include "hub/actions/make.hpp"

namespace rt::hub {

namespace {

class Close final : public ActionWith<CloseArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        run.close(args().connection);
        return Step::next;
    }
};

} // namespace

MadeAction make_close(const Words &words) { return make_with<Close>(parse_close(words)); }

} // namespace rt::hub
