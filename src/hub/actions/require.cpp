// SPDX-License-Identifier: BSD-2-Clause
// require value … [error=code] [message=text]: all must be non-empty and not "0", or the
// chain ends here and the client is told.
#include "hub/actions/make.hpp"

#include <algorithm>

namespace rt::hub {

namespace {

constexpr Text kRefused = "refused"; // where the rule gives no words

class Require final : public ActionWith<RequireArgs> {
public:
    using ActionWith::ActionWith;

    Step run(Run &run) const override {
        const Scope &scope = run.scope();
        const std::vector<Value> &values = args().values;
        if (std::all_of(values.begin(), values.end(),
                        [&](const Value &value) { return value.truthy(scope); })) {
            return Step::next;
        }
        return run.fail({words(args().error, scope), words(args().message, scope), {}});
    }

private:
    static std::string words(const std::optional<Value> &value, const Scope &scope) {
        return value ? value->text(scope) : std::string(kRefused);
    }
};

} // namespace

MadeAction make_require(const Words &words) { return make_with<Require>(parse_require(words)); }

} // namespace rt::hub
