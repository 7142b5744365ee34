#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// socket.io-client: transports that the server ends, and how the client comes back; clients
// that never join a namespace.
'use strict';

const { Socket: EngineClient } = require('engine.io-client');

const { test, is, ok, deepEqual, like, after } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, ready, settled, clientsApart, TRANSPORTS } = require('../lib/spread');
const { Polling } = require('../lib/eio');
const { Hearing, FENCE } = require('../lib/hearing');
const { event, until } = require('../lib/until');

const http = `
    realtime_app app {
        zone app:16m;
        namespace / {
            connect { emit hello data=$realtime_worker; }
            on join { join $realtime_arg_0; ack 1; }
            on to { emit said to=$realtime_arg_0 data=$realtime_arg_1; ack 1; }
            on all { emit said all data=$realtime_arg_0; ack 1; }
            ${FENCE}
        }
    }
    realtime_app hasty {
        zone hasty:8m;
        namespace / { on ask { ack 1; } }
    }`;
const server = `
    location /socket.io/ { realtime app; realtime_connect_timeout 20s; }
    location /hasty/ { realtime hasty; realtime_connect_timeout 200ms; realtime_ping interval=50ms timeout=5s; }`;

const COMES_BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

let app;

// A packet that no server forgives: it ends this one transport.
function poison(socket) {
    const { engine } = socket.io;
    if (engine.transport.name === 'websocket') engine.transport.ws.send('abc');
    else new Polling(app, '/socket.io/', { sid: engine.id }).post('abc').catch(() => {});
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `${transport}: ${text}`;
    const each = (name, body, run = test) => run(label(name), async () => {
        app = app || await startSpread({ http, server });
        await body();
    }, { repeat: 2, timeout: 60000 });

    each('the server closes a transport, the client comes back', async () => {
        const socket = await ready(app, '/', { ...options, ...COMES_BACK });
        const other = await ready(app, '/', options);
        const { id } = socket;
        await socket.emitWithAck('join', 'a');
        const lost = event(socket, 'disconnect');
        const back = event(socket, 'connect');
        poison(socket);
        like((await lost)[0], /^transport (close|error)$/, label('it is told so'));
        ok(socket.active, label('it will try again'));
        socket.emit('all', 'said while away');
        const hearing = new Hearing(other, socket);
        await back;
        await settled(socket);
        ok(socket.id !== id && !socket.recovered, label('a new session'));
        await other.emitWithAck('to', 'a', 'to the old room');
        await socket.emitWithAck('join', 'a');
        await other.emitWithAck('to', 'a', 'to the new room');
        const [heard, own] = await hearing.all();
        deepEqual(heard, [['said', 'said while away']], label('what was said while away arrives once'));
        deepEqual(own.filter(([name]) => name === 'said').map(([, text]) => text),
            ['said while away', 'to the new room'], label('rooms are of the old session'));
        socket.disconnect();
        other.disconnect();
    });

    each('one after another, ten times', async () => {
        const socket = await ready(app, '/', { ...options, ...COMES_BACK });
        const ids = new Set([socket.id]);
        for (let i = 0; i < 10; ++i) {
            const back = event(socket, 'connect');
            poison(socket);
            await back;
            await settled(socket);
            ids.add(socket.id);
        }
        is(ids.size, 11, label('eleven ids'));
        is(await socket.emitWithAck('all', 1), 1, label('and it works'));
        socket.disconnect();
    });

    each('a worker is killed', async () => {
        const { running } = app;
        const sockets = await clientsApart(app, 6, '/', { ...options, ...COMES_BACK });
        let lost = 0;
        sockets.forEach((socket) => socket.on('disconnect', () => ++lost));
        const hearing = new Hearing(...sockets);
        const [victim] = running.workers();
        await running.kill(victim);
        // Who was at home there learns of it sooner or later, and comes back.
        const together = async () => {
            if (!sockets.every((socket) => socket.connected)) return false;
            const heard = (await hearing.all(sockets[0], 1000).catch(() => [])).map((list) => list.filter(([name]) => name === 'said'));
            return heard.length === sockets.length;
        };
        await until(together, label('everyone hears everyone'), 30000);
        await Promise.all(sockets.map(settled));
        await sockets[0].emitWithAck('all', 'after');
        const heard = (await hearing.all()).map((list) => list.filter(([name]) => name === 'said'));
        deepEqual(heard, sockets.map(() => [['said', 'after']]), label(`everyone hears everyone again; ${lost} were lost`));
        // A poll may have been held at the worker that died, whatever its session's home.
        if (transport !== 'polling only') ok(lost < sockets.length, label('those of other workers stay'));
        sockets.forEach((socket) => socket.disconnect());
    }, ours);

    each('no namespace joined in time', async () => {
        const engine = new EngineClient(app.url, { ...options, path: '/hasty/' });
        after(() => engine.close());
        const reason = event(engine, 'close');
        await event(engine, 'open');
        const began = Date.now();
        deepEqual((await reason)[0], 'transport close', label('the server closes'));
        ok(Date.now() - began >= 100, label('not at once'));
    });

    each('a namespace joined in time', async () => {
        const socket = await ready(app, '/', { ...options, path: '/hasty/' });
        let pings = 0;
        socket.io.engine.on('ping', () => ++pings);
        await until(() => pings >= 6, 'six pings, more than the connect timeout');
        is(await socket.emitWithAck('ask'), 1, label('stays connected'));
        socket.disconnect();
    });
}
