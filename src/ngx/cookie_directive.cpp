// SPDX-License-Identifier: BSD-2-Clause
// realtime_cookie name [attribute…] | off. The cookie carries the session's id.
#include "base/text.hpp"
#include "ngx/conf_words.hpp"
#include "ngx/location_directives.hpp"

#include <algorithm>
#include <array>

namespace rt::ngx {

namespace {

// One attribute as the directive and as the header write it.
struct Attribute {
    Text word; // with its '=', if it has a value
    Text header;
    Text value; // unless the directive gives one; "-" if the attribute is then left out
};

constexpr Text kAbsent = "-";
constexpr Text kSeparators = "()<>@,;:\\\"/[]?={}";

// What Node writes by default: Path=/; HttpOnly; SameSite=Lax.
constexpr std::array<Attribute, 6> kAttributes = {{
    {"path=", "Path=", "/"},
    {"domain=", "Domain=", kAbsent},
    {"max-age=", "Max-Age=", kAbsent},
    {"httponly", "HttpOnly", ""},
    {"secure", "Secure", kAbsent},
    {"samesite=", "SameSite=", "Lax"},
}};

bool takes_value(const Attribute &attribute) noexcept { return attribute.word.ends_with('='); }

// RFC 6265 4.1.1: no control characters, no ';'.
bool is_attribute_value(Text value) noexcept {
    return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && c != ';' && c != 0x7f;
    });
}

// A token (RFC 9110 5.6.2).
bool is_cookie_name(Text name) noexcept {
    return is_attribute_value(name) && std::none_of(name.begin(), name.end(), [](char c) {
               return static_cast<unsigned char>(c) > 0x7e || kSeparators.find(c) != Text::npos;
           });
}

std::optional<std::string> same_site(Text value) {
    for (const Text known : {Text("Strict"), Text("Lax"), Text("None")}) {
        if (iequals(value, known)) {
            return std::string(known);
        }
    }
    return std::nullopt;
}

// The attribute's value as the header writes it; nothing if it is no good.
std::optional<std::string> checked(const Attribute &attribute, Text value) {
    if (attribute.word == "samesite=") {
        return same_site(value);
    }
    const bool is_good =
        attribute.word == "max-age=" ? static_cast<bool>(parse_number(value)) : is_attribute_value(value);
    return is_good || !takes_value(attribute) ? std::optional(std::string(value)) : std::nullopt;
}

using Given = std::array<std::optional<std::string>, kAttributes.size()>;

bool take(Given &given, Text word) {
    for (std::size_t i = 0; i < kAttributes.size(); ++i) {
        const Attribute &attribute = kAttributes[i];
        if (takes_value(attribute) ? word.starts_with(attribute.word) : word == attribute.word) {
            const bool fresh = !given[i];
            given[i] = checked(attribute, word.substr(attribute.word.size()));
            return fresh && given[i];
        }
    }
    return false;
}

std::string header_text(const Given &given) {
    std::string text;
    for (std::size_t i = 0; i < kAttributes.size(); ++i) {
        const std::string value = given[i].value_or(std::string(kAttributes[i].value));
        if (value != kAbsent) {
            text += "; ";
            text += kAttributes[i].header;
            text += value;
        }
    }
    return text;
}

} // namespace

char *set_cookie(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.cookie) {
        return duplicate();
    }
    const std::vector<Text> words = words_of(cf);
    if (words[1] == "off" && words.size() == 2) {
        conf.slots.cookie = Cookie{};
        return conf_ok();
    }
    if (!is_cookie_name(words[1])) {
        return invalid(cf, words[1], "a cookie's name or \"off\"");
    }
    Given given;
    for (const Text word : std::span(words).subspan(2)) {
        if (!take(given, word)) {
            return invalid(cf, word,
                           "\"path=\", \"domain=\", \"max-age=seconds\", \"samesite=strict|lax|none\", "
                           "\"secure\" or \"httponly\", each once");
        }
    }
    conf.slots.cookie = Cookie{std::string(words[1]), header_text(given)};
    return conf_ok();
}

} // namespace rt::ngx
