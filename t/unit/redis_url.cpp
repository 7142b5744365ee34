// SPDX-License-Identifier: BSD-2-Clause
// Where a Redis is, as people write it; and its settings as the log and the status show them.
#include "cluster/redis_url.hpp"

#include "tap.hpp"

#include <string>

using namespace rt;
using namespace rt::cluster;
using test::is;
using test::ok;

namespace {

std::string shown(const RedisUrl &url) {
    std::string text = (url.tls ? "tls " : "") + text_of(url.address);
    text += url.user.empty() ? "" : " user=" + url.user;
    text += url.password.empty() ? "" : " password=" + url.password;
    return text + (url.db ? " db=" + std::to_string(*url.db) : "");
}

std::string read(Text text) {
    const Result<RedisUrl> url = parse_redis_url(text);
    return url ? shown(*url) : std::string("! ") + url.error().where;
}

void test_urls() {
    struct Case {
        Text url, expected;
    };
    const Case cases[] = {
        {"redis://h", "h:0"},
        {"redis://h:1", "h:1"},
        {"redis://h:65535/", "h:65535"},
        {"REDIS://H/15", "H:0 db=15"},
        {"rediss://h/0", "tls h:0 db=0"},
        {"redis://", "localhost:0"},
        {"redis://:7000/1", "! not a name or address of a host"},
        {"redis://:p@", "localhost:0 password=p"},
        {"redis://u@h", "h:0 user=u"},
        {"redis://u:p@h", "h:0 user=u password=p"},
        {"redis://:p@h:1/2", "h:1 password=p db=2"},
        {"redis://u%40x:p%2F%3a%25@h", "h:0 user=u@x password=p/:%"},
        {"redis://u:a@b@h", "h:0 user=u password=a@b"},
        {"redis://u:a:b@h", "h:0 user=u password=a:b"},
        {"redis://[::1]", "[::1]:0"},
        {"redis://u:p@[fe80::1%eth0]:1/3", "[fe80::1%eth0]:1 user=u password=p db=3"},
        {"redis://my_redis-1.example.", "my_redis-1.example.:0"},
        {"unix:/run/redis.sock", "unix:/run/redis.sock"},
        {"unix:///run/redis.sock", "unix:/run/redis.sock"},
        {"redis://unix:/run/x", "! the path of a unix socket must begin with \"/\""},
        {"", "! a Redis URL begins with \"redis://\", \"rediss://\" or \"unix:/\""},
        {"h:6379", "! a Redis URL begins with \"redis://\", \"rediss://\" or \"unix:/\""},
        {"http://h", "! a Redis URL begins with \"redis://\", \"rediss://\" or \"unix:/\""},
        {"redis:/h", "! a Redis URL begins with \"redis://\", \"rediss://\" or \"unix:/\""},
        {"redis://h:", "! not a name or address of a host"},
        {"redis://h:0", "! a port is a number from 1 to 65535"},
        {"redis://h:65536", "! a port is a number from 1 to 65535"},
        {"redis://h:1x", "! a port is a number from 1 to 65535"},
        {"redis://h:-1", "! a port is a number from 1 to 65535"},
        {"redis://h/x", "! the path of a Redis URL is the number of a database"},
        {"redis://h/1/2", "! the path of a Redis URL is the number of a database"},
        {"redis://h/99999999", "! the path of a Redis URL is the number of a database"},
        {"redis://h/0?x=1", "! a Redis URL has neither \"?\" nor \"#\"; write %3F and %23 in a password"},
        {"redis://:a#b@h", "! a Redis URL has neither \"?\" nor \"#\"; write %3F and %23 in a password"},
        {"redis://h h", "! not a name or address of a host"},
        {"redis://[::1", "! not an IPv6 address in brackets"},
        {"redis://[h]", "! not an IPv6 address in brackets"},
        {"redis://[::1]x", "! not an IPv6 address in brackets"},
        {"redis://[::1]:", "! not an IPv6 address in brackets"},
        {"unix:redis.sock", "! the path of a unix socket must begin with \"/\""},
        {"unix:", "! the path of a unix socket must begin with \"/\""},
    };
    for (const Case &each : cases) {
        is(read(each.url), each.expected, std::string(each.url));
    }
    is(read("unix:/" + std::string(106, 'x')).size(), 112U, "the longest path");
    is(read("unix:/" + std::string(107, 'x')), "! the path of a unix socket has at most 107 bytes", "longer");
}

void test_servers() {
    struct Case {
        Text text, expected;
    };
    const Case cases[] = {
        {"h", "h:26379"},
        {"h:1", "h:1"},
        {"127.0.0.1:6379", "127.0.0.1:6379"},
        {"::1", "[::1]:26379"},
        {"[::1]:2", "[::1]:2"},
        {"unix:/x", "unix:/x"},
        {"", "!"},
        {"h:", "!"},
        {":1", "!"},
        {"a b", "!"},
        {"h:1:2", "!"},
        {"h/1", "!"},
        {"u:p@h", "!"},
        {"[::1]]:2", "!"},
        {"\xC3\xA9", "!"},
    };
    for (const Case &each : cases) {
        const Result<RedisAddress> address = parse_redis_server(each.text, 26379);
        is(address ? text_of(*address) : std::string("!"), each.expected, "server " + std::string(each.text));
    }
}

void test_prefixes() {
    is(tagged_prefix("rt:", RedisMode::standalone), "rt:", "no tag");
    is(tagged_prefix("rt:", RedisMode::sentinel), "rt:", "none behind Sentinel");
    is(tagged_prefix("rt:", RedisMode::cluster), "{rt:}", "a tag in a cluster");
    is(tagged_prefix("{rt}:", RedisMode::cluster), "{rt}:", "one's own stays");
    is(tagged_prefix("a{}b:", RedisMode::cluster), "{a{}b:}", "an empty one is none to Redis");
    is(key_slot(tagged_prefix("rt:", RedisMode::cluster) + "a"),
       key_slot(tagged_prefix("rt:", RedisMode::cluster) + "b"), "keys of one prefix are in one slot");
}

void test_words() {
    RedisSettings settings;
    settings.nodes.servers = {{"h", 1}, {"::1", 2}};
    settings.nodes.mode = RedisMode::sentinel;
    settings.nodes.master = "m";
    settings.user = "app";
    settings.password = "s3cret";
    settings.db = 3;
    settings.tls = {.on = true, .verify = false, .name = {}};
    settings.adapter.rooms = true;
    settings.reconnect.tries = 10;
    is(settings.text(),
       "rediss://app:***@h:1,[::1]:2/3, sentinel master=m, certificate not verified, adapter classic "
       "prefix=socket.io request_timeout=5000ms, subscribe rooms, key_prefix rt:, reconnect step=100ms "
       "max=3000ms tries=10, connect_timeout 5000ms, command_timeout 5000ms",
       "all of it, and no secret");
    settings = {};
    settings.nodes.servers = {{"unix:/x", 0}};
    settings.adapter.kind = Adapter::off;
    is(settings.text(),
       "redis://unix:/x/0, adapter off, key_prefix rt:, reconnect step=100ms max=3000ms, connect_timeout "
       "5000ms, command_timeout 5000ms",
       "defaults");
    settings.user = "nopass";
    ok(settings.text().find("redis://nopass@unix") == 0, "a user without a password");
}

} // namespace

int main() {
    test_urls();
    test_servers();
    test_prefixes();
    test_words();
    return test::done();
}
