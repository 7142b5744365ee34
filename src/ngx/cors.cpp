// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/cors.hpp"

#include "base/text.hpp"
#include "ngx/pattern.hpp"

#include <algorithm>
#include <cstdlib>

namespace rt::ngx {

namespace {

constexpr Text kEnv = "env:";

std::string about(Text what, Text word) {
    std::string text(what);
    text += " \"";
    text += word;
    text += '"';
    return text;
}

// A default port, which no browser writes (RFC 6454 6.1).
Text without_default_port(Text origin) noexcept {
    for (const auto &[scheme, port] : {std::pair<Text, Text>{"http://", ":80"}, {"https://", ":443"}}) {
        if (origin.starts_with(scheme) && origin.ends_with(port)) {
            origin.remove_suffix(port.size());
        }
    }
    return origin;
}

// `scheme://host[:port]`, in the form that browsers send; empty if the word is none.
std::string normal_origin(Text word) {
    if (iequals(word, "null")) {
        return "null";
    }
    const std::string small = lower(word);
    const std::size_t at = small.find("://");
    if (at == 0 || at == std::string::npos) {
        return {};
    }
    const Text host = Text(small).substr(at + 3);
    if (host.empty() || host.find_first_of("/?#@*\\ \t\"") != Text::npos) {
        return {};
    }
    return std::string(without_default_port(small));
}

} // namespace

std::optional<std::string> CorsRules::add(ngx_pool_t *pool, Text word) {
    if (word == "credentials") {
        credentials_ = true;
        return std::nullopt;
    }
    if (word.starts_with(kEnv)) {
        return add_variable(pool, word.substr(kEnv.size()));
    }
    return add_origin(pool, word);
}

std::optional<std::string> CorsRules::add_origin(ngx_pool_t *pool, Text word) {
    if (word == "*") {
        any_ = true;
        return std::nullopt;
    }
    if (word.starts_with("~")) {
        const bool caseless = word.starts_with("~*");
        return add_pattern(pool, word.substr(caseless ? 2 : 1), caseless);
    }
    // A slash at the end is a slip that cannot mean anything else.
    std::string origin = normal_origin(word.ends_with('/') ? word.substr(0, word.size() - 1) : word);
    if (origin.empty()) {
        return about("invalid origin", word);
    }
    origins_.push_back(std::move(origin));
    return std::nullopt;
}

std::optional<std::string> CorsRules::add_pattern(ngx_pool_t *pool, Text regex, bool caseless) {
    auto compiled = NgxPattern::compile(pool, regex, caseless);
    if (auto *bad = std::get_if<NgxPattern::Bad>(&compiled)) {
        return bad->why;
    }
    patterns_.push_back(std::move(*std::get_if<0>(&compiled)));
    return std::nullopt;
}

// The master reads it while the configuration is read.
std::optional<std::string> CorsRules::add_variable(ngx_pool_t *pool, Text name) {
    const std::string variable(name);
    const char *value = std::getenv(variable.c_str());
    if (variable.empty()) {
        return about("no name in", kEnv);
    }
    std::optional<std::string> complaint;
    split_each(value == nullptr ? Text{} : Text(value), ',', [&](Text word) {
        if (!complaint && !trim(word).empty()) {
            complaint = add_origin(pool, trim(word));
        }
    });
    if (complaint) {
        *complaint += about(" in the environment variable", name);
    }
    return complaint;
}

bool CorsRules::allows(Text origin) const {
    if (any_) {
        return true;
    }
    const auto is_it = [origin](const std::string &one) { return iequals(one, origin); };
    const auto matches = [origin](const auto &pattern) { return pattern->match(origin) != nullptr; };
    return std::any_of(origins_.begin(), origins_.end(), is_it) ||
           std::any_of(patterns_.begin(), patterns_.end(), matches);
}

} // namespace rt::ngx
