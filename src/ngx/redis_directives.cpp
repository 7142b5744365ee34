// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_directives.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <unistd.h>

namespace rt::ngx {

namespace {

constexpr Text kEnv = "env:";

// Part of a URL with a password, wherever it was written by mistake.
bool may_be_secret(Text text) noexcept {
    return text.find('@') != Text::npos || text.find("%40") != Text::npos;
}

// A word, and what it stands for, unless that may hold a secret.
std::string told(const RedisWord &word) {
    std::string text = may_be_secret(word.written) ? "" : " " + quoted(word.written);
    if (word.written != word.value && !may_be_secret(word.value)) {
        text += ", which is " + quoted(word.value) + ",";
    }
    return text;
}

char *bad(ngx_conf_t *cf, const RedisWord &word, Text wanted) {
    return refuse(cf, "invalid value" + told(word) + " in " + quoted(words_of(cf)[0]) +
                          " directive, it must be " + std::string(wanted));
}

// Of a URL, whose value is never told.
char *bad_url(ngx_conf_t *cf, const RedisWord &word, Text why) {
    RedisWord written = word;
    written.value = word.written;
    return refuse(cf, "invalid value" + told(written) + " in " + quoted(words_of(cf)[0]) +
                          " directive: " + std::string(why));
}

// Where the variable's name begins in a word like `env:NAME` or `key=env:NAME`.
std::size_t env_at(Text word) noexcept {
    if (word.starts_with(kEnv)) {
        return 0;
    }
    const std::size_t equals = word.find('=');
    const bool is_one = equals != Text::npos && word.substr(equals + 1).starts_with(kEnv);
    return is_one ? equals + 1 : Text::npos;
}

struct Range {
    std::uint64_t least;
    std::uint64_t most;
};

std::optional<std::uint32_t> number_in(Text word, Range range) {
    const Result<std::uint64_t> number = parse_number(word);
    if (!number || *number < range.least || *number > range.most) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*number);
}

std::optional<Millis> positive_time(Text word) noexcept {
    const std::optional<Millis> time = parse_time(word);
    return time && *time > 0 ? time : std::nullopt;
}

char *set_time(ngx_conf_t *cf, Millis &slot, const RedisWord &word) {
    const std::optional<Millis> time = positive_time(word.value);
    if (!time) {
        return bad(cf, word, "a positive time");
    }
    slot = *time;
    return conf_ok();
}

std::optional<bool> flag(Text word) noexcept {
    if (word != "on" && word != "off") {
        return std::nullopt;
    }
    return word == "on";
}

char *set_flag(ngx_conf_t *cf, bool &slot, const RedisWord &word) {
    const std::optional<bool> value = flag(word.value);
    if (!value) {
        return bad(cf, word, "\"on\" or \"off\"");
    }
    slot = *value;
    return conf_ok();
}

} // namespace

EnvWords env_words(ngx_conf_t *cf) {
    EnvWords result;
    for (const Text word : arguments_of(cf)) {
        const std::size_t at = env_at(word);
        if (at == Text::npos) {
            result.words.push_back({word, std::string(word)});
            continue;
        }
        const std::string name(word.substr(at + kEnv.size()));
        if (name.empty()) {
            refuse(cf, "no name in " + quoted(word) + " in " + quoted(words_of(cf)[0]) + " directive");
            result.refused = true;
            return result;
        }
        const char *value = std::getenv(name.c_str());
        if (value != nullptr && *value != '\0') {
            result.words.push_back({word, std::string(word.substr(0, at)) + value});
        } else if (result.unset.empty()) {
            result.unset = name;
        }
    }
    return result;
}

char *run_redis_directive(ngx_conf_t *cf, RedisDraft &draft, RedisSetter set) {
    const std::string name(words_of(cf)[0]);
    if (name != "server" && std::find(draft.seen.begin(), draft.seen.end(), name) != draft.seen.end()) {
        return duplicate();
    }
    draft.seen.push_back(name);
    const EnvWords given = env_words(cf);
    if (given.refused) {
        return conf_error();
    }
    if (name == "url" || name == "host" || name == "server") {
        draft.has_address = true;
        if (draft.block.unset.empty()) {
            draft.block.unset = given.unset;
        }
    }
    return given.words.empty() ? conf_ok() : set(cf, draft, given.words);
}

// --- where it is, and who we are there ---

char *set_redis_url(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    Result<cluster::RedisUrl> url = cluster::parse_redis_url(words[0].value);
    if (!url) {
        return bad_url(cf, words[0], url.error().where);
    }
    draft.url = std::move(*url);
    return conf_ok();
}

char *set_redis_host(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    const std::string &value = words[0].value;
    const Result<cluster::RedisAddress> address = cluster::parse_redis_server(value);
    const bool plain = address && (cluster::is_unix(*address) || address->host == value ||
                                   "[" + address->host + "]" == value);
    if (!plain) {
        return bad(cf, words[0], "a name, an address or \"unix:/path\"");
    }
    draft.host = value;
    return conf_ok();
}

char *set_redis_port(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    const Result<std::uint16_t> port = cluster::parse_port(words[0].value);
    if (!port) {
        return bad(cf, words[0], "a port");
    }
    draft.port = *port;
    return conf_ok();
}

char *set_redis_db(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    draft.db = number_in(words[0].value, {0, 1u << 20});
    return draft.db ? conf_ok() : bad(cf, words[0], "the number of a database");
}

char *set_redis_user(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.user = words[0].value;
    return conf_ok();
}

char *set_redis_password(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    if (draft.password) {
        return refuse(cf, "\"password\" and \"password_file\" in one realtime_redis");
    }
    if (!words[0].value.empty()) {
        draft.password = words[0].value;
    }
    return conf_ok();
}

// One line, read by the master; the workers need no right to read it.
char *set_redis_password_file(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    ngx_str_t name = copy_text(cf->pool, words[0].value);
    if (name.data == nullptr || ngx_conf_full_name(cf->cycle, &name, 1) != NGX_OK) {
        return conf_error();
    }
    std::array<char, 4096> buffer;
    const ngx_fd_t file = ngx_open_file(name.data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    const ssize_t size = file == NGX_INVALID_FILE ? -1 : ::read(file, buffer.data(), buffer.size());
    if (size < 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno, "password_file \"%V\" cannot be read", &name);
    }
    if (file != NGX_INVALID_FILE) {
        static_cast<void>(ngx_close_file(file));
    }
    if (size < 0) {
        return conf_error();
    }
    const Text content(buffer.data(), static_cast<std::size_t>(size));
    const Text line = content.substr(0, content.find_first_of("\r\n"));
    return set_redis_password(cf, draft, {{words[0].written, std::string(line)}});
}

char *set_redis_mode(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    cluster::RedisSettings &settings = draft.block.settings;
    constexpr Text master = "master=";
    constexpr Text wanted = "\"standalone\", \"sentinel master=name\" or \"cluster\"";
    const std::string &mode = words[0].value;
    if (mode == "sentinel") {
        const bool named =
            words.size() == 2 && words[1].value.starts_with(master) && words[1].value.size() > master.size();
        if (!named) {
            return bad(cf, words.back(), wanted);
        }
        settings.nodes.mode = cluster::RedisMode::sentinel;
        settings.nodes.master = words[1].value.substr(master.size());
        return conf_ok();
    }
    if (words.size() > 1 || (mode != "standalone" && mode != "cluster")) {
        return bad(cf, words.back(), wanted);
    }
    settings.nodes.mode = mode == "cluster" ? cluster::RedisMode::cluster : cluster::RedisMode::standalone;
    return conf_ok();
}

// A variable may hold several, separated by commas.
char *set_redis_server(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    bool good = true;
    split_each(words[0].value, ',', [&](Text part) {
        good = good && static_cast<bool>(cluster::parse_redis_server(trim(part)));
        draft.servers.emplace_back(trim(part));
    });
    return good ? conf_ok() : bad(cf, words[0], "\"host:port\"");
}

// --- what is spoken ---

// A prefix with "#" would be heard as a namespace of another one.
bool is_redis_prefix(Text prefix) noexcept {
    return !prefix.empty() && prefix.size() <= 128 && std::all_of(prefix.begin(), prefix.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '#';
    });
}

namespace {

bool set_adapter_parameter(cluster::RedisAdapter &adapter, Text word) {
    const auto [key, value] = split_once(word, '=');
    if (key == "prefix" && is_redis_prefix(value)) {
        adapter.prefix = value;
        return true;
    }
    if (key == "request_timeout" && positive_time(value)) {
        adapter.request_timeout = *positive_time(value);
        return true;
    }
    const std::optional<cluster::DialectSettings::Mode> mode = cluster::sharded_mode_of(value);
    adapter.mode = mode.value_or(adapter.mode);
    return key == "mode" && mode && adapter.kind == cluster::Adapter::sharded;
}

} // namespace

char *set_redis_adapter(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    cluster::RedisAdapter &adapter = draft.block.settings.adapter;
    const std::string &kind = words[0].value;
    if (kind != "classic" && kind != "sharded" && kind != "off") {
        return bad(cf, words[0], "\"classic\", \"sharded\" or \"off\"");
    }
    adapter.kind = kind == "classic"   ? cluster::Adapter::classic
                   : kind == "sharded" ? cluster::Adapter::sharded
                                       : cluster::Adapter::off;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!set_adapter_parameter(adapter, words[i].value)) {
            return bad(cf, words[i],
                       "\"prefix=text\", \"request_timeout=time\" or, of \"sharded\", "
                       "\"mode=static|dynamic|dynamic-private\"");
        }
    }
    return conf_ok();
}

char *set_redis_subscribe(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    if (words[0].value != "all" && words[0].value != "rooms") {
        return bad(cf, words[0], "\"all\" or \"rooms\"");
    }
    draft.block.settings.adapter.rooms = words[0].value == "rooms";
    return conf_ok();
}

char *set_redis_key_prefix(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    if (!is_redis_prefix(words[0].value)) {
        return bad(cf, words[0], "text without blanks and \"#\"");
    }
    draft.block.settings.key_prefix = words[0].value;
    return conf_ok();
}

// --- how long is waited ---

char *set_redis_reconnect(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    cluster::RedisScheduleSettings &reconnect = draft.block.settings.reconnect;
    for (const RedisWord &word : words) {
        const auto [key, value] = split_once(word.value, '=');
        const std::optional<Millis> time = positive_time(value);
        const std::optional<std::uint32_t> tries = number_in(value, {1, 1000000});
        if ((key == "step" || key == "max") && time) {
            (key == "step" ? reconnect.step : reconnect.max) = *time;
        } else if (key == "tries" && tries) {
            reconnect.tries = *tries;
        } else {
            return bad(cf, word, "\"step=time\", \"max=time\" or \"tries=number\"");
        }
    }
    return conf_ok();
}

char *set_redis_connect_timeout(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    return set_time(cf, draft.block.settings.connect_timeout, words[0]);
}

char *set_redis_command_timeout(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    return set_time(cf, draft.block.settings.command_timeout, words[0]);
}

// --- TLS ---

char *set_redis_ssl(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    draft.ssl = flag(words[0].value);
    return draft.ssl ? conf_ok() : bad(cf, words[0], "\"on\" or \"off\"");
}

char *set_redis_ssl_verify(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    return set_flag(cf, draft.block.settings.tls.verify, words[0]);
}

char *set_redis_ssl_server_name(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    return set_flag(cf, draft.block.settings.tls.server_name, words[0]);
}

char *set_redis_ssl_verify_depth(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    const std::optional<std::uint32_t> depth = number_in(words[0].value, {0, 100});
    if (!depth) {
        return bad(cf, words[0], "a number");
    }
    draft.block.settings.tls.depth = *depth;
    return conf_ok();
}

char *set_redis_ssl_name(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.block.settings.tls.name = words[0].value;
    return conf_ok();
}

char *set_redis_ssl_trusted(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.tls.trusted = words[0].value;
    return conf_ok();
}

char *set_redis_ssl_certificate(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.tls.certificate = words[0].value;
    return conf_ok();
}

char *set_redis_ssl_key(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.tls.key = words[0].value;
    return conf_ok();
}

char *set_redis_ssl_protocols(ngx_conf_t *cf, RedisDraft &draft, const RedisWords &words) {
    constexpr std::array<std::pair<Text, ngx_uint_t>, 4> protocols = {{{"TLSv1", NGX_SSL_TLSv1},
                                                                       {"TLSv1.1", NGX_SSL_TLSv1_1},
                                                                       {"TLSv1.2", NGX_SSL_TLSv1_2},
                                                                       {"TLSv1.3", NGX_SSL_TLSv1_3}}};
    for (const RedisWord &word : words) {
        const auto found = std::find_if(protocols.begin(), protocols.end(),
                                        [&](const auto &row) { return row.first == word.value; });
        if (found == protocols.end()) {
            return bad(cf, word, "\"TLSv1\", \"TLSv1.1\", \"TLSv1.2\" or \"TLSv1.3\"");
        }
        draft.tls.protocols |= found->second;
    }
    return conf_ok();
}

char *set_redis_ssl_ciphers(ngx_conf_t *, RedisDraft &draft, const RedisWords &words) {
    draft.tls.ciphers = words[0].value;
    return conf_ok();
}

} // namespace rt::ngx
