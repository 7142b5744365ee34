#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// realtime_redis in `nginx -t`: what is refused, what is warned of, what is taken; by file, line and
// word, and never with a secret in it.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');

const { test, after, ok, is, like, unlike } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { authority } = require('../lib/cert');
const { complains, passes, whole } = require('../lib/conf_cases');

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'rt-words-'));
after(() => fs.rmSync(dir, { recursive: true, force: true }));
fs.writeFileSync(`${dir}/password`, 'from-a-file\nsecond line\n');
const ca = authority();
const mine = ca.issue('client');

const env = {
    REDIS_URL: '', REDIS_HOST: '', REDIS_PORT: '', REDIS_PASSWORD: '', REDIS_DB: '', // not those of the machine
    RT_URL: 'redis://app:s3cret@redis.example:6390/0', RT_BAD_URL: 'http://app:s3cret@redis.example', RT_PORT: '6380', RT_BAD_PORT: 'many', RT_EMPTY: '',
    RT_PASSWORD: 's3cret', RT_MASTER: 'mymaster', RT_SERVERS: '127.0.0.1:26380, [::1]:26381', RT_PREFIX: 'shop', RT_WORD: 'sharded',
};

complains('emerg', 1, [
    ['http', 'realtime_redis { } # here', 'invalid number of arguments in "realtime_redis" directive'],
    ['http', 'realtime_redis a; # here', 'directive "realtime_redis" has no opening "{"'],
    ['http', 'realtime_redis a/b { # here\n}', 'invalid value "a/b" in "realtime_redis" directive, it must be a name'],
    ['http', 'realtime_redis a { }\nrealtime_redis a { # here\n}', 'duplicate realtime_redis "a"'],
    ['server', 'realtime_redis a { # here\n}', '"realtime_redis" directive is not allowed here'],
    ['app', 'realtime_redis a { # here\n}', '"realtime_redis" directive is not allowed here'],
    ['app', 'url redis://localhost; # here', '"url" directive is not allowed here'],
    ['redis', 'zone a:8m; # here', '"zone" directive is not allowed here'],
    ['redis', 'nonsense; # here', 'unknown directive "nonsense"'],
    ['redis', 'port 1;\nport 2; # here', '"port" directive is duplicate'],

    ['redis', 'url; # here', 'invalid number of arguments in "url" directive'],
    ['redis', 'url localhost:6379; # here', 'invalid value "localhost:6379" in "url" directive: a Redis URL begins with "redis://", "rediss://" or "unix:/"'],
    ['redis', 'url redis://a b; # here', 'invalid number of arguments in "url" directive'],
    ['redis', 'url redis://host:many; # here', 'invalid value "redis://host:many" in "url" directive: a port is a number from 1 to 65535'],
    ['redis', 'url redis://host:0; # here', 'a port is a number from 1 to 65535'],
    ['redis', 'url redis://host:65536; # here', 'a port is a number from 1 to 65535'],
    ['redis', 'url redis://host/first; # here', 'the path of a Redis URL is the number of a database'],
    ['redis', 'url redis://host/0?timeout=1; # here', 'a Redis URL has neither "?" nor "#"'],
    ['redis', 'url "redis://ho st"; # here', 'not a name or address of a host'],
    ['redis', 'url redis://[::1; # here', 'not an IPv6 address in brackets'],
    ['redis', 'url unix:redis.sock; # here', 'the path of a unix socket must begin with "/"'],
    ['redis', `url unix:/${'x'.repeat(107)}; # here`, 'the path of a unix socket has at most 107 bytes'],
    ['redis', 'url env:; # here', 'no name in "env:" in "url" directive'],
    ['redis', 'url env:RT_BAD_URL; # here', 'invalid value "env:RT_BAD_URL" in "url" directive: a Redis URL begins with'],
    ['redis', 'host a:1; # here', 'invalid value "a:1" in "host" directive, it must be a name, an address or "unix:/path"'],
    ['redis', 'port 0; # here', 'invalid value "0" in "port" directive, it must be a port'],
    ['redis', 'port env:RT_BAD_PORT; # here', 'invalid value "env:RT_BAD_PORT", which is "many", in "port" directive, it must be a port'],
    ['redis', 'db -1; # here', 'invalid value "-1" in "db" directive, it must be the number of a database'],
    ['redis', `password_file ${dir}/none; # here`, `password_file "${dir}/none" cannot be read (2: No such file or directory)`],
    ['redis', `password a;\npassword_file ${dir}/password; # here`, '"password" and "password_file" in one realtime_redis'],

    ['redis', 'mode many; # here', 'invalid value "many" in "mode" directive, it must be "standalone", "sentinel master=name" or "cluster"'],
    ['redis', 'mode sentinel; # here', 'invalid value "sentinel" in "mode" directive'],
    ['redis', 'mode sentinel master=; # here', 'invalid value "master=" in "mode" directive'],
    ['redis', 'mode cluster master=a; # here', 'invalid value "master=a" in "mode" directive'],
    ['redis', 'server "a b"; # here', 'invalid value "a b" in "server" directive, it must be "host:port"'],
    ['block', 'server a;\nserver b;', 'realtime_redis "main" has more than one address, which takes "mode sentinel" or "mode cluster"'],
    ['block', 'mode cluster; db 2;', 'realtime_redis "main" is a cluster, which has no database but 0'],

    ['redis', 'adapter new; # here', 'invalid value "new" in "adapter" directive, it must be "classic", "sharded" or "off"'],
    ['redis', 'adapter classic mode=static; # here', 'invalid value "mode=static" in "adapter" directive'],
    ['redis', 'adapter sharded mode=none; # here', 'invalid value "mode=none" in "adapter" directive'],
    ['redis', 'adapter classic prefix=; # here', 'invalid value "prefix=" in "adapter" directive'],
    ['redis', 'adapter classic prefix=a#b; # here', 'invalid value "prefix=a#b" in "adapter" directive'],
    ['redis', 'adapter classic request_timeout=0; # here', 'invalid value "request_timeout=0" in "adapter" directive'],
    ['redis', 'subscribe some; # here', 'invalid value "some" in "subscribe" directive, it must be "all" or "rooms"'],
    ['block', 'adapter sharded; subscribe rooms;', 'realtime_redis "main" has "subscribe rooms", which "adapter sharded mode=dynamic" does by itself'],
    ['redis', 'key_prefix "a b"; # here', 'invalid value "a b" in "key_prefix" directive'],
    ['redis', 'reconnect 100ms; # here', 'invalid value "100ms" in "reconnect" directive, it must be "step=time", "max=time" or "tries=number"'],
    ['redis', 'reconnect tries=0; # here', 'invalid value "tries=0" in "reconnect" directive'],
    ['block', 'reconnect step=5s max=1s;', 'realtime_redis "main" has a "reconnect" whose max= is less than its step='],
    ['redis', 'connect_timeout soon; # here', 'invalid value "soon" in "connect_timeout" directive, it must be a positive time'],
    ['redis', 'command_timeout 0; # here', 'invalid value "0" in "command_timeout" directive, it must be a positive time'],

    ['redis', 'ssl yes; # here', 'invalid value "yes" in "ssl" directive, it must be "on" or "off"'],
    ['redis', 'ssl_verify maybe; # here', 'invalid value "maybe" in "ssl_verify" directive, it must be "on" or "off"'],
    ['redis', 'ssl_verify_depth deep; # here', 'invalid value "deep" in "ssl_verify_depth" directive, it must be a number'],
    ['redis', 'ssl_protocols SSLv3; # here', 'invalid value "SSLv3" in "ssl_protocols" directive'],
    ['block', 'ssl off; url rediss://host;', 'realtime_redis "main" has "ssl off" and a URL with "rediss://"'],
    ['block', `ssl on; ssl_certificate ${mine.cert};`, `no "ssl_certificate_key" for "${mine.cert}"`],
    ['block', `ssl on; ssl_trusted_certificate ${dir}/none.pem;`, 'no TLS for realtime_redis "main"'],
    ['block', 'ssl on; ssl_ciphers nonsense;', 'no TLS for realtime_redis "main"'],

    ['app', 'redis; # here', 'invalid number of arguments in "redis" directive'],
    ['app', 'redis main for=all; # here', 'invalid value "for=all" in "redis" directive, it must be "for=bus", "for=state", "prefix=text" or "key_prefix=text"'],
    ['app', 'redis main for=bus,bus; # here', 'invalid value "for=bus,bus" in "redis" directive'],
    ['app', 'redis main prefix=a#; # here', 'invalid value "prefix=a#" in "redis" directive'],
    ['app', 'redis main;\nredis other; # here', '"redis" directive is duplicate'],
    ['app', 'redis main for=bus;\nredis other for=bus,state; # here', '"redis" directive is duplicate'],
    ['http', 'realtime_redis main { }\nrealtime_app a { redis main; }\nrealtime_app b {\nredis main key_prefix=b:; # here\n}',
        'realtime_app "b" needs a prefix= of its own: realtime_app "a" has the same one on the same Redis'],
    ['http', 'realtime_redis main { }\nrealtime_app a { redis main; }\nrealtime_app b {\nredis main prefix=b; # here\n}', 'realtime_app "b" needs a key_prefix= of its own'],
    ['http', 'realtime_redis x { }\nrealtime_app a { redis x for=state; }\nrealtime_app b {\nredis x for=state; # here\n}', 'realtime_app "b" needs a key_prefix= of its own'],
    ['http', 'realtime_redis x { }\nrealtime_redis y { url redis://localhost/2; }\nrealtime_app a { redis x; }\nrealtime_app b {\nredis y key_prefix=b:; # here\n}',
        'realtime_app "b" needs a prefix= of its own'],
], env);

complains('warn', 0, [
    ['block', 'db 3;', 'database 3 of realtime_redis "main" holds keys of its own, but what is published is heard in all databases'],
    ['block', 'url redis://localhost/7;', 'database 7 of realtime_redis "main"'],
    ['block', 'url env:RT_URL; password other;', 'realtime_redis "main" has a password in its URL and another one by itself, which is taken'],
], env);

passes([
    ['redis', ''],
    ['redis', 'url env:REDIS_URL; host env:REDIS_HOST; port env:REDIS_PORT; password env:REDIS_PASSWORD; db env:REDIS_DB;'],
    ['redis', 'url env:RT_URL; password env:RT_PASSWORD;'],
    ['redis', 'url rediss://redis.example; ssl_verify_depth 3; ssl_name a; ssl_server_name off; ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH;'],
    ['redis', `ssl on; ssl_trusted_certificate ${ca.ca}; ssl_certificate ${mine.cert}; ssl_certificate_key ${mine.key};`],
    ['redis', 'url unix:/run/redis/redis.sock;'],
    ['redis', 'url unix:///run/redis/redis.sock;'],
    ['redis', 'host unix:/run/redis/redis.sock;'],
    ['redis', 'host ::1; port env:RT_PORT; user app; password "";'],
    ['redis', 'url redis://[fe80::1%25lo]:6380/;'],
    ['redis', `password_file ${dir}/password;`],
    ['redis', 'mode sentinel master=env:RT_MASTER; server env:RT_SERVERS; server redis-sentinel;'],
    ['redis', 'mode cluster; server a:7000; server b:7000; adapter classic;'],
    ['redis', 'adapter env:RT_WORD prefix=env:RT_PREFIX mode=env:RT_EMPTY request_timeout=2s; key_prefix bo:;'],
    ['redis', 'subscribe rooms; reconnect step=50ms max=2s tries=10; connect_timeout 1s; command_timeout 500ms;'],
    ['http', 'realtime_app a { redis main; }\nrealtime_redis main { }'],
    ['http', 'realtime_redis x { }\nrealtime_redis y { port 6380; }\nrealtime_app a { redis x for=bus; redis y for=state; }\nrealtime_app b { redis y key_prefix=b:; }'],
    ['http', 'realtime_redis x { }\nrealtime_app a { redis x; }\nrealtime_app b { redis x prefix=b key_prefix=b:; }'],
    ['http', 'realtime_redis x { url env:REDIS_URL; }\nrealtime_app a { redis x; }\nrealtime_app b { redis x; }'],
    ['http', 'realtime_redis x { adapter off; }\nrealtime_app a { redis x; }\nrealtime_app b { redis x key_prefix=b:; }'],
], env);

// First Redis, then who uses it: a name that is not there stops the start, and changes nothing that runs.
test('001-23: an application that names no realtime_redis', async () => {
    const [good, bad] = ['main', 'none'].map((name) => conf({ workers: 1, http: `realtime_redis main { reconnect step=1h max=1h; } realtime_app a { redis ${name}; }`, server: 'location /io/ { realtime a; }' }));
    const words = /\[emerg\] .*unknown realtime_redis "none" in \S+:\d+/;
    const run = await Nginx.check(bad, { env });
    is(run.code, 1, 'refused by nginx -t');
    like(run.stderr, words, 'by name, file and line');
    const nginx = await Nginx.start(good, { env, name: 'bootstrap' });
    const [worker] = nginx.workers();
    like(await nginx.brokenReload(bad), words, 'and by a reload');
    is(nginx.workers()[0], worker, 'what runs goes on');
    await nginx.quit();
});

test('secrets are in no word', async () => {
    for (const fragment of ['url http://app:s3cret@host;', 'url redis://app:s3cret@host:many;', 'url redis://:s3cret%40host:6379x;', 'url env:RT_BAD_URL;', 'url env:RT_URL; password other;',
        'host env:RT_BAD_URL;', 'server env:RT_BAD_URL;', 'host redis://:s3cret@host;', 'server app:s3cret@host;', 'port env:RT_BAD_URL;', 'adapter env:RT_BAD_URL;']) {
        const run = await Nginx.check(whole('redis', fragment), { env });
        like(run.stderr, /\[(emerg|warn)\]/, `${fragment}: words`);
        unlike(run.stderr, /s3cret/, `${fragment}: without the secret`);
    }
});

// What is in force stands in the notice of the start, once, whatever the number of workers.
const effective = async (block, more = {}) => {
    const nginx = await Nginx.start(conf({ workers: 2, http: `realtime_redis main { reconnect step=1h max=1h; ${block} }`, server: 'location /io/ { realtime; }' }), { env: { ...env, ...more } });
    const lines = nginx.log().split('\n').filter((line) => line.includes('realtime_redis "main": '));
    await nginx.quit();
    is(lines.length, 1, `${block}: once`);
    unlike(nginx.log() + lines[0], /s3cret|from-a-file/, `${block}: no secret`);
    return lines[0].replace(/.*realtime_redis "main": (\S*?),? .*/, '$1');
};

test('000-10…000-13, 000-16, 002-23…002-26, 002-57, 003-30, 003-68, 003-69, 003-72, 004-25: where Redis is', async () => {
    const cases = [
        ['', {}, 'redis://localhost:6379/0'],
        ['url env:REDIS_URL;', { REDIS_URL: 'redis://redis.example:6390' }, 'redis://redis.example:6390/0'],
        ['url env:REDIS_URL; host env:REDIS_HOST; port 1;', { REDIS_URL: 'redis://a:1000', REDIS_HOST: 'b' }, 'redis://a:1000/0'],
        ['url env:REDIS_URL; host env:REDIS_HOST; port env:REDIS_PORT;', { REDIS_HOST: 'b' }, 'redis://b:6379/0'],
        ['host env:REDIS_HOST; port env:REDIS_PORT; db env:REDIS_DB;', { REDIS_HOST: 'b', REDIS_PORT: '6380', REDIS_DB: '2' }, 'redis://b:6380/2'],
        ['port 6380;', {}, 'redis://localhost:6380/0'],
        ['host b; db 3; password env:REDIS_PASSWORD;', {}, 'redis://b:6379/3'],
        ['host b; password env:REDIS_PASSWORD;', { REDIS_PASSWORD: 's3cret' }, 'redis://:***@b:6379/0'],
        ['user app; password s3cret;', {}, 'redis://app:***@localhost:6379/0'],
        [`password_file ${dir}/password;`, {}, 'redis://:***@localhost:6379/0'],
        ['url env:RT_URL;', {}, 'redis://app:***@redis.example:6390/0'],
        ['url redis://us%40er:s3cret%2F@h/4; db 9;', {}, 'redis://us@er:***@h:6379/4'],
        ['url rediss://[::1]/;', {}, 'rediss://[::1]:6379/0'],
        ['url unix:/run/redis.sock;', {}, 'redis://unix:/run/redis.sock/0'],
        ['mode sentinel master=m; server env:RT_SERVERS; server c;', {}, 'redis://127.0.0.1:26380,[::1]:26381,c:26379/0'],
    ];
    for (const [block, more, where] of cases) is(await effective(block, more), where, `${block} ${JSON.stringify(more)}`);
}, { timeout: 90000 });

test('a cluster tags its keys', async () => {
    const nginx = await Nginx.start(conf({ workers: 1, http: 'realtime_redis main { mode cluster; reconnect step=1h max=1h; }', server: 'location /io/ { realtime; }' }), { env });
    ok(nginx.log().includes('key_prefix {rt:}'), 'by a hash tag');
    await nginx.quit();
});
