// SPDX-License-Identifier: BSD-2-Clause
#include "cluster/redis_url.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace rt::cluster {

namespace {

constexpr std::uint16_t kNoPort = 0;

constexpr Text kUnix = "unix:";
constexpr std::uint32_t kMostDb = 1u << 20; // far beyond what any Redis is built for

Error wrong(const char *words) { return {Code::protocol, words}; }

bool is_host(Text host) {
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '-' || c == '_';
    });
}

// With a zone, perhaps: fe80::1%eth0.
bool is_ip6(Text host) {
    const auto [address, zone] = split_once(host, '%');
    return address.find(':') != Text::npos && host.size() <= 63 && (zone.empty() || is_host(zone)) &&
           address.find_first_not_of("0123456789abcdefABCDEF:.") == Text::npos;
}

// The kernel's sun_path has 108 bytes with the 0 at its end.
Result<RedisAddress> unix_address(Text path) {
    while (path.starts_with("//")) {
        path.remove_prefix(1); // unix:///path
    }
    if (!path.starts_with('/')) {
        return wrong("the path of a unix socket must begin with \"/\"");
    }
    if (path.size() > 107) {
        return wrong("the path of a unix socket has at most 107 bytes");
    }
    return RedisAddress{std::string(kUnix) + std::string(path), 0};
}

Result<RedisAddress> with_port(Text host, Text port, std::uint16_t default_port) {
    if (port.empty()) {
        return RedisAddress{std::string(host), default_port};
    }
    RT_TRY(number, parse_port(port));
    return RedisAddress{std::string(host), number};
}

Result<RedisAddress> bracketed(Text text, std::uint16_t default_port) {
    const std::size_t end = text.find(']');
    const Text host = text.substr(1, end == Text::npos ? 0 : end - 1);
    const Text rest = end == Text::npos ? Text{} : text.substr(end + 1);
    if (!is_ip6(host) || (!rest.empty() && !rest.starts_with(':')) || rest == ":") {
        return wrong("not an IPv6 address in brackets");
    }
    return with_port(host, rest.empty() ? rest : rest.substr(1), default_port);
}

// user:password@, both percent-encoded; what stands behind the last "@" is the host.
Text take_user(Text authority, RedisUrl &url) {
    const std::size_t at = authority.rfind('@');
    if (at == Text::npos) {
        return authority;
    }
    const auto [user, password] = split_once(authority.substr(0, at), ':');
    url.user = percent_decode(user, false);
    url.password = percent_decode(password, false);
    return authority.substr(at + 1);
}

Result<std::optional<std::uint32_t>> db_of(Text path) {
    if (path.empty()) {
        return std::optional<std::uint32_t>();
    }
    const Result<std::uint64_t> number = parse_number(path);
    if (!number || *number > kMostDb) {
        return wrong("the path of a Redis URL is the number of a database");
    }
    return std::optional(static_cast<std::uint32_t>(*number));
}

} // namespace

Result<std::uint16_t> parse_port(Text text) {
    const Result<std::uint64_t> number = parse_number(text);
    if (!number || *number == 0 || *number > 65535) {
        return wrong("a port is a number from 1 to 65535");
    }
    return static_cast<std::uint16_t>(*number);
}

Result<RedisAddress> parse_redis_server(Text text, std::uint16_t default_port) {
    if (text.starts_with(kUnix)) {
        return unix_address(text.substr(kUnix.size()));
    }
    if (text.starts_with('[')) {
        return bracketed(text, default_port);
    }
    if (is_ip6(text) && std::count(text.begin(), text.end(), ':') > 1) {
        return RedisAddress{std::string(text), default_port};
    }
    const auto [host, port] = split_once(text, ':');
    if (!is_host(host) || text.ends_with(':')) {
        return wrong("not a name or address of a host");
    }
    return with_port(host, port, default_port);
}

Result<RedisUrl> parse_redis_url(Text text) {
    RedisUrl url;
    if (text.starts_with(kUnix)) {
        RT_TRY(address, unix_address(text.substr(kUnix.size())));
        url.address = address;
        return url;
    }
    const std::size_t at = text.find("://");
    const std::string scheme = lower(text.substr(0, at == Text::npos ? 0 : at));
    if (scheme != "redis" && scheme != "rediss") {
        return wrong("a Redis URL begins with \"redis://\", \"rediss://\" or \"unix:/\"");
    }
    url.tls = scheme == "rediss";
    const Text rest = text.substr(at + 3);
    if (rest.find_first_of("?#") != Text::npos) {
        return wrong("a Redis URL has neither \"?\" nor \"#\"; write %3F and %23 in a password");
    }
    // A "/" in a password is to be written %2F: the first one ends the authority.
    const auto [authority, path] = split_once(rest, '/');
    const Text host = take_user(authority, url);
    RT_TRY(address, parse_redis_server(host.empty() ? Text("localhost") : host, kNoPort));
    url.address = address;
    RT_TRY(db, db_of(path));
    url.db = db;
    return is_unix(url.address) ? Result<RedisUrl>(wrong("not a name or address of a host")) : url;
}

} // namespace rt::cluster
