#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What the log says of Redis: each event once, word for word, and what is wrong told apart in one
// line, with the address and without a secret.
'use strict';

const net = require('net');

const { test, after, ok, is, like, unlike } = require('../lib/tap');
const { Nginx, conf } = require('../lib/nginx');
const { Redis } = require('../lib/redis');
const { authority } = require('../lib/cert');
const { freePort } = require('../lib/conf');
const { until } = require('../lib/until');

const FAST = 'reconnect step=20ms max=20ms;';

const text = (block, more = '') => conf({
    workers: 2,
    http: `realtime_redis main { ${FAST} ${block} } realtime_app a { redis main; } ${more}`,
    server: 'location /io/ { realtime a; } location /state { return 200 "$realtime_redis_enabled $realtime_redis_state"; }',
});

const count = (nginx, pattern) => nginx.log().split('\n').filter((line) => pattern.test(line)).length;
const connected = (nginx) => nginx.waitLog(/\[notice\].*app "a": Redis adapter connected/);

// Both connections fail for this reason, which is told once each however often it is tried.
async function fails(name, block, words, { tries = 3 } = {}) {
    const nginx = await Nginx.start(text(`${block} reconnect step=10ms max=10ms tries=${tries};`.replace(FAST, '')).replace(FAST, ''));
    await nginx.waitLog(/Redis pub client error: Too many retries/);
    await nginx.waitLog(/Redis sub client error: Too many retries/);
    for (const role of ['pub', 'sub']) is(count(nginx, new RegExp(`\\[error\\].*Redis ${role} client error: .*${words.source}.*, realtime_redis "main"`)), 1, `${name}: ${role}`);
    is(count(nginx, /Redis \w+ client error/), 4, `${name}: no other error`);
    is(count(nginx, /\[warn\].*app "a": Redis adapter not initialized, using default adapter/), 1, `${name}: the adapter`);
    unlike(nginx.log(), /s3cret/, `${name}: no secret`);
    await nginx.quit();
}

test('001-32, 003-25, 004-10, 004-11, 004-12, 004-35, 004-36, 001-19: all is well', async () => {
    const redis = await Redis.start();
    const nginx = await Nginx.start(text(`url ${redis.url};`));
    await connected(nginx);
    await nginx.waitLog(/Redis adapter attached to Socket.IO server/);
    const lines = [
        /\[notice\].*realtime_redis "main": redis:\/\/127\.0\.0\.1:\d+\/0, adapter classic prefix=socket\.io/,
        /\[notice\].*app "a": Redis adapter configured for WebSocket scalability/,
        new RegExp(`\\[notice\\].*Redis pub client connected to 127\\.0\\.0\\.1:${redis.port}`),
        new RegExp(`\\[notice\\].*Redis sub client connected to 127\\.0\\.0\\.1:${redis.port}`),
        /\[notice\].*app "a": Redis adapter connected/,
        /\[notice\].*app "a": Redis adapter attached to Socket\.IO server/,
    ];
    for (const line of lines) is(count(nginx, line), 1, `${line}: once, with two workers`);
    unlike(nginx.log(), /single-instance|not initialized|client error/, 'and no other');
    await nginx.reload();
    await nginx.waitLog(/Redis pub client connected[^]*Redis pub client connected/);
    is(count(nginx, lines[5]), 1, 'attached once, over a reload too');
    await nginx.quit();
});

test('000-14, 001-20, 001-33, 001-35, 002-14: there is no Redis', async () => {
    for (const http of ['', 'realtime_redis main { url env:RT_UNSET; host env:RT_UNSET; port 6379; } realtime_app a { redis main; }']) {
        const nginx = await Nginx.start(conf({ workers: 2, http, server: `location /io/ { realtime ${http ? 'a' : ''}; }` }));
        is(count(nginx, http ? /\[notice\].*RT_UNSET not configured\. Running in single-instance mode/ : /\[notice\].*REDIS_URL not configured\. Running in single-instance mode/), 1, 'one notice');
        unlike(nginx.log(), /Redis adapter|Redis \w+ client/, 'and no other word');
        await nginx.quit();
    }
});

// Whoever may be there: this is where it knocks.
test('003-69, 003-72: a block without an address', async () => {
    const nginx = await Nginx.start(text(''));
    for (const role of ['pub', 'sub']) {
        await nginx.waitLog(new RegExp(`Redis ${role} client (connected to|error: connect\\(\\) to) (127\\.0\\.0\\.1|\\[::1\\]):6379\\b`));
        ok(true, `${role}: port 6379 of localhost`);
    }
    await nginx.quit();
});

test('002-56, 004-13, 004-27, 004-33, 004-34, 004-44: a refused port', async () => {
    const port = await freePort();
    await fails('refused', `url redis://127.0.0.1:${port};`, new RegExp(`connect\\(\\) to 127\\.0\\.0\\.1:${port} failed \\(111: Connection refused\\), is Redis running there\\?`));
});

test('002-57: a wrong host', () => fails('no such name', 'url redis://redis.invalid;', /host "redis\.invalid" does not resolve: /));

test('002-58: no answer', async () => {
    // It takes connections, and says nothing.
    const silent = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    after(() => silent.close());
    await until(() => silent.listening, 'it listens');
    const { port } = silent.address();
    await fails('no answer', `url redis://127.0.0.1:${port}; command_timeout 50ms;`, new RegExp(`127\\.0\\.0\\.1:${port}: no answer within 50 ms`));
    await fails('no handshake', `url rediss://127.0.0.1:${port}; connect_timeout 50ms;`, new RegExp(`TLS to 127\\.0\\.0\\.1:${port} failed: no handshake within 50 ms, does it speak TLS\\?`));
});

test('002-58: no connection', async () => {
    // The queue of a server that accepts nobody is full after a few: further ones get no answer.
    const redis = await Redis.start({ settings: { 'tcp-backlog': 1 } });
    redis.pause();
    const fillers = Array.from({ length: 4 }, () => net.connect(redis.port, '127.0.0.1').on('error', () => {}));
    after(() => fillers.forEach((socket) => socket.destroy()));
    await until(() => fillers.filter((socket) => !socket.connecting).length >= 2, 'the queue is full');
    await fails('no connection', `url ${redis.url}; connect_timeout 60ms;`,
        /connect\(\) to 127\.0\.0\.1:\d+ failed \(110: Connection timed out\): no answer within 60 ms, is there a firewall between\?/);
    redis.resume();
});

test('000-13, 002-25, 002-76: passwords and users', async () => {
    const redis = await Redis.start({ password: 's3cret!' });
    const wrong = /wrong password or user: WRONGPASS .*, see "user" and "password" of realtime_redis/;
    await fails('a wrong password', `url ${redis.url}; password s3cret;`, wrong);
    await fails('none', `url ${redis.url};`, /wrong password or user: NOAUTH /);
    await fails('an unknown user', `url ${redis.url}; user nobody; password s3cret!;`, wrong);
    const acl = await Redis.start({ user: { name: 'app', password: 's3cret/@', rules: '~rt:* &* +@all' } });
    for (const block of [`url redis://:s3cret!@127.0.0.1:${redis.port};`, `url ${redis.url}; password s3cret!;`, `url redis://app:s3cret%2F%40@127.0.0.1:${acl.port};`, `url ${acl.url}; user app; password s3cret/@;`]) {
        const nginx = await Nginx.start(text(block));
        await connected(nginx);
        unlike(nginx.log(), /s3cret/, 'no secret');
        await nginx.quit();
    }
});

test('002-76: too few rights', async () => {
    const deaf = await Redis.start({ user: { name: 'app', password: 'x', rules: '~* &* +@all -psubscribe' } });
    const nginx = await Nginx.start(text(`url ${deaf.url}; user app; password x;`));
    await nginx.waitLog(/Redis sub client error: .*NOPERM.*psubscribe/);
    like(nginx.log(), /\[warn\].*Redis adapter not initialized, using default adapter/, 'the adapter');
    unlike(nginx.log(), /Redis adapter connected/, 'never connected');
    await nginx.quit();
    const nameless = await Redis.start({ user: { name: 'app', password: 'x', rules: '~* &* +@all -client' } });
    await fails('no name', `url ${nameless.url}; user app; password x;`, /not permitted: NOPERM .*, the user's rights \(ACL\) do not suffice/);
});

test('002-76: rights that are taken away, and given back', async () => {
    const redis = await Redis.start({ user: { name: 'app', password: 'x' } });
    const nginx = await Nginx.start(text(`url ${redis.url}; user app; password x;`));
    await connected(nginx);
    const rights = (...words) => redis.command('ACL', 'SETUSER', 'app', ...words);
    await rights('-set');
    await nginx.waitLog(/\[error\].*Redis refuses the key of this host: NOPERM .*'set'/);
    unlike(nginx.log(), /client error|Redis is away/, 'without its key it works on');
    await rights('+set', '-publish');
    await nginx.waitLog(/\[error\].*Redis refuses what is published: NOPERM .*'publish'/);
    await nginx.waitLog(/\[error\].*Redis \w+ client error: .*what is published does not come back/);
    await nginx.waitLog(/\[warn\].*app "a": Redis is away: other hosts hear nothing until it is back/);
    ok(true, 'what is refused stands in the log, and what follows from it');
    const from = nginx.log().length;
    await rights('+publish');
    await nginx.waitLog(/\[notice\].*app "a": Redis adapter connected/, { from });
    is(count(nginx, /\[error\].*Redis refuses/), 2, 'each is told once, and no reload is needed');
    await nginx.quit();
});

test('a unix socket', async () => {
    const redis = await Redis.start({ unix: true });
    for (const block of [`url unix:${redis.sock};`, `host unix:${redis.sock};`]) {
        const nginx = await Nginx.start(text(block));
        await connected(nginx);
        is(count(nginx, new RegExp(`client connected to unix:${redis.sock}`)), 2, block);
        await nginx.quit();
    }
    await fails('no such socket', `url unix:${redis.dir}/none;`, /connect\(\) to unix:\S+\/none failed \(2: No such file or directory\)/);
});

test('TLS', async () => {
    const redis = await Redis.start({ tls: true, clientCerts: true });
    const mine = redis.ca.issue('client');
    const certificate = `ssl_certificate ${mine.cert}; ssl_certificate_key ${mine.key};`;
    const trust = `ssl_trusted_certificate ${redis.ca.ca};`;
    for (const block of [`url ${redis.url}; ${trust}`, `host localhost; port ${redis.port}; ssl on; ${trust}`, `url rediss://127.0.0.1:${redis.port}; ${trust}`,
        `url rediss://127.0.0.1:${redis.port}; ${trust} ssl_name localhost;`, `url ${redis.url}; ssl_verify off;`]) {
        const nginx = await Nginx.start(text(`${block} ${certificate}`));
        await connected(nginx);
        await nginx.quit();
    }
    await fails('an unknown authority', `url ${redis.url}; ${certificate}`, /TLS to 127\.0\.0\.1:\d+ failed: its certificate is not trusted: /);
    await fails('another authority', `url ${redis.url}; ssl_trusted_certificate ${authority().ca}; ${certificate}`, /its certificate is not trusted: /);
    await fails('a wrong name', `url ${redis.url}; ${trust} ${certificate} ssl_name redis.example;`, /its certificate is not of "redis\.example"/);
    // TLS 1.3 tells of it behind the handshake: what is said first, its alert or a reset, is chance.
    const nginx = await Nginx.start(text(`url ${redis.url}; ${trust}`));
    await nginx.waitLog(/client error: 127\.0\.0\.1:\d+: SSL_read\(\) failed \(SSL: .*certificate required/);
    await nginx.quit();
    await fails('no TLS', `url redis://localhost:${redis.port};`, /before it answered, does it want TLS\?/);
}, { timeout: 60000 });

// Plain connections outlive their worker, those with TLS do not.
test('the worker with the connections dies', async () => {
    for (const tls of [false, true]) {
        const redis = await Redis.start({ tls });
        const nginx = await Nginx.start(text(`url ${redis.url}; ${tls ? `ssl_trusted_certificate ${redis.ca.ca};` : ''}`));
        await connected(nginx);
        for (const pid of nginx.workers()) await nginx.kill(pid); // one of them has it
        await nginx.waitLog(tls ? /\[notice\].*the bridge to other hosts is built anew/ : /\[notice\].*the bridge to other hosts goes on at this worker/);
        unlike(nginx.log(), tls ? /goes on at this worker/ : /built anew/, `${tls ? 'TLS' : 'plain'}: the log says what becomes of them`);
        await nginx.quit();
    }
});

test('002-09, 002-13, 003-25, 004-33…004-36: lost and back', async () => {
    const redis = await Redis.start();
    const nginx = await Nginx.start(text(`url ${redis.url};`));
    await connected(nginx);
    await redis.kill();
    await nginx.waitLog(/Redis pub client error: connect\(\) to /);
    await nginx.waitLog(/Redis sub client error: connect\(\) to /);
    const from = nginx.log().length;
    await redis.launch();
    await nginx.waitLog(/Redis adapter connected/, { from });
    for (const role of ['pub', 'sub']) {
        is(count(nginx, new RegExp(`Redis ${role} client error: 127\\.0\\.0\\.1:\\d+ closed the connection,`)), 1, `${role}: lost, once`);
        is(count(nginx, new RegExp(`Redis ${role} client error: connect\\(\\)`)), 1, `${role}: refused, once`);
        is(count(nginx, new RegExp(`Redis ${role} client connected`)), 2, `${role}: connected, once more`);
    }
    is(count(nginx, /Redis adapter connected/), 2, 'the adapter, too');
    is(count(nginx, /Redis adapter attached/), 1, 'attached once');
    ok(!/not initialized/.test(nginx.log()), 'it was initialized');
    await nginx.quit();
});
