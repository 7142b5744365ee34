// SPDX-License-Identifier: BSD-2-Clause
// From words to an action: one function per file of this folder.
#pragma once

#include "hub/action.hpp"
#include "hub/action_args.hpp"
#include "hub/run.hpp"
#include "hub/scope.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <variant>

namespace rt::hub {

MadeAction make_ack(const Words &words);
MadeAction make_close(const Words &words);
MadeAction make_emit(const Words &words);
MadeAction make_join(const Words &words);
MadeAction make_leave(const Words &words);
MadeAction make_relay(const Words &words);
MadeAction make_require(const Words &words);

// An action that has its options and nothing else.
template <class Args> class ActionWith : public Action {
public:
    explicit ActionWith(Args args) : args_(std::move(args)) {}

    [[nodiscard]] bool uses(Variable kind) const noexcept final { return args_.uses(kind); }

protected:
    [[nodiscard]] const Args &args() const noexcept { return args_; }

private:
    Args args_;
};

template <class Made, class Args> MadeAction make_with(Parsed<Args> parsed) {
    if (auto *complaint = std::get_if<Complaint>(&parsed)) {
        return std::move(*complaint);
    }
    return std::make_unique<const Made>(std::move(*std::get_if<Args>(&parsed)));
}

// What a client is told of a verb of the hub that failed.
[[nodiscard]] inline Failure failure_of(Error error) {
    switch (error.code) {
    case Code::forbidden:
        return {"forbidden", error.where, {}};
    case Code::full:
        return {"limit", error.where, {}};
    case Code::too_big:
        return {"too_big", error.where, {}};
    default:
        return {"unavailable", error.where, {}};
    }
}

[[nodiscard]] inline bool holds(const std::optional<Value> &when, const Scope &scope) {
    return !when || when->truthy(scope);
}

} // namespace rt::hub
