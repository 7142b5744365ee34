// SPDX-License-Identifier: BSD-2-Clause
// A configured value, and an event it is evaluated for: the input is the value's source, a
// line feed, and the event's arguments. Whatever both are, what comes out is JSON, and the
// placeholders in it mean attachments that are there.
#include "hub/value.hpp"
#include "hub/payload.hpp"
#include "hub/scope.hpp"
#include "wire/json.hpp"
#include "wire/placeholders.hpp"

#include <array>

using namespace rt;
using namespace rt::hub;

namespace {

constexpr std::array<std::uint8_t, 3> kBuffer = {1, 2, 3};

void check(const Value &value, const Scope &scope) {
    static_cast<void>(value.truthy(scope));
    Payload out;
    const bool there = value.append_json(scope, out);
    const std::string whole = "[" + out.json + "]";
    const auto attachments = static_cast<std::uint32_t>(out.attachments.size());
    if (there == out.json.empty() || !wire::json::validate(whole, wire::json::kMaxDepth) ||
        (attachments != 0 && !wire::check_placeholders(whole, attachments))) {
        __builtin_trap();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const Text input = as_text({data, size});
    const std::size_t end = input.find('\n');
    std::vector<std::string> captured;
    auto compiled = Value::compile(input.substr(0, end), {&captured, nullptr, nullptr});
    const auto *value = std::get_if<Value>(&compiled);
    if (value == nullptr || end == Text::npos) {
        return 0;
    }
    const std::string event = "[\"x\"," + std::string(input.substr(end + 1)) + "]";
    if (!wire::json::validate(event, wire::json::kDefaultDepth)) {
        return 0;
    }
    const std::array<Bytes, 2> attachments = {Bytes(kBuffer), Bytes(kBuffer)};
    Scope scope;
    scope.event = "x";
    scope.user = "7";
    scope.data = event;
    check(*value, scope);
    scope.captured = input;
    if (wire::check_placeholders(event, attachments.size())) {
        scope.attachments = attachments;
    }
    check(*value, scope);
    return 0;
}
