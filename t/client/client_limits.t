#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// maxPayload as the official client and a raw one meet it: what fits passes, in as many
// requests as it takes; what does not is refused without ending more than it must.
'use strict';

const { test, is, ok, deepEqual, like } = require('../lib/tap');
const { ours } = require('../lib/target');
const { startSpread, ready, TRANSPORTS } = require('../lib/spread');
const { Polling, open, next, closing } = require('../lib/eio');
const { connect } = require('../lib/raw');
const { event } = require('../lib/until');

const MAX = 50000;
const http = `
    realtime_app app {
        zone app:16m;
        namespace / { on size { ack $realtime_arg_1; } on echo { emit echo data=$realtime_args; } }
    }`;
const server = `location /socket.io/ { realtime app; realtime_max_payload ${MAX}; }`;

let app;
const begin = async () => { app = app || await startSpread({ http, server }); };

async function connectedSession() {
    await begin();
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    return session;
}

async function stillWorks(session, text) {
    await session.send('42["echo",1]');
    is(await session.packet(), '42["echo",1]', text);
}

// An event of exactly `size` bytes on the wire.
const sized = (size) => `42["echo","${'x'.repeat(size - 13)}"]`;

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `${transport}: ${text}`;

    test(label('many events together exceed maxPayload'), async () => {
        await begin();
        const socket = await ready(app, '/', options);
        const sizes = Array.from({ length: 30 }, (unused, i) => 1000 + 1500 * i);
        const acks = await Promise.all(sizes.map((size) => socket.timeout(10000).emitWithAck('size', 'é'.repeat(size / 2), size)));
        deepEqual(acks, sizes, label('all pass, in parts'));
        socket.disconnect();
    }, { repeat: 2 });

    test(label('one event exceeds maxPayload'), async () => {
        await begin();
        const [socket, other] = [await ready(app, '/', options), await ready(app, '/', options)];
        const lost = event(socket, 'disconnect');
        socket.emit('size', 'x'.repeat(MAX + 1));
        like((await lost)[0], /^transport (error|close)$/, label('the client loses its transport'));
        is(await other.timeout(10000).emitWithAck('size', '', 7), 7, label('others go on'));
        socket.connect();
        await event(socket, 'connect');
        is(await socket.timeout(10000).emitWithAck('size', '', 8), 8, label('it comes back'));
        socket.disconnect();
        other.disconnect();
    }, { repeat: 2 });
}

test('a POST of exactly maxPayload', async () => {
    const session = await connectedSession();
    await session.send(sized(MAX));
    is((await session.packet()).length, MAX, 'passes');
});

test('a POST of one byte more', async () => {
    const session = await connectedSession();
    const { status, text } = await session.post(sized(MAX + 1));
    deepEqual([status, text.includes('xxx')], [413, false], '413');
    await stillWorks(session, 'the session stays');
});

test('a chunked POST', async () => {
    const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
    const post = async (session, parts) => {
        const connection = await connect(app);
        connection.request({ method: 'POST', path: session.url, headers: { 'Transfer-Encoding': 'chunked' } });
        for (const part of parts) connection.send(chunk(part));
        connection.send('0\r\n\r\n');
        const { status } = await connection.response();
        connection.destroy();
        return status;
    };
    const session = await connectedSession();
    is(await post(session, ['42["ec', 'ho",', '1]']), 200, 'that fits is taken');
    is(await session.packet(), '42["echo",1]', 'and joined');
    is(await post(session, ['4', 'x'.repeat(MAX - 10), 'x'.repeat(MAX)]), 413, 'that does not fit: 413');
    await stillWorks(session, 'the session stays');
});

ours('what is announced and too long is refused before it is sent', async () => {
    const session = await connectedSession();
    const connection = await connect(app);
    connection.request({ method: 'POST', path: session.url, headers: { 'Content-Length': String(2 ** 40) } });
    connection.send('4');
    is((await connection.response()).status, 413, '413 at the header');
    await connection.closed();
    ok(true, 'and the TCP connection is closed');
    await stillWorks(session, 'the session stays');
});

test('WebSocket messages', async () => {
    await begin();
    const socket = await open(app);
    like(await next(socket.text('40')), /^40/, 'connected');
    is((await next(socket.text(sized(MAX)))).length, MAX, 'of exactly maxPayload pass');
    is((await next(socket.text(sized(MAX).slice(0, 30000), { fin: false }).send(0, sized(MAX).slice(30000)))).length, MAX, 'in fragments too');
    is(await closing(socket.text(sized(MAX + 1))), 1009, 'one byte more: 1009');
    const second = await open(app);
    second.text('x'.repeat(30000), { fin: false });
    is(await closing(second.send(0, 'x'.repeat(30000))), 1009, 'fragments count together');
    const third = await open(app);
    is(await closing(third.send(2, 'x', { length: 2 ** 40 })), 1009, 'an absurd length: 1009 at the header');
});
