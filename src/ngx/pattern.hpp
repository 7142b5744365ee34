// SPDX-License-Identifier: BSD-2-Clause
// Regular expressions by nginx's own PCRE, so that one means the same here as in a location.
#pragma once

#include "hub/pattern.hpp"
#include "ngx/ngx.hpp"

#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace rt::ngx {

// The compiled code lives in the pool of the configuration; so must the pattern.
class NgxPattern final : public hub::Pattern {
public:
    struct Bad {
        std::string why; // PCRE's words
    };

    static std::variant<std::unique_ptr<hub::Pattern>, Bad> compile(ngx_pool_t *pool, Text regex,
                                                                    bool caseless);

    [[nodiscard]] const std::vector<std::string> &names() const noexcept override { return names_; }
    [[nodiscard]] const std::vector<Text> *match(Text subject) const override;

private:
    explicit NgxPattern(const ngx_regex_compile_t &compiled);

    ngx_regex_t *regex_;
    std::vector<std::string> names_;
    std::vector<std::size_t> groups_;   // number of the group that a name stands for
    mutable std::vector<int> captures_; // PCRE's offsets, three per group
    mutable std::vector<Text> values_;
};

} // namespace rt::ngx
