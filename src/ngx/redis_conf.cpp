// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/redis_conf.hpp"

#include "base/text.hpp"
#include "ngx/conf_blocks.hpp"
#include "ngx/conf_words.hpp"
#include "ngx/redis_directives.hpp"

#include <algorithm>

namespace rt::ngx {

namespace {

constexpr std::uint16_t kSentinelPort = 26379;

bool of(ngx_conf_t *cf, Text complaint) {
    refuse(cf, complaint);
    return false;
}

// --- the end of the block ---

cluster::RedisAddress written_address(const RedisDraft &draft, std::uint16_t port) {
    const Result<cluster::RedisAddress> address = cluster::parse_redis_server(
        draft.host ? *draft.host : std::string("localhost"), draft.port.value_or(port));
    return *address; // its words have been judged
}

// The URL wins over `host` and `port`; `server` adds to both.
void set_addresses(RedisDraft &draft) {
    cluster::RedisSettings &settings = draft.block.settings;
    const bool sentinel = settings.nodes.mode == cluster::RedisMode::sentinel;
    const std::uint16_t port = sentinel ? kSentinelPort : cluster::kRedisPort;
    if (draft.url) {
        cluster::RedisAddress &address = settings.nodes.servers.emplace_back(draft.url->address);
        address.port = address.port == 0 && !cluster::is_unix(address) ? port : address.port;
    } else if (draft.host || draft.servers.empty()) {
        settings.nodes.servers.push_back(written_address(draft, port));
    }
    for (const std::string &server : draft.servers) {
        settings.nodes.servers.push_back(*cluster::parse_redis_server(server, port));
    }
}

void set_user(ngx_conf_t *cf, RedisDraft &draft) {
    cluster::RedisSettings &settings = draft.block.settings;
    if (draft.url) {
        settings.user = draft.url->user;
        settings.password = draft.url->password;
    }
    if (draft.password && !settings.password.empty() && settings.password != *draft.password) {
        warn(cf, "realtime_redis " + quoted(settings.name) +
                     " has a password in its URL and another one by itself, which is taken");
    }
    settings.user = draft.user.value_or(settings.user);
    settings.password = draft.password.value_or(settings.password);
}

void set_db(ngx_conf_t *cf, RedisDraft &draft) {
    cluster::RedisSettings &settings = draft.block.settings;
    const std::optional<std::uint32_t> in_url = draft.url ? draft.url->db : std::nullopt;
    settings.db = in_url ? *in_url : draft.db.value_or(0);
    if (settings.db != 0 && settings.nodes.mode != cluster::RedisMode::cluster) {
        warn(cf, "database " + std::to_string(settings.db) + " of realtime_redis " + quoted(settings.name) +
                     " holds keys of its own, but what is published is heard in all databases: "
                     "two systems on one Redis need two prefixes");
    }
}

bool check(ngx_conf_t *cf, const RedisDraft &draft) {
    const cluster::RedisSettings &settings = draft.block.settings;
    const std::string name = "realtime_redis " + quoted(settings.name);
    if (settings.nodes.mode == cluster::RedisMode::standalone && settings.nodes.servers.size() > 1) {
        return of(cf, name + " has more than one address, which takes \"mode sentinel\" or \"mode cluster\"");
    }
    if (settings.nodes.mode == cluster::RedisMode::cluster && settings.db != 0) {
        return of(cf, name + " is a cluster, which has no database but 0");
    }
    if (settings.adapter.rooms && settings.adapter.kind == cluster::Adapter::sharded) {
        return of(cf,
                  name + " has \"subscribe rooms\", which \"adapter sharded mode=dynamic\" does by itself");
    }
    if (draft.url && draft.url->tls && draft.ssl == false) {
        return of(cf, name + " has \"ssl off\" and a URL with \"rediss://\"");
    }
    if (settings.reconnect.max < settings.reconnect.step) {
        return of(cf, name + " has a \"reconnect\" whose max= is less than its step=");
    }
    return true;
}

bool finish(ngx_conf_t *cf, RedisDraft &draft) {
    RedisBlock &block = draft.block;
    if (draft.has_address && !draft.url && !draft.host && draft.servers.empty()) {
        block.on = false;
        return true;
    }
    set_addresses(draft);
    set_user(cf, draft);
    set_db(cf, draft);
    if (!check(cf, draft)) {
        return false;
    }
    block.settings.key_prefix = cluster::tagged_prefix(block.settings.key_prefix, block.settings.nodes.mode);
    block.settings.tls.on = draft.ssl.value_or(draft.url && draft.url->tls);
    return !block.settings.tls.on || make_tls(cf, block, draft.tls);
}

// --- `redis` in realtime_app ---

bool set_purposes(RedisWish &wish, Text list) {
    wish.bus = wish.state = false;
    bool good = true;
    split_each(list, ',', [&](Text purpose) {
        bool &slot = purpose == "bus" ? wish.bus : wish.state;
        good = good && (purpose == "bus" || purpose == "state") && !slot;
        slot = true;
    });
    return good;
}

bool set_parameter(RedisWish &wish, Text word) {
    const auto [key, value] = split_once(word, '=');
    if (key == "for") {
        return set_purposes(wish, value);
    }
    std::optional<std::string> &slot = key == "prefix" ? wish.prefix : wish.key_prefix;
    if ((key != "prefix" && key != "key_prefix") || slot || !is_redis_prefix(value)) {
        return false;
    }
    slot = std::string(value);
    return true;
}

void use(AppRedis &slot, const RedisBlock &block, const RedisWish &wish) {
    const cluster::RedisSettings &settings = block.settings;
    slot.block = &block;
    slot.use.redis = &settings;
    slot.use.prefix = wish.prefix.value_or(settings.adapter.prefix);
    slot.use.key_prefix =
        wish.key_prefix ? cluster::tagged_prefix(*wish.key_prefix, settings.nodes.mode) : settings.key_prefix;
}

bool bind(ngx_conf_t *cf, const MainConf &main, AppConf &app) {
    for (const RedisWish &wish : app.redis_wishes) {
        const RedisBlock *block = main.find_redis(wish.block);
        if (block == nullptr) {
            complain_at(NGX_LOG_EMERG, cf->log, wish.where, "unknown realtime_redis " + quoted(wish.block));
            return false;
        }
        if (block->on && wish.bus && block->settings.adapter.kind != cluster::Adapter::off) {
            use(app.bus, *block, wish);
        }
        if (block->on && wish.state) {
            use(app.state, *block, wish);
        }
    }
    return true;
}

// By what is written: two names of one machine are not seen through.
bool same_redis(const cluster::RedisSettings &a, const cluster::RedisSettings &b) {
    return a.nodes.master == b.nodes.master &&
           std::any_of(a.nodes.servers.begin(), a.nodes.servers.end(),
                       [&](const cluster::RedisAddress &address) {
                           return std::find(b.nodes.servers.begin(), b.nodes.servers.end(), address) !=
                                  b.nodes.servers.end();
                       });
}

// The word that both have and must not; empty: they are apart.
Text clash(const AppRedis &a, const AppRedis &b, bool both_publish) {
    const bool meet = a.block != nullptr && b.block != nullptr && same_redis(*a.use.redis, *b.use.redis);
    if (!meet) {
        return {};
    }
    if (both_publish && a.use.prefix == b.use.prefix) {
        return "prefix=";
    }
    const bool see = both_publish || a.use.redis->db == b.use.redis->db;
    return see && a.use.key_prefix == b.use.key_prefix ? Text("key_prefix=") : Text();
}

Text clash(const AppConf &a, const AppConf &b) {
    for (const Text word : {clash(a.bus, b.bus, true), clash(a.state, b.state, false),
                            clash(a.bus, b.state, false), clash(a.state, b.bus, false)}) {
        if (!word.empty()) {
            return word;
        }
    }
    return {};
}

bool keep_apart(ngx_conf_t *cf, const MainConf &main, const AppConf &app) {
    for (const auto &other : main.apps) {
        if (other.get() == &app) {
            return true;
        }
        if (const Text word = clash(*other, app); !word.empty()) {
            complain_at(NGX_LOG_EMERG, cf->log, app.redis_wishes.back().where,
                        "realtime_app " + quoted(app.settings.name) + " needs a " + std::string(word) +
                            " of its own: realtime_app " + quoted(other->settings.name) +
                            " has the same one on the same Redis");
            return false;
        }
    }
    return true;
}

} // namespace

char *set_redis(ngx_conf_t *cf, MainConf &main) {
    const Text name = words_of(cf)[1];
    if (!is_block_name(name)) {
        return invalid(cf, name, kBlockName);
    }
    if (main.find_redis(name) != nullptr) {
        return refuse(cf, "duplicate realtime_redis " + quoted(name));
    }
    main.redis.push_back(std::make_unique<RedisBlock>());
    RedisBlock &block = *main.redis.back();
    block.settings.name = name;
    RedisDraft draft{.block = block};
    char *result = read_block(cf, &draft, kInRedis);
    if (result != conf_ok()) {
        return result;
    }
    return finish(cf, draft) ? conf_ok() : conf_error();
}

char *add_redis_wish(ngx_conf_t *cf, AppConf &app) {
    const EnvWords given = env_words(cf);
    if (given.refused) {
        return conf_error();
    }
    if (given.words.empty()) {
        return conf_ok();
    }
    RedisWish wish{.block = given.words[0].value, .prefix = {}, .key_prefix = {}, .where = here(cf)};
    for (std::size_t i = 1; i < given.words.size(); ++i) {
        if (!set_parameter(wish, given.words[i].value)) {
            return invalid(cf, given.words[i].value,
                           "\"for=bus\", \"for=state\", \"prefix=text\" or \"key_prefix=text\"");
        }
    }
    const bool twice =
        std::any_of(app.redis_wishes.begin(), app.redis_wishes.end(),
                    [&](const RedisWish &one) { return (one.bus && wish.bus) || (one.state && wish.state); });
    if (twice) {
        return duplicate();
    }
    app.redis_wishes.push_back(std::move(wish));
    return conf_ok();
}

bool bind_redis(ngx_conf_t *cf, MainConf &main) {
    return std::all_of(main.apps.begin(), main.apps.end(),
                       [&](const auto &app) { return bind(cf, main, *app); }) &&
           std::all_of(main.apps.begin(), main.apps.end(),
                       [&](const auto &app) { return keep_apart(cf, main, *app); });
}

const RedisBlock *MainConf::find_redis(Text name) const noexcept {
    const auto found = std::find_if(redis.begin(), redis.end(),
                                    [name](const auto &one) { return one->settings.name == name; });
    return found == redis.end() ? nullptr : found->get();
}

} // namespace rt::ngx
