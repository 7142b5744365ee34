// SPDX-License-Identifier: BSD-2-Clause
// realtime_cors: which origins besides the server's own may connect.
#pragma once

#include "hub/pattern.hpp"
#include "ngx/ngx.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rt::ngx {

class CorsRules {
public:
    // One word of the directive: an origin, `*`, `~regex`, `~*regex`, `env:NAME`, whose value
    // is such words separated by commas, or `credentials`. What is wrong with it, or nothing.
    [[nodiscard]] std::optional<std::string> add(ngx_pool_t *pool, Text word);

    // False if all it got was variables that are not set: as if the directive were not there.
    [[nodiscard]] bool configured() const noexcept { return any_ || !origins_.empty() || !patterns_.empty(); }

    // `origin` is the request's Origin header as it came.
    [[nodiscard]] bool allows(Text origin) const;

    [[nodiscard]] bool any() const noexcept { return any_; }
    [[nodiscard]] bool credentials() const noexcept { return credentials_; }

private:
    std::optional<std::string> add_origin(ngx_pool_t *pool, Text word);
    std::optional<std::string> add_pattern(ngx_pool_t *pool, Text regex, bool caseless);
    std::optional<std::string> add_variable(ngx_pool_t *pool, Text name);

    std::vector<std::string> origins_; // lower case, as browsers write them
    std::vector<std::unique_ptr<hub::Pattern>> patterns_;
    bool any_ = false;
    bool credentials_ = false;
};

} // namespace rt::ngx
