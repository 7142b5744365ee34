// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/pattern.hpp"

#include <array>
#include <cstring>

namespace rt::ngx {

namespace {

constexpr std::size_t kNumberSize = 2; // of a group, before its name in PCRE's table

} // namespace

std::variant<std::unique_ptr<hub::Pattern>, NgxPattern::Bad> NgxPattern::compile(ngx_pool_t *pool, Text regex,
                                                                                 bool caseless) {
    std::array<u_char, NGX_MAX_CONF_ERRSTR> words{};
    ngx_regex_compile_t compiled{};
    compiled.pattern = copy_text(pool, regex); // PCRE's JIT names it later
    compiled.pool = pool;
    compiled.options = caseless ? NGX_REGEX_CASELESS : 0;
    compiled.err = {words.size(), words.data()};
    if (compiled.pattern.data == nullptr) {
        return Bad{"no memory"};
    }
    if (ngx_regex_compile(&compiled) != NGX_OK) {
        return Bad{std::string(to_text(compiled.err))};
    }
    return std::unique_ptr<hub::Pattern>(new NgxPattern(compiled));
}

NgxPattern::NgxPattern(const ngx_regex_compile_t &compiled)
    : regex_(compiled.regex), captures_((static_cast<std::size_t>(compiled.captures) + 1) * 3) {
    const u_char *entry = compiled.names;
    for (int i = 0; i < compiled.named_captures; ++i, entry += compiled.name_size) {
        groups_.push_back(load_be<std::uint16_t>(entry));
        names_.emplace_back(
            to_text(entry + kNumberSize, entry + kNumberSize + ngx_strlen(entry + kNumberSize)));
    }
    values_.resize(names_.size());
}

const std::vector<Text> *NgxPattern::match(Text subject) const {
    ngx_str_t text = to_ngx_str(subject);
    if (ngx_regex_exec(regex_, &text, captures_.data(), captures_.size()) < 0) {
        return nullptr;
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const int begin = captures_[groups_[i] * 2];
        const int end = captures_[groups_[i] * 2 + 1];
        values_[i] = begin < 0 ? Text{}
                               : subject.substr(static_cast<std::size_t>(begin),
                                                static_cast<std::size_t>(end - begin));
    }
    return &values_;
}

} // namespace rt::ngx
