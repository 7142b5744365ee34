#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Acks from clients to the server: a publisher asks, clients at all workers answer, on every
// transport and across an upgrade.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, ready, clientsApart, TRANSPORTS } = require('../lib/spread');
const { connected, WEBSOCKET, UPGRADE } = require('../lib/client');
const { http: request, post } = require('../lib/raw');
const { event, until } = require('../lib/until');

const http = `
    realtime_app app {
        zone app:32m;
        namespace / {
            connect { emit hello data=$realtime_worker; }
            on join { join $realtime_arg_0; ack 1; }
            on ask { ack $realtime_args; }
        }
        namespace /other { connect { join r; } }
    }`;
const server = `
    location /socket.io/ { realtime app; }
    location /few/ { realtime app; realtime_limits acks=2; }
    location /publish { realtime_publish app; allow 127.0.0.1; deny all; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }`;

let app;

const begin = (name, body, run = test) => run(name, async () => {
    app = app || await startSpread({ http, server });
    await body((text) => `${name}: ${text}`);
}, { repeat: 2 });

// Asks; the answers are sorted by the sockets' order in `sockets`.
async function question(document, sockets = []) {
    const { status, text } = await post(app, '/publish', JSON.stringify({ event: 'question', ...document }), { 'Content-Type': 'application/json' });
    const told = JSON.parse(text);
    const order = ({ sid }) => sockets.findIndex(({ id }) => id === sid);
    if (told.answers) told.answers.sort((a, b) => order(a) - order(b));
    return { status, ...told };
}

const answering = (socket, answer) => socket.on('question', (...args) => args.pop()(...answer(...args)));

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    begin(`${transport}: all answer`, async (label) => {
        const sockets = await clientsApart(app, 4, '/', options);
        sockets.forEach((socket, at) => answering(socket, (n, deep) => [n + at, deep]));
        const rooms = sockets.map(({ id }) => id);
        const began = Date.now();
        const told = await question({ args: [10, { a: ['é'] }], rooms, ack: { timeout: 20000 } }, sockets);
        ok(Date.now() - began < 10000, label('the publisher does not wait for the time to pass'));
        deepEqual([told.status, told.ok, typeof told.id], [200, true, 'string'], label('200'));
        deepEqual(told.answers, rooms.map((sid, at) => ({ sid, args: [10 + at, { a: ['é'] }] })), label('each its answer'));
        deepEqual(told.missing, [], label('nobody is missing'));
        sockets.forEach((socket) => socket.disconnect());
    });

    begin(`${transport}: some do not`, async (label) => {
        const sockets = await clientsApart(app, 3, '/', options);
        await Promise.all(sockets.map((socket) => socket.emitWithAck('join', 'some')));
        answering(sockets[0], () => []);
        answering(sockets[1], () => [null, false]);
        let late;
        sockets[2].on('question', (ack) => { late = ack; });
        const told = await question({ rooms: ['some'], ack: { timeout: 300 } }, sockets);
        deepEqual(told.answers, [{ sid: sockets[0].id, args: [] }, { sid: sockets[1].id, args: [null, false] }], label('the answers that came'));
        deepEqual(told.missing, [sockets[2].id], label('and who is missing'));
        late('too late');
        deepEqual(await sockets[2].emitWithAck('ask', 1), 1, label('an answer that is too late harms nobody'));
        sockets.forEach((socket) => socket.disconnect());
    });

    begin(`${transport}: many questions at once`, async (label) => {
        const sockets = await clientsApart(app, 3, '/', options);
        sockets.forEach((socket, at) => answering(socket, (n) => [n * 10 + at]));
        const rooms = sockets.map(({ id }) => id);
        const told = await Promise.all(Array.from({ length: 50 }, (unused, n) => question({ args: [n], rooms, ack: { timeout: 20000 } }, sockets)));
        const expected = Array.from({ length: 50 }, (unused, n) => rooms.map((sid, at) => ({ sid, args: [n * 10 + at] })));
        deepEqual(told.map(({ answers }) => answers), expected, label('each has its own answers'));
        sockets.forEach((socket) => socket.disconnect());
    });
}

begin('nobody is asked', async (label) => {
    const began = Date.now();
    const told = await question({ rooms: ['nobody'], ack: { timeout: 20000 } });
    deepEqual([told.status, told.answers, told.missing], [200, [], []], label('is told at once'));
    ok(Date.now() - began < 10000, label('without waiting'));
});

begin('another namespace', async (label) => {
    const [here, there] = [await ready(app, '/', WEBSOCKET), await connected(app, '/other', WEBSOCKET)];
    await here.emitWithAck('join', 'r');
    answering(here, () => ['here']);
    answering(there, () => ['there']);
    const told = await question({ namespace: '/other', rooms: ['r'], ack: { timeout: 20000 } });
    deepEqual(told.answers, [{ sid: there.id, args: ['there'] }], label('is another room'));
    [here, there].forEach((socket) => socket.disconnect());
});

begin('binary answers', async (label) => {
    const socket = await ready(app, '/', WEBSOCKET);
    answering(socket, () => [{ deep: Buffer.from([1, 2, 255]) }, Buffer.from('x')]);
    const told = await question({ rooms: [socket.id], ack: { timeout: 20000 } });
    const place = (num) => ({ _placeholder: true, num });
    deepEqual(told.answers, [{ sid: socket.id, args: [{ deep: place(0) }, place(1)], attachments: ['AQL/', 'eA=='] }], label('are base64'));
    socket.disconnect();
}, ours);

begin('a client that upgrades before it answers', async (label) => {
    const socket = await connected(app, '/', { ...UPGRADE, upgrade: false });
    const asked = event(socket, 'question');
    const told = question({ args: ['x'], rooms: [socket.id], ack: { timeout: 20000 } });
    const [, ack] = await asked;
    const upgraded = event(socket.io.engine, 'upgrade');
    socket.io.engine._probe('websocket');
    await upgraded;
    ack('after');
    deepEqual((await told).answers, [{ sid: socket.id, args: ['after'] }], label('is heard'));
    socket.disconnect();
});

begin('a client that leaves instead', async (label) => {
    const [socket, other] = [await ready(app, '/', WEBSOCKET), await ready(app, '/', WEBSOCKET)];
    answering(other, () => ['here']);
    socket.on('question', () => socket.disconnect());
    const { id } = socket;
    const told = await question({ rooms: [id, other.id], ack: { timeout: 1000 } });
    deepEqual([told.answers, told.missing], [[{ sid: other.id, args: ['here'] }], [id]], label('is missing'));
    other.disconnect();
});

begin('a client that owes too many', async (label) => {
    const socket = await ready(app, '/', { ...WEBSOCKET, path: '/few/' });
    const counters = async () => JSON.parse((await request(app, { path: '/status?format=json' })).text).total.refused.acks;
    const before = await counters();
    const heard = [];
    socket.on('question', (n, ack) => heard.push([n, typeof ack]));
    const rooms = [socket.id];
    const open = [1, 2].map((n) => question({ args: [n], rooms, ack: { timeout: 2000 } }));
    await until(() => heard.length === 2, 'two questions');
    const third = await question({ args: [3], rooms, ack: { timeout: 2000 } });
    deepEqual([third.answers, third.missing], [[], []], label('is told, not asked'));
    await until(() => heard.length === 3, 'the third event');
    deepEqual(heard[2], [3, 'undefined'], label('the event comes without an ack'));
    is(await counters(), before + 1, label('counted'));
    deepEqual((await Promise.all(open)).map(({ missing }) => missing), [rooms, rooms], label('it never answered'));
    socket.disconnect();
}, ours);

begin('a question that is none', async (label) => {
    for (const document of [{ ack: true }, { ack: {} }, { ack: { timeout: 0 } }, { ack: { timeout: '1' } }, { ack: { timeout: 1e9 } }]) {
        const { status, error } = await question(document);
        deepEqual([status, typeof error.code, typeof error.message], [400, 'string', 'string'], label(JSON.stringify(document)));
    }
}, ours);
