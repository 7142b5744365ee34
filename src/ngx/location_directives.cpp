// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/location_directives.hpp"

#include "base/text.hpp"
#include "ngx/conf_words.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30; // of a payload or buffer

template <class T> struct Range {
    T least;
    T most;
};

std::string range_text(std::size_t least, std::size_t most) {
    return "from " + size_text(least) + " to " + size_text(most);
}

std::optional<std::uint32_t> number_in(Text word, Range<std::uint32_t> range) {
    const Result<std::uint64_t> number = parse_number(word);
    if (!number || *number < range.least || *number > range.most) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*number);
}

std::optional<std::uint32_t> size_in(Text word, Range<std::size_t> range) {
    const std::optional<std::size_t> size = parse_size(word);
    if (!size || *size < range.least || *size > range.most) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*size);
}

// One time that must not be shorter than `least`.
char *set_time(ngx_conf_t *cf, std::optional<Millis> &slot, Millis least) {
    if (slot) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    slot = parse_time(word);
    return slot && *slot >= least ? conf_ok() : invalid(cf, word, least > 0 ? "a positive time" : "a time");
}

} // namespace

char *set_transports(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.transports) {
        return duplicate();
    }
    Transports transports;
    for (const Text word : arguments_of(cf)) {
        bool *transport = word == "polling" ? &transports.polling : &transports.websocket;
        if ((word != "polling" && word != "websocket") || *transport) {
            return invalid(cf, word, "\"polling\", \"websocket\" or both");
        }
        *transport = true;
    }
    conf.slots.transports = transports;
    return conf_ok();
}

char *set_ping(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.ping_interval || conf.slots.ping_timeout) {
        return duplicate();
    }
    for (const Text word : arguments_of(cf)) {
        const auto [key, value] = split_once(word, '=');
        std::optional<Millis> &slot = key == "interval" ? conf.slots.ping_interval : conf.slots.ping_timeout;
        if ((key != "interval" && key != "timeout") || slot) {
            return invalid(cf, word, "\"interval=time\" or \"timeout=time\", each once");
        }
        slot = parse_time(value);
        if (!slot || *slot == 0) {
            return invalid(cf, word, "a positive time");
        }
    }
    return conf_ok();
}

char *set_upgrade_timeout(ngx_conf_t *cf, LocationConf &conf) {
    return set_time(cf, conf.slots.upgrade_timeout, 1);
}

char *set_connect_timeout(ngx_conf_t *cf, LocationConf &conf) {
    return set_time(cf, conf.slots.connect_timeout, 1);
}

char *set_drain(ngx_conf_t *cf, LocationConf &conf) { return set_time(cf, conf.slots.drain, 0); }

char *set_max_payload(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.max_payload) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    conf.slots.max_payload = size_in(word, {1, kLargest});
    return conf.slots.max_payload ? conf_ok() : invalid(cf, word, "a size " + range_text(1, kLargest));
}

char *set_cors(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.cors) {
        return duplicate();
    }
    auto rules = std::make_shared<CorsRules>();
    for (const Text word : arguments_of(cf)) {
        if (const auto complaint = rules->add(cf->pool, word)) {
            return refuse(cf, *complaint + " in \"realtime_cors\" directive");
        }
    }
    if (rules->any() && rules->credentials()) {
        warn(cf,
             "\"realtime_cors\" with \"*\" and \"credentials\": every site may act in its visitor's name");
    }
    conf.slots.cors = rules->configured() ? std::move(rules) : nullptr;
    return conf_ok();
}

char *set_deflate(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.deflate) {
        return duplicate();
    }
    const std::vector<Text> words = words_of(cf);
    if (words[1] != "on" && words[1] != "off") {
        return invalid(cf, words[1], "\"on\" or \"off\"");
    }
    Deflate deflate{words[1] == "on", std::nullopt};
    if (words.size() > 2) {
        const auto [key, value] = split_once(words[2], '=');
        deflate.threshold = size_in(value, {0, kLargest});
        if (key != "threshold" || !deflate.threshold) {
            return invalid(cf, words[2], "\"threshold=size\"");
        }
    }
    conf.slots.deflate = deflate;
    return conf_ok();
}

char *set_send_buffer(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.send_buffer) {
        return duplicate();
    }
    constexpr Range<std::size_t> range = {1024, kLargest};
    const std::vector<Text> words = words_of(cf);
    const std::optional<std::uint32_t> size = size_in(words[1], range);
    if (!size) {
        return invalid(cf, words[1], "a size " + range_text(range.least, range.most));
    }
    SendBuffer buffer{*size, std::nullopt};
    if (words.size() > 2) {
        if (words[2] != "policy=close" && words[2] != "policy=drop_volatile") {
            return invalid(cf, words[2], "\"policy=close\" or \"policy=drop_volatile\"");
        }
        buffer.policy =
            words[2] == "policy=close" ? engine::SlowPolicy::close : engine::SlowPolicy::drop_volatile;
    }
    conf.slots.send_buffer = buffer;
    return conf_ok();
}

char *set_max_sockets(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.max_sockets) {
        return duplicate();
    }
    const std::vector<Text> words = words_of(cf);
    const std::optional<std::uint32_t> count = number_in(words[1], {1, INT32_MAX});
    if (!count) {
        return invalid(cf, words[1], "a positive number");
    }
    MaxSockets bound{*count, MaxSockets::Per::none};
    if (words.size() > 2) {
        if (words[2] != "per=ip" && words[2] != "per=user") {
            return invalid(cf, words[2], "\"per=ip\" or \"per=user\"");
        }
        bound.per = words[2] == "per=ip" ? MaxSockets::Per::ip : MaxSockets::Per::user;
    }
    conf.slots.max_sockets = bound;
    return conf_ok();
}

char *set_limits(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.limits != LimitSlots{}) {
        return duplicate();
    }
    for (const Text word : arguments_of(cf)) {
        const auto [key, value] = split_once(word, '=');
        const auto row = std::find_if(kLimitRows.begin(), kLimitRows.end(),
                                      [key = key](const LimitRow &one) { return one.key == key; });
        if (row == kLimitRows.end()) {
            return invalid(cf, word,
                           "one of \"namespaces=\", \"rooms=\", \"attachments=\", \"depth=\", \"acks=\"");
        }
        std::optional<std::uint32_t> &slot =
            conf.slots.limits[static_cast<std::size_t>(row - kLimitRows.begin())];
        const bool twice = slot.has_value();
        slot = number_in(value, {row->least, row->most});
        if (twice || !slot) {
            return invalid(cf, word,
                           "a number from " + std::to_string(row->least) + " to " +
                               std::to_string(row->most) + ", once");
        }
    }
    return conf_ok();
}

char *set_serve_client(ngx_conf_t *cf, LocationConf &conf) {
    if (conf.slots.serve_client) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    if (word.empty()) {
        return invalid(cf, word, "a directory or \"off\"");
    }
    ngx_str_t path = copy_text(cf->pool, word);
    if (word != "off" && (path.data == nullptr || ngx_conf_full_name(cf->cycle, &path, 0) != NGX_OK)) {
        return conf_error();
    }
    conf.slots.serve_client = word == "off" ? std::string() : std::string(to_text(path));
    return conf_ok();
}

} // namespace rt::ngx
