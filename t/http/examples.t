#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The configurations that we show to users: nginx takes them without a word, and what the
// README promises of them is true.
'use strict';

const fs = require('fs');
const path = require('path');

const { test, is, unlike, deepEqual } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { ROOT } = require('../lib/conf');
const { publicCopy } = require('../lib/files');
const { client, connected } = require('../lib/client');
const { get, post } = require('../lib/raw');
const { event } = require('../lib/until');

const text = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const [minimal, application] = [...text('README.md').matchAll(/```nginx\n([^]*?)```/g)].map((match) => match[1]);
const page = publicCopy(path.join(ROOT, 't', 'page'));
const bundle = publicCopy(path.join(ROOT, 't', 'node_modules', 'socket.io-client', 'dist'));

// As it stands, but for ports, files and the module's place.
const own = (conf) => conf.replace(/^load_module .*$/m, '%%GLOBALS%%').replace(/^http \{/m, 'http {\n%%GLOBALS_HTTP%%')
    .replace(/listen [\d.:]+;/, 'listen 127.0.0.1:%%PORT%%;').replace('include mime.types;', 'include /etc/nginx/mime.types;')
    .replace('alias page/;', `alias ${page}/;`).replace('realtime_serve_client client;', `realtime_serve_client ${bundle};`);

const CONFIGURATIONS = {
    'README, minimal': own(minimal),
    'README, application': own(`load_module x;\nevents {}\nhttp {\n${application}\n}\n`),
    'nginx.conf.example': own(text('nginx.conf.example')),
};

for (const [name, conf] of Object.entries(CONFIGURATIONS)) {
    test(name, async () => {
        const { code, stderr } = await Nginx.check(conf);
        is(code, 0, `${name}: nginx -t`);
        unlike(stderr, /\[(warn|error|alert|crit|emerg)\]/, `${name}: not a word of complaint`);
    });
}

test('60 seconds', async () => {
    const nginx = await Nginx.start(CONFIGURATIONS['README, minimal'], { name: 'minimal' });
    const socket = await connected(nginx);
    const news = event(socket, 'news');
    is((await post(nginx, '/publish', '{"event":"news","args":["hello"]}')).status, 202, 'publish');
    deepEqual(await news, ['hello'], 'news');
});

test('the application', async () => {
    const nginx = await Nginx.start(CONFIGURATIONS['README, application'], { name: 'application' });
    const stranger = client(nginx);
    is((await event(stranger, 'connect_error'))[0].message, 'unauthorized', 'who is nobody is refused');
    const [a, b] = await Promise.all(['a', 'b'].map((user) => connected(nginx, '/', { auth: { user } })));
    for (const socket of [a, b]) deepEqual(await socket.emitWithAck('room:join', { room: 'r' }), { ok: true }, 'joined');
    const heard = event(b, 'message');
    deepEqual(await a.emitWithAck('message', { room: 'r', text: 'hi' }), { ok: true }, 'sent');
    deepEqual(await heard, [{ room: 'r', text: 'hi' }], 'heard by the other one');
    const left = event(b, 'left');
    a.disconnect();
    deepEqual(await left, ['a'], 'and that it left');
});

test('the example', async () => {
    const nginx = await Nginx.start(CONFIGURATIONS['nginx.conf.example'], { name: 'example' });
    const sockets = await Promise.all([0, 1, 2].map(() => connected(nginx, '/events')));
    const heard = sockets.map((socket) => event(socket, 'test-event'));
    deepEqual(await sockets[0].emitWithAck('test-event', { n: 1 }), { ok: true }, 'sent');
    deepEqual(await Promise.all(heard), [[{ n: 1 }], [{ n: 1 }], [{ n: 1 }]], 'heard by all three');
    is((await get(nginx, '/socket.io/socket.io.min.js')).status, 200, 'the client\'s bundle');
    is(JSON.parse((await get(nginx, '/status?format=json')).text).total.sockets, 3, 'status');
});
