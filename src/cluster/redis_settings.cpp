// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/redis_settings.hpp"

#include "base/text.hpp"

#include <array>

namespace rt::cluster {

namespace {

Text adapter_text(Adapter adapter) noexcept {
    switch (adapter) {
    case Adapter::classic:
        return "classic";
    case Adapter::sharded:
        return "sharded";
    case Adapter::off:
        break;
    }
    return "off";
}

// In the order of the modes.
constexpr std::array<Text, 3> kModes = {"static", "dynamic", "dynamic-private"};

std::string mode_text(const RedisSettings &settings) {
    switch (settings.nodes.mode) {
    case RedisMode::sentinel:
        return ", sentinel master=" + settings.nodes.master;
    case RedisMode::cluster:
        return ", cluster";
    case RedisMode::standalone:
        break;
    }
    return {};
}

std::string user_text(const RedisSettings &settings) {
    if (settings.user.empty() && settings.password.empty()) {
        return {};
    }
    return settings.user + (settings.password.empty() ? "@" : ":***@");
}

std::string address_text(const RedisSettings &settings) {
    std::string text = settings.tls.on ? "rediss://" : "redis://";
    text += user_text(settings);
    for (std::size_t i = 0; i < settings.nodes.servers.size(); ++i) {
        text += i == 0 ? "" : ",";
        text += text_of(settings.nodes.servers[i]);
    }
    text += '/';
    append_number(text, settings.db);
    return text;
}

std::string time_text(Millis time) {
    std::string text;
    append_number(text, static_cast<std::uint64_t>(time));
    return text + "ms";
}

} // namespace

Text mode_name(DialectSettings::Mode mode) noexcept { return kModes[static_cast<std::size_t>(mode)]; }

std::optional<DialectSettings::Mode> sharded_mode_of(Text name) noexcept {
    for (std::size_t i = 0; i < kModes.size(); ++i) {
        if (kModes[i] == name) {
            return static_cast<DialectSettings::Mode>(i);
        }
    }
    return std::nullopt;
}

bool is_unix(const RedisAddress &address) noexcept { return Text(address.host).starts_with("unix:"); }

std::string text_of(const RedisAddress &address) {
    const std::string &host = address.host;
    if (is_unix(address)) {
        return host;
    }
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    text += ':';
    append_number(text, address.port);
    return text;
}

std::string RedisSettings::text() const {
    std::string text = address_text(*this) + mode_text(*this);
    text += tls.on && !tls.verify ? ", certificate not verified" : "";
    text += ", adapter ";
    text += adapter_text(adapter.kind);
    if (adapter.kind != Adapter::off) {
        text += adapter.kind == Adapter::sharded ? " mode=" + std::string(mode_name(adapter.mode)) : "";
        text += " prefix=" + adapter.prefix;
        text += " request_timeout=" + time_text(adapter.request_timeout);
    }
    text += adapter.rooms ? ", subscribe rooms" : "";
    text += ", key_prefix " + key_prefix;
    text += ", reconnect step=" + time_text(reconnect.step) + " max=" + time_text(reconnect.max);
    if (reconnect.tries != 0) {
        text += " tries=";
        append_number(text, reconnect.tries);
    }
    text += ", connect_timeout " + time_text(connect_timeout);
    text += ", command_timeout " + time_text(command_timeout);
    return text;
}

// Redis hashes what stands between the first "{" and the next "}", if that is not empty.
std::string tagged_prefix(Text prefix, RedisMode mode) {
    const std::size_t open = prefix.find('{');
    const std::size_t close = open == Text::npos ? Text::npos : prefix.find('}', open);
    const bool tagged = close != Text::npos && close > open + 1;
    if (mode != RedisMode::cluster || tagged || prefix.empty()) {
        return std::string(prefix);
    }
    return "{" + std::string(prefix) + "}";
}

} // namespace rt::cluster
