// SPDX-License-Identifier: BSD-2-Clause
#include "ngx/conf_blocks.hpp"

#include "ngx/conf_zones.hpp"
#include "ngx/pattern.hpp"
#include "ngx/redis_conf.hpp"
#include "wire/sio.hpp"

#include <algorithm>

namespace rt::ngx {

// What the directives of an open block write to. Lives on the stack of its directive.
struct Block {
    void *no_conf = nullptr; // nginx looks here for settings per module (ngx_conf_handler)
    MainConf &main;
    AppConf &app;
    hub::NamespaceSettings *nsp = nullptr;
    hub::EventRule *event = nullptr;
    hub::Chain *chain = nullptr;
    hub::Place place = hub::Place::event;
    std::vector<std::string> seen = {}; // what may stand here only once

    // False if it was there already.
    bool first(std::string what) {
        if (std::find(seen.begin(), seen.end(), what) != seen.end()) {
            return false;
        }
        seen.push_back(std::move(what));
        return true;
    }

    [[nodiscard]] hub::CompileScope names() {
        const bool nsp_pattern = nsp != nullptr && nsp->pattern != nullptr;
        const bool event_pattern = event != nullptr && event->pattern != nullptr;
        return {&app.settings.captured, nsp_pattern ? &nsp->pattern->names() : nullptr,
                event_pattern ? &event->pattern->names() : nullptr};
    }
};

namespace {

// Exact names first, then patterns in their order: the order in which they are tried.
template <class Items, class IsPattern> void exact_first(Items &items, IsPattern is_pattern) {
    std::stable_partition(items.begin(), items.end(), [&](const auto &item) { return !is_pattern(item); });
}

bool uses_auth(const hub::Chain &chain) noexcept {
    return std::any_of(chain.actions.begin(), chain.actions.end(),
                       [](const auto &action) { return action->uses(hub::Variable::auth); });
}

void finish_namespace(hub::NamespaceSettings &nsp) {
    exact_first(nsp.events, [](const hub::EventRule &rule) { return rule.pattern != nullptr; });
    // connect { } has the auth at hand; only what runs later needs it kept.
    nsp.keeps_auth = uses_auth(nsp.disconnect) ||
                     std::any_of(nsp.events.begin(), nsp.events.end(),
                                 [](const hub::EventRule &rule) { return uses_auth(rule.chain); });
}

char *finish_app(ngx_conf_t *cf, MainConf &main, AppConf &app) {
    exact_first(app.settings.namespaces, [](const auto &nsp) { return nsp->pattern != nullptr; });
    if (app.zone == nullptr) {
        app.settings.zone = app.settings.name;
        return add_zones(cf, main, app) ? conf_ok() : conf_error();
    }
    return conf_ok();
}

// `/x`, `~ regex`, `~* regex`, also without the space, as in `location`.
struct Match {
    Text exact;
    std::unique_ptr<hub::Pattern> pattern;
    std::string key; // the same for what is the same
    bool refused = false;
};

Match refused() { return {{}, nullptr, {}, true}; }

Match match_of(ngx_conf_t *cf) {
    const std::vector<Text> words = words_of(cf);
    Text modifier = words.size() > 2 ? words[1] : Text{};
    Text rest = words.back();
    if (modifier.empty() && rest.starts_with('~')) {
        modifier = rest.substr(0, rest.starts_with("~*") ? 2 : 1);
        rest.remove_prefix(modifier.size());
    }
    if (modifier.empty() && words.size() == 2) {
        return {rest, nullptr, std::string(rest)};
    }
    if (modifier != "~" && modifier != "~*") {
        invalid(cf, modifier, "\"~\" or \"~*\"");
        return refused();
    }
    auto compiled = NgxPattern::compile(cf->pool, rest, modifier == "~*");
    if (const auto *bad = std::get_if<NgxPattern::Bad>(&compiled)) {
        refuse(cf, bad->why);
        return refused();
    }
    return {{}, std::move(*std::get_if<0>(&compiled)), std::string(modifier) + " " + std::string(rest)};
}

char *refuse_second(ngx_conf_t *cf, Text what, Text key) {
    return refuse(cf, "duplicate " + std::string(what) + " " + quoted(key));
}

// connect { } and disconnect { }.
char *read_chain(ngx_conf_t *cf, Block &block, hub::Chain &chain, hub::Place place) {
    if (!block.first(place == hub::Place::connect ? "connect {" : "disconnect {")) {
        return duplicate();
    }
    Block inner{.main = block.main, .app = block.app, .nsp = block.nsp, .chain = &chain, .place = place};
    return read_block(cf, &inner, kInChain);
}

} // namespace

char *set_app(ngx_conf_t *cf, MainConf &main) {
    const Text name = words_of(cf)[1];
    if (!is_block_name(name)) {
        return invalid(cf, name, kBlockName);
    }
    if (main.find(name) != nullptr) {
        return refuse_second(cf, "realtime_app", name);
    }
    main.apps.push_back(std::make_unique<AppConf>());
    AppConf &app = *main.apps.back();
    app.settings.name = name;
    Block block{.main = main, .app = app};
    char *result = read_block(cf, &block, kInApp);
    return result == conf_ok() ? finish_app(cf, main, app) : result;
}

char *set_zone(ngx_conf_t *cf, Block &block) {
    if (block.app.zone != nullptr) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    const std::size_t colon = word.rfind(':');
    const std::optional<std::size_t> size = parse_size(colon == Text::npos ? Text{} : word.substr(colon + 1));
    if (!size || colon == 0) {
        return invalid(cf, word, "\"name:size\"");
    }
    block.app.settings.zone = word.substr(0, colon);
    block.app.settings.zone_size = *size;
    return add_zones(cf, block.main, block.app) ? conf_ok() : conf_error();
}

char *set_user(ngx_conf_t *cf, Block &block) {
    if (!block.app.settings.user.empty()) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    if (word.empty()) {
        return invalid(cf, word, "a value");
    }
    auto compiled = hub::Value::compile(word, block.names());
    if (const auto *complaint = std::get_if<hub::Complaint>(&compiled)) {
        return refuse(cf, complaint->text);
    }
    block.app.settings.user = std::move(*std::get_if<hub::Value>(&compiled));
    return conf_ok();
}

char *set_recovery(ngx_conf_t *cf, Block &block) {
    if (!block.first("recovery")) {
        return duplicate();
    }
    const Text word = words_of(cf)[1];
    const std::optional<Millis> time = word == "off" ? Millis{0} : parse_time(word);
    if (!time || (*time == 0 && word != "off")) {
        return invalid(cf, word, "a time or \"off\"");
    }
    block.app.settings.recovery = *time;
    return conf_ok();
}

char *set_app_redis(ngx_conf_t *cf, Block &block) { return add_redis_wish(cf, block.app); }

char *set_namespace(ngx_conf_t *cf, Block &block) {
    Match match = match_of(cf);
    if (match.refused) {
        return conf_error();
    }
    if (match.pattern == nullptr && (!match.exact.starts_with('/') || match.exact.find(',') != Text::npos)) {
        return invalid(cf, match.exact, "\"/\", \"/name\" or \"~ regex\"");
    }
    if (!block.first(match.key)) {
        return refuse_second(cf, "namespace", match.key);
    }
    block.app.settings.namespaces.push_back(std::make_unique<hub::NamespaceSettings>());
    hub::NamespaceSettings &nsp = *block.app.settings.namespaces.back();
    nsp.path = match.exact;
    nsp.pattern = std::move(match.pattern);
    Block inner{.main = block.main, .app = block.app, .nsp = &nsp};
    char *result = read_block(cf, &inner, kInNamespace);
    finish_namespace(nsp);
    return result;
}

char *set_connect(ngx_conf_t *cf, Block &block) {
    return read_chain(cf, block, block.nsp->connect, hub::Place::connect);
}

char *set_disconnect(ngx_conf_t *cf, Block &block) {
    return read_chain(cf, block, block.nsp->disconnect, hub::Place::disconnect);
}

char *set_on(ngx_conf_t *cf, Block &block) {
    Match match = match_of(cf);
    if (match.refused) {
        return conf_error();
    }
    if (match.pattern == nullptr && (match.exact.empty() || wire::sio::is_reserved(match.exact))) {
        return invalid(cf, match.exact, "an event that clients may send");
    }
    if (!block.first("on " + match.key)) {
        return refuse_second(cf, "event", match.key);
    }
    block.nsp->events.emplace_back();
    hub::EventRule &rule = block.nsp->events.back();
    rule.event = match.exact;
    rule.pattern = std::move(match.pattern);
    Block inner{.main = block.main, .app = block.app, .nsp = block.nsp, .event = &rule, .chain = &rule.chain};
    return read_block(cf, &inner, kInChain);
}

char *set_action(ngx_conf_t *cf, Block &block) {
    const std::vector<Text> words = words_of(cf);
    const hub::ActionKind *kind = hub::find_action(words[0]);
    if (kind == nullptr) {
        return refuse(cf, "unknown action " + quoted(words[0]));
    }
    const hub::CompileScope names = block.names();
    hub::MadeAction made = hub::make_action(*kind, {std::span(words).subspan(1), names, block.place});
    if (const auto *complaint = std::get_if<hub::Complaint>(&made)) {
        return refuse(cf, complaint->text);
    }
    block.chain->actions.push_back(std::move(*std::get_if<std::unique_ptr<const hub::Action>>(&made)));
    return conf_ok();
}

} // namespace rt::ngx
