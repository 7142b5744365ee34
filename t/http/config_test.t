#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What `nginx -t` refuses, what it warns of and what it takes: each complaint names the file,
// the line and the word that is wrong. A reload with a broken file leaves the server running.
'use strict';

const fs = require('fs');
const path = require('path');

const { test, ok, is, like, unlike, deepEqual } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { complains, passes, whole } = require('../lib/conf_cases');
const { get } = require('../lib/raw');

const env = {
    RT_TEST_ORIGINS: 'https://a.example , https://b.example/', RT_TEST_EMPTY: '', RT_TEST_BAD: 'https://a.example/path',
    RT_TEST_ANY: '*',
};

complains('emerg', 1, [
    ['location', 'realtime_nonsense; # here', 'unknown directive "realtime_nonsense"'],

    // apps and zones
    ['http', 'realtime_app { } # here', 'invalid number of arguments in "realtime_app" directive'],
    ['http', 'realtime_app a; # here', 'directive "realtime_app" has no opening "{"'],
    ['http', 'realtime_app a/b { # here\n}', 'invalid value "a/b" in "realtime_app" directive, it must be a name'],
    ['http', 'realtime_app a { }\nrealtime_app a { # here\n}', 'duplicate realtime_app "a"'],
    ['server', 'realtime_app a { # here\n}', '"realtime_app" directive is not allowed here'],
    ['app', 'zone a; # here', 'invalid value "a" in "zone" directive, it must be "name:size"'],
    ['app', 'zone :32m; # here', 'invalid value ":32m" in "zone" directive, it must be "name:size"'],
    ['app', 'zone a:many; # here', 'invalid value "a:many" in "zone" directive, it must be "name:size"'],
    ['app', 'zone a:64k; # here', 'zone "a" of 64k is too small, it must have at least 1m'],
    ['app', 'zone a:8m;\nzone b:8m; # here', '"zone" directive is duplicate'],
    ['http', 'realtime_app a { zone z:8m; }\nrealtime_app b {\nzone z:8m; # here\n}', 'zone "z" is already used by realtime_app "a"'],
    ['http', 'realtime_app a { zone z:8m; }\nrealtime_app b {\nzone z.log:8m; # here\n}', 'zone "z.log" is already used by realtime_app "a"'],
    ['http', 'realtime_app a { zone b:8m; }\nrealtime_app b { } # here', 'zone "b" is already used by realtime_app "a"'],
    ['http', 'limit_req_zone $uri zone=z:8m rate=1r/s;\nrealtime_app a {\nzone z:16m; # here\n}', 'the shared memory zone "z" is already declared for a different use'],
    ['app', 'zone realtime.seats:2m; # here', 'zone "realtime.seats" is reserved'],
    ['app', 'user; # here', 'invalid number of arguments in "user" directive'],
    ['app', 'user ""; # here', 'invalid value "" in "user" directive'],
    ['app', 'user $realtime_auth_id;\nuser $realtime_auth_id; # here', '"user" directive is duplicate'],
    ['app', 'user $realtime_nonsense; # here', 'unknown variable "realtime_nonsense"'],
    ['app', 'on x { # here\n}', '"on" directive is not allowed here'],
    ['app', 'emit x all; # here', '"emit" directive is not allowed here'],
    ['app', 'server { # here\n}', '"server" directive is not allowed here'],
    ['app', 'realtime; # here', '"realtime" directive is not allowed here'],
    ['app', 'nonsense; # here', 'unknown directive "nonsense"'],

    // namespaces
    ['app', 'namespace { # here\n}', 'invalid number of arguments in "namespace" directive'],
    ['app', 'namespace chat { # here\n}', 'invalid value "chat" in "namespace" directive, it must be "/", "/name" or "~ regex"'],
    ['app', 'namespace /a,b { # here\n}', 'invalid value "/a,b" in "namespace" directive'],
    ['app', 'namespace = /a { # here\n}', 'invalid value "=" in "namespace" directive, it must be "~" or "~*"'],
    ['app', 'namespace /a { }\nnamespace /a { # here\n}', 'duplicate namespace "/a"'],
    ['app', 'namespace ~ ^/a { }\nnamespace ~^/a { # here\n}', 'duplicate namespace "~ ^/a"'],
    ['app', 'namespace ~ ^/(a { # here\n}', 'pcre2_compile() failed: missing closing parenthesis in "^/(a"'],
    ['nsp', 'namespace /x { # here\n}', '"namespace" directive is not allowed here'],
    ['nsp', 'zone a:8m; # here', '"zone" directive is not allowed here'],
    ['nsp', 'emit x all; # here', '"emit" directive is not allowed here'],

    // events
    ['nsp', 'on x { }\non x { # here\n}', 'duplicate event "x"'],
    ['nsp', 'on ~ ^a { }\non ~ ^a { # here\n}', 'duplicate event "~ ^a"'],
    ['nsp', 'on ~* [ { # here\n}', 'pcre2_compile() failed: missing terminating ] for character class in "["'],
    ['nsp', 'on a b { # here\n}', 'invalid value "a" in "on" directive, it must be "~" or "~*"'],
    ['nsp', 'on disconnect { # here\n}', 'invalid value "disconnect" in "on" directive'],
    ['nsp', 'on "" { # here\n}', 'invalid value "" in "on" directive'],
    ['nsp', 'on x; # here', 'directive "on" has no opening "{"'],
    ['nsp', 'connect { }\nconnect { # here\n}', '"connect" directive is duplicate'],
    ['nsp', 'disconnect { }\ndisconnect { # here\n}', '"disconnect" directive is duplicate'],

    // actions
    ['on', 'shout x; # here', 'unknown directive "shout"'],
    ['on', 'emit; # here', 'invalid number of arguments in "emit" directive'],
    ['on', 'emit x { # here\n}', 'directive "emit" is not terminated by ";"'],
    ['on', 'emit x all; # fine\nemit x room=a; # here', 'invalid parameter "room=a"'],
    ['on', 'emit x to=$; # here', 'invalid variable name in "$"'],
    ['on', 'emit x "to=${realtime_sid"; # here', 'the closing bracket in "realtime_sid" variable is missing'],
    ['on', 'emit x data=$realtime_date_x; # here', 'unknown variable "realtime_date_x"'],
    ['on', 'emit disconnect all; # here', 'reserved event "disconnect"'],
    ['on', 'join; # here', 'invalid number of arguments in "join" directive'],
    ['on', 'join a sometimes; # here', 'invalid parameter "sometimes"'],
    ['on', 'join a when=1 when=2; # here', 'duplicate parameter "when=2"'],
    ['on', 'relay to=; # here', 'empty value in "to="'],
    ['on', 'ack; # here', 'invalid number of arguments in "ack" directive'],
    ['on', 'close door; # here', 'invalid parameter "door"'],
    ['on', 'require error=no; # here', 'no value to require'],
    ['on', 'require $realtime_user eror=no; # here', 'invalid parameter "eror=no"'],
    ['on', 'include %%PREFIX%%/missing.conf; # here', 'open() "'],
    ['connect', 'ack 1; # here', '"ack" directive is not allowed in "connect"'],
    ['connect', 'relay; # here', '"relay" directive is not allowed in "connect"'],
    ['disconnect', 'join a; # here', '"join" directive is not allowed in "disconnect"'],
    ['disconnect', 'emit bye; # here', 'no sender in "disconnect": "emit" needs "to=", "user=" or "all"'],

    // endpoints
    ['http', 'realtime; # here', '"realtime" directive is not allowed here'],
    ['server', 'realtime; # here', '"realtime" directive is not allowed here'],
    ['server', 'location / {\nrealtime none; # here\n}', 'unknown realtime_app "none"'],
    ['server', 'location / {\nrealtime_publish none; # here\n}', 'unknown realtime_app "none"'],
    ['server', 'location / {\nrealtime_status; # here\n}', 'unknown realtime_app "default"'],
    ['server', 'location / {\nrealtime a b; # here\n}', 'invalid number of arguments in "realtime" directive'],
    ['server', 'location / {\nrealtime_echo a; # here\n}', 'invalid number of arguments in "realtime_echo" directive'],
    ['location', 'realtime; # here', '"realtime" directive conflicts with "realtime" of the same location'],
    ['location', 'realtime_echo; # here', '"realtime_echo" directive conflicts with "realtime" of the same location'],

    // settings of a location
    ['location', 'realtime_transports; # here', 'invalid number of arguments in "realtime_transports" directive'],
    ['location', 'realtime_transports polling flash; # here', 'invalid value "flash" in "realtime_transports" directive'],
    ['location', 'realtime_transports polling polling; # here', 'invalid value "polling" in "realtime_transports" directive'],
    ['location', 'realtime_transports polling;\nrealtime_transports polling; # here', '"realtime_transports" directive is duplicate'],
    ['location', 'realtime_ping 25s; # here', 'invalid value "25s" in "realtime_ping" directive'],
    ['location', 'realtime_ping interval=soon; # here', 'invalid value "interval=soon" in "realtime_ping" directive'],
    ['location', 'realtime_ping interval=0; # here', 'invalid value "interval=0" in "realtime_ping" directive'],
    ['location', 'realtime_ping timeout=30d; # here', 'invalid value "timeout=30d" in "realtime_ping" directive'],
    ['location', 'realtime_ping interval=1s interval=2s; # here', 'invalid value "interval=2s" in "realtime_ping" directive'],
    ['location', 'realtime_ping interval=1s;\nrealtime_ping timeout=1s; # here', '"realtime_ping" directive is duplicate'],
    ['location', 'realtime_upgrade_timeout x; # here', 'invalid value "x" in "realtime_upgrade_timeout" directive'],
    ['location', 'realtime_upgrade_timeout 1s;\nrealtime_upgrade_timeout 1s; # here', '"realtime_upgrade_timeout" directive is duplicate'],
    ['location', 'realtime_connect_timeout 0; # here', 'invalid value "0" in "realtime_connect_timeout" directive'],
    ['location', 'realtime_max_payload big; # here', 'invalid value "big" in "realtime_max_payload" directive'],
    ['location', 'realtime_max_payload 0; # here', 'invalid value "0" in "realtime_max_payload" directive'],
    ['location', 'realtime_max_payload 2g; # here', 'invalid value "2g" in "realtime_max_payload" directive'],
    ['location', 'realtime_max_payload 1k;\nrealtime_max_payload 1k; # here', '"realtime_max_payload" directive is duplicate'],
    ['location', 'realtime_cors https://a.example/path; # here', 'invalid origin "https://a.example/path" in "realtime_cors" directive'],
    ['location', 'realtime_cors https://*.example; # here', 'invalid origin "https://*.example" in "realtime_cors" directive'],
    ['location', 'realtime_cors a.example; # here', 'invalid origin "a.example" in "realtime_cors" directive'],
    ['location', 'realtime_cors ~^https://(; # here', 'pcre2_compile() failed: missing closing parenthesis in "^https://("'],
    ['location', 'realtime_cors env:; # here', 'no name in "env:" in "realtime_cors" directive'],
    ['location', 'realtime_cors env:RT_TEST_BAD; # here', 'invalid origin "https://a.example/path" in the environment variable "RT_TEST_BAD"'],
    ['location', 'realtime_cors *;\nrealtime_cors *; # here', '"realtime_cors" directive is duplicate'],
    ['location', 'realtime_cors env:RT_TEST_UNSET;\nrealtime_cors *; # here', '"realtime_cors" directive is duplicate'],
    ['location', 'realtime_cookie a=b; # here', 'invalid value "a=b" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io path; # here', 'invalid value "path" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io "path=/;x"; # here', 'invalid value "path=/;x" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io max-age=day; # here', 'invalid value "max-age=day" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io samesite=maybe; # here', 'invalid value "samesite=maybe" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io secure secure; # here', 'invalid value "secure" in "realtime_cookie" directive'],
    ['location', 'realtime_cookie io;\nrealtime_cookie off; # here', '"realtime_cookie" directive is duplicate'],
    ['location', 'realtime_deflate yes; # here', 'invalid value "yes" in "realtime_deflate" directive'],
    ['location', 'realtime_deflate on level=9; # here', 'invalid value "level=9" in "realtime_deflate" directive'],
    ['location', 'realtime_deflate on threshold=x; # here', 'invalid value "threshold=x" in "realtime_deflate" directive'],
    ['location', 'realtime_deflate on;\nrealtime_deflate on; # here', '"realtime_deflate" directive is duplicate'],
    ['location', 'realtime_send_buffer 10; # here', 'invalid value "10" in "realtime_send_buffer" directive, it must be a size from 1k to 1024m'],
    ['location', 'realtime_send_buffer 1m policy=wait; # here', 'invalid value "policy=wait" in "realtime_send_buffer" directive'],
    ['location', 'realtime_send_buffer 1m;\nrealtime_send_buffer 1m; # here', '"realtime_send_buffer" directive is duplicate'],
    ['location', 'realtime_max_sockets 0; # here', 'invalid value "0" in "realtime_max_sockets" directive'],
    ['location', 'realtime_max_sockets -1; # here', 'invalid value "-1" in "realtime_max_sockets" directive'],
    ['location', 'realtime_max_sockets 5 per=room; # here', 'invalid value "per=room" in "realtime_max_sockets" directive'],
    ['location', 'realtime_max_sockets 5;\nrealtime_max_sockets 5; # here', '"realtime_max_sockets" directive is duplicate'],
    ['location', 'realtime_limits rooms=65536; # here', 'invalid value "rooms=65536" in "realtime_limits" directive, it must be a number from 0 to 65535'],
    ['location', 'realtime_limits depth=0; # here', 'invalid value "depth=0" in "realtime_limits" directive'],
    ['location', 'realtime_limits depth=1025; # here', 'invalid value "depth=1025" in "realtime_limits" directive'],
    ['location', 'realtime_limits namespaces=x; # here', 'invalid value "namespaces=x" in "realtime_limits" directive'],
    ['location', 'realtime_limits tables=5; # here', 'invalid value "tables=5" in "realtime_limits" directive'],
    ['location', 'realtime_limits rooms=1 rooms=2; # here', 'invalid value "rooms=2" in "realtime_limits" directive'],
    ['location', 'realtime_limits rooms=5;\nrealtime_limits rooms=5; # here', '"realtime_limits" directive is duplicate'],
    ['location', 'realtime_drain never; # here', 'invalid value "never" in "realtime_drain" directive'],
    ['location', 'realtime_drain 1s;\nrealtime_drain 1s; # here', '"realtime_drain" directive is duplicate'],
    ['events', 'use poll; # here\n', 'invalid event type "poll"'], // Debian's nginx has epoll alone
    ['location', 'realtime_serve_client ""; # here', 'invalid value "" in "realtime_serve_client" directive'],
    ['location', 'realtime_serve_client a;\nrealtime_serve_client off; # here', '"realtime_serve_client" directive is duplicate'],
], env);

complains('warn', 0, [
    ['location', 'realtime_cors * credentials; # here', '"realtime_cors" with "*" and "credentials": every site may act in its visitor\'s name'],
    ['location', 'realtime_cors env:RT_TEST_ANY credentials; # here', '"realtime_cors" with "*" and "credentials": every site may act in its visitor\'s name'],
    ['http', 'realtime_app a { }\nserver { location /p {\nrealtime_publish a; # here\n} }', '"realtime_publish" is open to everybody'],
    ['http', 'realtime_app a { }\nserver { location /p {\nrealtime_status a; # here\n} }', '"realtime_status" is open to everybody'],
    ['http', 'realtime_app a { zone a:4m; }\nserver { realtime_max_payload 1m; location / {\nrealtime a; # here\n} }',
        'realtime_max_payload 1m is more than zone "a" can broadcast, which is 128k (a 32nd of its size)'],
    ['main', 'worker_shutdown_timeout 5s;', 'worker_shutdown_timeout of 5000 ms is shorter than realtime_drain of 30000 ms'],
], env);

test('one warning per location', async () => {
    const blocks = 'if ($arg_x) { return 403; } limit_except POST { allow all; }';
    const text = whole('http', `realtime_app a { zone a:4m; }
        server { location /p { realtime_publish a; ${blocks} } location /s { realtime a; ${blocks} } }`)
        .replace('events', 'worker_shutdown_timeout 1s; events');
    const warnings = (await Nginx.check(text)).stderr.match(/\[warn\].*/g).map((line) => line.replace(/\S*nginx\.conf:\d+/, ''));
    is(warnings.length, 3, `three: ${warnings.join(' | ')}`);
});

passes([
    ['location', ''],
    ['events', 'use epoll;'],
    ['http', 'realtime_app a { }'],
    ['http', 'realtime_app default { namespace /only { } }'],
    ['http', 'realtime_app a { zone same:8m; }\nrealtime_app same { zone a:8m; }'],
    ['http', 'server { location / { realtime later; } }\nrealtime_app later { }'],
    ['app', 'user $realtime_auth_id;\nnamespace / { }\nnamespace /a { }\nnamespace ~ ^/b { }\nnamespace ~* ^/b { }\nnamespace ~^/c { }'],
    ['nsp', 'connect { }\ndisconnect { }\non x { }\non ~ x { }\non ~* x { }\non ~x$ { }\non a:b { }'],
    ['nsp', 'include %%ROOT%%/t/data/config/rules*.conf;'],
    ['re', 'on ~ ^(?<verb>\\w+):(?<what>\\w+)$ { emit $verb "to=$org:$what" data=$realtime_args; }'],
    ['on', 'require $realtime_user $realtime_data_id error=login "message=please log in";\njoin "room:$realtime_data_id" when=$realtime_data_on trusted;\nleave room;\nrelay to=a to=b except=sender;\nemit y all volatile \'data={"id":$realtime_data_id}\';\nemit z to=a user=7 except=sender except=b when=$arg_x;\nack $realtime_args;\nclose;\nclose connection;'],
    ['connect', 'require $realtime_auth_token;\njoin lobby;\nemit hello "data=$remote_addr $http_user_agent";\nclose namespace;'],
    ['disconnect', 'emit left all data=$realtime_close_reason;\nrequire $realtime_user;\nemit left user=$realtime_user;'],
    ['location', 'realtime_transports websocket polling;\nrealtime_ping timeout=200ms interval=1m;\nrealtime_upgrade_timeout 500ms;\nrealtime_connect_timeout 1d;\nrealtime_max_payload 1m;\nrealtime_cookie off;\nrealtime_deflate on threshold=0;\nrealtime_send_buffer 64k policy=drop_volatile;\nrealtime_max_sockets 10 per=ip;\nrealtime_limits acks=0 rooms=1 namespaces=1 depth=1024 attachments=0;\nrealtime_drain 0;\nrealtime_serve_client client;'],
    ['location', 'realtime_cors http://localhost:3000 https://a.example/ HTTP://B.example null ~^https://[a-z]+\\.c\\.example$ ~*d credentials;'],
    ['location', 'realtime_cors env:RT_TEST_ORIGINS env:RT_TEST_UNSET env:RT_TEST_EMPTY *;'],
    ['location', 'realtime_cors env:RT_TEST_UNSET credentials;'],
    ['location', 'realtime_cookie io path=/x domain=example.com max-age=3600 samesite=None secure httponly;'],
    ['location', 'if ($arg_x) { return 403; }\nlimit_except GET POST { deny all; }'],
    ['server', 'realtime_ping interval=1s;\nlocation /echo { realtime_echo; }'],
    ['http', 'realtime_app a { }\nserver { location /p { realtime_publish a; allow 127.0.0.1; deny all; } }'],
    ['http', 'realtime_app a { }\nserver { deny all; location /p { realtime_status a; } }'],
    ['http', 'realtime_app a { }\nserver { location /p { realtime_status a; auth_basic x; auth_basic_user_file /dev/null; } }'],
    ['http', 'realtime_app a { }\nserver { location /p { realtime_publish a; auth_request /a; } }'],
    ['http', 'realtime_app a { }\nserver { location /p { realtime_publish a; internal; } }'],
    ['http', 'realtime_app a { }\nserver { location /p { realtime_publish a; deny unix:; } }'],
], env);

// The documentation, as it is written.
const page = fs.readFileSync(path.join(__dirname, '../../docs/directives.md'), 'utf8');
const defaults = [...page.matchAll(/^ {4}Default: (realtime_.*;)\n {4}Context: http,/gm)].map(([, line]) => line);
const [, example] = page.match(/```nginx\nload_module [^\n]*\nevents \{ \}\nhttp \{\n([^]*?)\n\}\n```/);

test('the documentation', async () => {
    ok(defaults.length > 10, 'defaults are found');
    for (const [name, fragment] of [['defaults', `server { ${defaults.join('\n')}\nlocation /d/ { realtime; } }`], ['example', example.replace('listen 3000;', 'listen unix:%%PREFIX%%/example.sock;')]]) {
        const run = await Nginx.check(whole('http', fragment), { env });
        is(run.code, 0, `${name}: exit code`);
        unlike(run.stderr, /\[(emerg|alert|crit|error|warn)\]/, `${name}: no words`);
    }
});

// What a location says reaches its sessions: own words first, then the server's, then http's.
const HANDSHAKE = 'EIO=4&transport=polling';

const inheriting = conf({
    workers: 1,
    http: 'realtime_ping interval=11s; realtime_max_payload 5000; realtime_transports polling; realtime_cookie http;',
    server: `
        realtime_ping timeout=7s;
        realtime_max_payload 6000;
        location /server/ { realtime; }
        location /own/ { realtime; realtime_ping interval=3s timeout=2s; realtime_max_payload 7k; realtime_cookie off; }
        location /other/ { realtime; realtime_transports websocket polling; realtime_cookie io path=/x secure samesite=strict; }
        location /nested/ { realtime_max_payload 8000; location /nested/inner/ { realtime; } }
        location /if/ { realtime; realtime_max_payload 9000; if ($arg_deny) { return 403; } if ($arg_x) { set $y 1; } }
        location /except/ { realtime; limit_except POST { allow all; } }
        location /plain/ { return 200 plain; }`,
});

// [path, interval, timeout, payload, upgrades, cookie]
const EFFECTIVE = [
    ['/server/', 11000, 7000, 6000, [], /^http=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/],
    ['/own/', 3000, 2000, 7168, [], undefined],
    ['/other/', 11000, 7000, 6000, ['websocket'], /^io=[\w-]+; Path=\/x; HttpOnly; Secure; SameSite=Strict$/],
    ['/nested/inner/', 11000, 7000, 8000, [], /^http=/],
    ['/if/', 11000, 7000, 9000, [], /^http=/],
    ['/if/?x=1&', 11000, 7000, 9000, [], /^http=/],
    ['/except/', 11000, 7000, 6000, [], /^http=/],
];

test('inheritance', async () => {
    const nginx = await Nginx.start(inheriting);
    for (const [place, pingInterval, pingTimeout, maxPayload, upgrades, cookie] of EFFECTIVE) {
        const answer = await get(nginx, `${place}${place.includes('?') ? '' : '?'}${HANDSHAKE}`);
        is(answer.status, 200, `${place}: status`);
        const { sid, ...told } = JSON.parse(answer.text.slice(1));
        ok(sid, `${place}: has a session`);
        deepEqual(told, { upgrades, pingInterval, pingTimeout, maxPayload }, `${place}: settings`);
        if (cookie) like(answer.headers['set-cookie'], cookie, `${place}: cookie`);
        else is(answer.headers['set-cookie'], undefined, `${place}: no cookie`);
    }
    is((await get(nginx, `/if/?deny=1&${HANDSHAKE}`)).status, 403, 'an `if` of nginx itself works');
    is((await get(nginx, '/plain/')).text, 'plain', 'other locations are untouched');
});

const sized = (size, more = '') => conf({
    workers: 2,
    http: `realtime_app a { zone a:${size}; ${more} }`,
    server: 'location /io/ { realtime a; }',
});

const handshakes = async (nginx, name) => is((await get(nginx, `/io/?${HANDSHAKE}`)).status, 200, name);

test('broken reloads leave the server running', async () => {
    const nginx = await Nginx.start(sized('8m'));
    await handshakes(nginx, 'before');
    like(await nginx.brokenReload(sized('8m', 'nonsense;')), /unknown directive "nonsense" in \S*nginx\.conf:\d+/, 'an unknown word');
    await handshakes(nginx, 'after an unknown word');
    like(await nginx.brokenReload(sized('16m')),
        /zone "a" has 8m in the running configuration and 16m here, its size can be changed by a restart only in \S*nginx\.conf:\d+/,
        'another size');
    await handshakes(nginx, 'after another size');
    await nginx.kill(nginx.workers()[0]); // its successor must not meet what the broken files left
    await handshakes(nginx, 'after the death of a worker');
    await nginx.reload(sized('8m', 'namespace / { on x { ack 1; } }'));
    await handshakes(nginx, 'after a good reload');
});
