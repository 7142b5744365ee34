#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Full stops: every WebSocket is closed with 1012 and every held poll answered, by workers of
// earlier configurations too, and nobody waits longer for the end than realtime_drain says. And old
// workers whose only task is a request that they hold for somebody else's session.
'use strict';

const { test, is, ok, deepEqual, SLOW } = require('../lib/tap');
const { Nginx } = require('../lib/nginx');
const { post } = require('../lib/raw');
const { gather, losses, status, HELLO } = require('../lib/crowd');
const { Polling } = require('../lib/eio');
const { certificate } = require('../lib/cert');
const { until, silence } = require('../lib/until');

const PROMPT = 3000 * SLOW;
const DRAIN = 3000 * SLOW; // more than two reloads take

const parts = (drain, server = '') => ({
    workers: 4,
    http: `
        realtime_app app {
            zone app:16m;
            namespace / { ${HELLO} }
        }`,
    server: `
        ${server}
        location /socket.io/ { realtime app; realtime_drain ${drain}; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
        location /status { realtime_status app; allow 127.0.0.1; deny all; }`,
});

function withTls() {
    const { cert, key } = certificate();
    return `listen 127.0.0.1:%%PORT_TLS%% ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};`;
}

async function ended(nginx, signal, ms = PROMPT) {
    const began = Date.now();
    process.kill(nginx.pid, signal);
    await until(() => nginx.gone, `the end after ${signal}`, ms);
    return Date.now() - began;
}

async function crowd(nginx, server = nginx) {
    const sockets = await gather(server, 60);
    const pollers = await gather(nginx, 30, { kind: 'polling' });
    await silence(200 * SLOW); // nothing tells when a server has begun to hold a poll
    return { sockets, pollers };
}

test('nginx -s quit (002-32)', async () => {
    const nginx = await Nginx.start(parts('0'));
    const { sockets, pollers } = await crowd(nginx);
    const took = await ended(nginx, 'SIGQUIT');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    deepEqual(losses(sockets), [1012], 'every WebSocket is closed with 1012');
    await until(() => pollers.every(({ over }) => over), 'every poll ends');
    deepEqual(losses(pollers), ['close packet'], 'every poll is answered with a close packet');
    await nginx.stop();
});

// TLS keeps the workers of earlier configurations for a while.
test('nginx -s quit behind a reload', async () => {
    const nginx = await Nginx.start(parts(`${DRAIN}ms`, withTls()));
    const old = await crowd(nginx, { port: nginx.values.PORT_TLS, secure: true });
    await nginx.reload();
    await nginx.reload();
    const young = await crowd(nginx);
    ok(nginx.leaving().length >= 4, 'workers of earlier configurations are there');
    const took = await ended(nginx, 'SIGQUIT', DRAIN + PROMPT);
    ok(took <= DRAIN + PROMPT / 2, `it ends after ${took} ms`);
    deepEqual(losses([...old.sockets, ...young.sockets]), [1012], 'every WebSocket is closed with 1012');
    await until(() => [...old.pollers, ...young.pollers].every(({ over }) => over), 'every poll ends');
    deepEqual(losses([...old.pollers, ...young.pollers]), ['close packet'], 'every poll is answered with a close packet');
    await nginx.stop();
});

test('nginx -s stop', async () => {
    const nginx = await Nginx.start(parts('0'));
    const { sockets, pollers } = await crowd(nginx);
    const took = await ended(nginx, 'SIGTERM');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    await until(() => [...sockets, ...pollers].every(({ over }) => over !== undefined), 'every connection ends');
    await nginx.stop();
});

// nginx alerts of every connection that a worker leaves open when it was to quit and is terminated.
test('nginx -s stop behind a reload', async () => {
    const nginx = await Nginx.start(parts('30s', withTls()));
    const { sockets, pollers } = await crowd(nginx, { port: nginx.values.PORT_TLS, secure: true });
    await nginx.reload();
    is(nginx.leaving().length, 4, 'the old workers are there');
    const took = await ended(nginx, 'SIGTERM');
    ok(took <= PROMPT, `it ends after ${took} ms`);
    await until(() => [...sockets, ...pollers].every(({ over }) => over !== undefined), 'every connection ends');
    await nginx.stop();
});

// One session: its poll is held by a worker that is not its home, most times. It is let go of, and
// the next one is held elsewhere.
test('a poll does not keep the worker that holds it', async () => {
    const nginx = await Nginx.start(parts('30s'));
    for (let round = 0; round < 6; ++round) {
        const session = await Polling.open(nginx);
        await session.send('40');
        while (!(await session.packet()).startsWith('42["hello"'));
        const { answer } = await session.hold();
        await nginx.reload();
        const last = await answer;
        deepEqual([last.status, last.text], [200, '6'], `round ${round}: it is answered with a noop`);
        await until(() => nginx.leaving().length === 0, 'the old workers leave');
        is((await status(nginx)).workers.length, 4, `round ${round}: and their seats are free`);
        const next = await session.hold();
        await post(nginx, '/publish', `{"event":"n","args":[${round}]}`, { 'Content-Type': 'application/json' });
        const { status: code, text } = await next.answer;
        deepEqual([code, text], [200, `42["n",${round}]`], `round ${round}: the session goes on`);
        await session.send('1');
    }
    await until(async () => (await status(nginx)).roster.connections === 0, 'all have left');
    await nginx.quit();
});
