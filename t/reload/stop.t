#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Full stops: every WebSocket is closed with 1012 and every held poll answered, by workers of
// earlier configurations too, and nobody waits long for the end. And old workers whose only task
// is a request that they hold for somebody else's session.
'use strict';

const { test, is, ok, deepEqual, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { post } = require('../lib/raw');
const { gather, losses, status, HELLO } = require('../lib/crowd');
const { Polling } = require('../lib/eio');
const { until, silence } = require('../lib/until');

const PROMPT = 3000 * SLOW;

const parts = {
    workers: 4,
    http: `
        realtime_app app {
            zone app:16m;
            namespace / { ${HELLO} }
        }`,
    server: `
        location /socket.io/ { realtime app; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
};

async function ended(nginx, signal) {
    const began = Date.now();
    process.kill(nginx.pid, signal);
    await until(() => nginx.gone, `the end after ${signal}`, PROMPT);
    return Date.now() - began;
}

async function crowd(nginx) {
    const sockets = await gather(nginx, 60);
    const pollers = await gather(nginx, 30, { kind: 'polling' });
    await silence(200 * SLOW); // nothing tells when a server has begun to hold a poll
    return { sockets, pollers };
}

test('nginx -s quit', async () => {
    const nginx = await Nginx.start(parts);
    const { sockets, pollers } = await crowd(nginx);
    const took = await ended(nginx, 'SIGQUIT');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    deepEqual(losses(sockets), [1012], 'every WebSocket is closed with 1012');
    await until(() => pollers.every(({ over }) => over), 'every poll ends');
    deepEqual(losses(pollers), ['close packet'], 'every poll is answered with a close packet');
    await nginx.stop();
});

test('nginx -s quit behind a reload', async () => {
    const nginx = await Nginx.start(parts);
    const old = await crowd(nginx);
    await nginx.reload();
    await nginx.reload();
    const young = await crowd(nginx);
    ok(nginx.leaving().length >= 4, 'workers of earlier configurations are there');
    const took = await ended(nginx, 'SIGQUIT');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    deepEqual(losses([...old.sockets, ...young.sockets]), [1012], 'every WebSocket is closed with 1012');
    await until(() => [...old.pollers, ...young.pollers].every(({ over }) => over), 'every poll ends');
    deepEqual(losses([...old.pollers, ...young.pollers]), ['close packet'], 'every poll is answered with a close packet');
    await nginx.stop();
});

test('nginx -s stop', async () => {
    const nginx = await Nginx.start(parts);
    const { sockets, pollers } = await crowd(nginx);
    const took = await ended(nginx, 'SIGTERM');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    await until(() => [...sockets, ...pollers].every(({ over }) => over !== undefined), 'every connection ends');
    await nginx.stop();
});

// nginx alerts of every connection that a worker leaves open when it was to quit and is terminated.
test('nginx -s stop behind a reload', async () => {
    const nginx = await Nginx.start(parts);
    const { sockets, pollers } = await crowd(nginx);
    await nginx.reload();
    const took = await ended(nginx, 'SIGTERM');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    await until(() => [...sockets, ...pollers].every(({ over }) => over !== undefined), 'every connection ends');
    await nginx.stop();
});

// One session: its poll is held by a worker that has no client of its own, most times.
test('a poll outlives the configuration of the worker that holds it', async () => {
    const nginx = await Nginx.start(parts);
    for (let round = 0; round < 6; ++round) {
        const session = await Polling.open(nginx);
        await session.send('40');
        while (!(await session.packet()).startsWith('42["hello"'));
        const { answer } = await session.hold();
        await nginx.reload();
        await until(() => nginx.leaving().length <= 2, 'workers without a task leave');
        await post(nginx, '/publish', `{"event":"n","args":[${round}]}`, { 'Content-Type': 'application/json' });
        const { status: code, text } = await answer;
        deepEqual([code, text], [200, `42["n",${round}]`], `round ${round}: it is answered`);
        await session.send('1');
        await until(() => nginx.leaving().length === 0, 'then they leave');
        is((await status(nginx)).workers.length, 4, `round ${round}: and their seats are free`);
    }
    await nginx.quit();
});
