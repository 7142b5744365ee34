#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A worker is killed: disconnect { } runs once for each of its sockets, at another worker, with
// what the handshake left; nobody else's runs; and the roster forgets them within a second.
'use strict';

const { test, is, ok, deepEqual, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { gather, status } = require('../lib/crowd');
const { until } = require('../lib/until');

const parts = {
    workers: 4,
    http: `
        realtime_app app {
            zone app:16m;
            namespace / {
                connect { emit hello 'data={"worker":$realtime_worker,"pid":$pid,"port":$remote_port}'; }
                disconnect { emit gone all data=$remote_port; }
            }
        }`,
    server: `
        location /socket.io/ { realtime app; realtime_drain 0; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

const gone = ({ heard }) => heard.map((text) => JSON.parse(text)).filter(([name]) => name === 'gone').map(([, port]) => port);
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);

for (const kind of ['websocket', 'polling']) {
    test(`clients by ${kind}`, async () => {
        const nginx = await Nginx.start(parts);
        const [watch] = await gather(nginx, 1);
        const members = await gather(nginx, 80, { kind });
        const victim = members.find(({ pid }) => pid !== watch.pid).pid;
        const lost = members.filter(({ pid }) => pid === victim);
        ok(lost.length > 1, `${lost.length} clients at the worker that dies`);
        await nginx.kill(victim);
        const began = Date.now();
        const mourned = () => sorted(gone(watch));
        await until(() => lost.every(({ port }) => mourned().includes(port)), 'all are mourned');
        ok(Date.now() - began <= 1000 * SLOW, `within a second (${Date.now() - began} ms)`);
        // Polls of other workers' sessions that were held there are lost too, and with them the sessions.
        const ended = () => members.filter(({ over }) => over !== undefined).map(({ port }) => port);
        await until(() => mourned().every((port) => ended().includes(port)), 'whoever is mourned has learnt of it');
        is(new Set(mourned()).size, mourned().length, 'each once');
        is((await status(nginx)).roster.sockets, 81 - mourned().length, 'the roster has forgotten them');
        if (kind === 'websocket') deepEqual(mourned(), sorted(lost.map(({ port }) => port)), 'and nobody else');
        await nginx.quit();
    });
}
