// SPDX-License-Identifier: BSD-2-Clause
// The options of a broadcast as JSON: whom it means and how, alike in both dialects.
#pragma once

#include "hub/bus.hpp"
#include "wire/json_object.hpp"

#include <string>

namespace rt::cluster {

using wire::json::ObjectWriter;

// {"rooms":[],"except":[]}, with the empty or filled `flags` where they belong.
inline void append_opts(std::string &out, const hub::Envelope &envelope, bool with_flags) {
    ObjectWriter opts(out);
    opts.texts("rooms", envelope.to);
    opts.texts("except", envelope.except);
    if (with_flags) {
        ObjectWriter flags(opts.member("flags"));
        if (envelope.is_volatile) {
            flags.boolean("volatile", true);
        }
        if (envelope.asker.timeout != 0) {
            flags.number("timeout", envelope.asker.timeout);
        }
    }
}

} // namespace rt::cluster
