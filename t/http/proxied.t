#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Two instances behind another nginx that passes /socket.io/ on, as docs/examples/behind_proxy.conf
// says; the location in front is the text of that file. Clients have addresses of their own.
'use strict';

const fs = require('fs');
const http = require('http');
const path = require('path');

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { ROOT } = require('../lib/conf');
const { client } = require('../lib/client');
const { settled, TRANSPORTS } = require('../lib/spread');
const { Polling, open, next, closing, query } = require('../lib/eio');
const cases = require('../lib/eio_cases');
const { http: request } = require('../lib/raw');
const { event, until } = require('../lib/until');

const EXAMPLE = fs.readFileSync(path.join(ROOT, 'docs', 'examples', 'behind_proxy.conf'), 'utf8');
const MOST = 3;

const part = (head) => EXAMPLE.match(new RegExp(`^# {3}(${head} \\{\n(?:# {7}.*\n)*)# {3}\\}`, 'm'))[1].replace(/^#/gm, '') + '}';

// The example itself, on a port of ours.
const INSTANCE = EXAMPLE.replace(/^load_module .*$/m, '%%GLOBALS%%').replace(/^http \{/m, 'http {\n%%GLOBALS_HTTP%%')
    .replace('listen 3000;', `listen 127.0.0.1:%%PORT%%;
        location = /status { realtime_status bo; allow 127.0.0.1; deny all; }
        location /narrow/ { realtime bo; realtime_max_sockets ${MOST} per=ip; }
        location /quick/ { realtime bo; realtime_ping interval=300ms timeout=200ms; }`);

// The sample in front, for any path, of the two instances.
const front = (instances) => `%%GLOBALS%%
worker_processes 2;
events { }
http {
    %%GLOBALS_HTTP%%
    ${part('upstream backend').replace(/server .*\n/g, '').replace('ip_hash;', (hash) => [hash, ...instances.map(({ port }) => `server 127.0.0.1:${port};`)].join('\n'))}
    server {
        listen 127.0.0.1:%%PORT%%;
        ${part('location /socket.io/').replace('/socket.io/', '/')}
    }
}`;

let instances;
let proxy;

const begin = (name, body) => test(name, async () => {
    if (!proxy) {
        instances = await Promise.all(['one', 'two'].map((which) => Nginx.start(INSTANCE, { name: which })));
        proxy = await Nginx.start(front(instances), { name: 'front' });
    }
    await body();
});

// Loopback addresses are many; ip_hash looks at the first three numbers.
const from = (ip) => ({ port: proxy.port, localAddress: ip });
const agent = (ip) => ({ agent: new http.Agent({ localAddress: ip }) });

async function holders() {
    const counts = instances.map(async (one) => JSON.parse((await request(one, { path: '/status?format=json' })).text).roster.connections);
    return Promise.all(counts);
}

begin('000-61: the sample\'s lines are those of the seed', async () => {
    for (const line of ['proxy_http_version 1.1;', 'proxy_set_header Upgrade $http_upgrade;', 'proxy_set_header Connection "upgrade";', 'proxy_set_header Host $host;',
        'proxy_set_header X-Real-IP $remote_addr;', 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;', 'proxy_set_header X-Forwarded-Proto $scheme;'])
        ok(proxy.text.includes(line), line);
    like(proxy.text, /ip_hash;\n\s*server [\d.:]+;\s*server [\d.:]+;/, 'over ip_hash and two servers');
});

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `000-61: behind a proxy, ${transport}: ${text}`;
    begin(label('socket.io-client'), async () => {
        const sockets = ['127.0.0.1', '127.0.0.9'].map((ip) => client(proxy, '/', { ...options, ...agent(ip) }));
        const [[first], [second]] = await Promise.all(sockets.map((socket) => event(socket, 'whoami')));
        deepEqual([first, second], ['127.0.0.1', '127.0.0.9'], label('each is known by its own address'));
        await Promise.all(sockets.map(settled));
        const heard = sockets.map((socket) => event(socket, 'test-event'));
        const bytes = Buffer.alloc(30000, 'b');
        sockets[0].emit('test-event', 'x'.repeat(100000), { bytes });
        deepEqual(await Promise.all(heard), sockets.map(() => ['x'.repeat(100000), { bytes }]), label('a broadcast, with a Buffer'));
        sockets.forEach((socket) => socket.disconnect());
        await until(async () => (await holders()).every((count) => count === 0), 'nobody is left');
    });
}

begin('000-62: ip_hash over two instances', async () => {
    const ips = Array.from({ length: 16 }, (unused, i) => `127.0.${i}.1`);
    const sockets = ips.map((ip, i) => client(proxy, '/', { ...Object.values(TRANSPORTS)[i % 3], ...agent(ip) }));
    const told = await Promise.all(sockets.map((socket) => event(socket, 'whoami')));
    deepEqual(told.flat(), ips, 'realip gives rules the right address');
    await Promise.all(sockets.map(settled));
    const counts = await holders();
    ok(counts.every((count) => count > 0) && counts[0] + counts[1] === ips.length, `both have clients: ${counts}`);
    const logged = instances.flatMap((one) => one.accessLog().split('\n').filter(Boolean).map((line) => line.split(' ')[0]));
    ok(ips.every((ip) => logged.includes(ip)), 'and the access log too');
    sockets.forEach((socket) => socket.disconnect());
    await until(async () => (await holders()).every((count) => count === 0), 'nobody is left');
});

begin('000-62: realtime_max_sockets per=ip behind it', async () => {
    const handshake = (ip) => request(from(ip), { path: query('/narrow/', 'polling') });
    const ips = ['127.0.3.1', '127.0.3.2', '127.0.4.1'];
    const taken = [];
    for (const ip of ips) for (let i = 0; i < MOST; ++i) taken.push((await handshake(ip)).status);
    deepEqual(taken, taken.map(() => 200), 'each address has its own');
    for (const ip of ips) is((await handshake(ip)).status, 503, `${ip}: no more`);
    const forged = await request(from(ips[0]), { path: query('/narrow/', 'polling'), headers: { 'X-Real-IP': '10.9.9.9' } });
    is(forged.status, 503, 'a client cannot claim another address: the proxy overwrites it');
});

begin('by hand', async () => {
    const session = await Polling.open(from('127.0.5.1'));
    const { answer } = await session.hold();
    await session.send('40');
    like((await answer).text, /^40\{/, 'a held GET is answered');
    const socket = await session.upgrade();
    for (let text = ''; text !== '42["test-event",1]'; text = await next(socket)) if (!text) socket.text('42["test-event",1]');
    ok(true, 'an upgrade');
    is(await closing(socket.text('4nonsense')), 1005, 'a close of the server reaches the client');
    const other = await open(from('127.0.5.1'));
    other.destroy();
    await until(async () => JSON.stringify(await holders()).match(/^\[[0-9],[0-9]\]$/), 'a close of the client reaches the server');
});

const alive = async (socket) => like(await next(socket.text('40')), /^40\{/, 'the session goes on');

// What the conformance suites have in common. The connection of a refused upgrade is the
// proxy's, who keeps it: what is said there of its end is not about us.
const KEPT = /^handshake, WebSocket: fails/;
const ALL = { ...cases.handshake('/quick/'), ...cases.heartbeat('/quick/'), ...cases.close('/quick/'), ...cases.upgrade('/quick/', alive) };
for (const name of Object.keys(ALL).filter((one) => KEPT.test(one))) delete ALL[name];

for (const [name, body] of Object.entries(ALL)) {
    begin(`000-61: behind a proxy, ${name}`, async () => {
        await body(from('127.0.6.1'));
        ok(true, `000-61: behind a proxy, ${name}`);
    });
}
