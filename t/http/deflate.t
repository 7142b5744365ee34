#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// permessage-deflate, as realtime_deflate says: who gets it, what is compressed in either
// direction, and what compressed nonsense costs. Polling is compressed by nginx's gzip.
'use strict';

const crypto = require('crypto');
const zlib = require('zlib');

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { startSpread, settled, ready, TRANSPORTS } = require('../lib/spread');
const { client } = require('../lib/client');
const { Polling, open, next, closing, query } = require('../lib/eio');
const { websocket, frame, OP } = require('../lib/ws');
const { http: request } = require('../lib/raw');
const { event } = require('../lib/until');
const proc = require('../lib/proc');

const THRESHOLD = 100;
const MAX = 1000000;
const http = `
    realtime_app app {
        zone app:32m;
        namespace / {
            on echo { emit echo data=$realtime_args; }
            on all { emit said all data=$realtime_args; }
            on ask { ack $realtime_args; }
        }
    }`;
const server = `
    gzip on; gzip_min_length 100; gzip_types text/plain;
    location /socket.io/ { realtime app; realtime_deflate on threshold=${THRESHOLD}; }
    location /usual/ { realtime app; realtime_deflate on; }
    location /off/ { realtime app; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }`;

let app;
const begin = (name, body) => test(name, async () => { app = app || await startSpread({ http, server }); await body(); });

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

const deflated = (text) => zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const inflated = (bytes) => zlib.inflateRawSync(Buffer.concat([bytes, Buffer.from([0, 0, 255, 255])]), { finishFlush: zlib.constants.Z_SYNC_FLUSH });
const compressed = (text, options) => frame(OP.text, deflated(text), { rsv: 4, ...options });

// A socket in the namespace, with the extension if it is offered.
async function joined(path = '/socket.io/', headers = OFFER) {
    const socket = await open(app, { path, headers });
    like(await next(socket.text('40')), /^40\{/, 'joined');
    return socket;
}

// The next message frame and what is in it.
async function arrives(socket) {
    const got = await socket.frame();
    return { compressed: got.rsv === 4, data: (got.rsv === 4 ? inflated(got.payload) : got.payload).toString(), size: got.payload.length };
}

// --- Who gets it.

const OFFERS = {
    'permessage-deflate': ANSWER,
    'permessage-deflate; client_max_window_bits; server_no_context_takeover': ANSWER,
    'permessage-deflate; server_max_window_bits=15': `${ANSWER}; server_max_window_bits=15`,
    'permessage-deflate; server_max_window_bits=9': undefined,
    'permessage-deflate; server_max_window_bits=9, permessage-deflate': ANSWER,
    'x-webkit-deflate-frame': undefined,
    'x-other; a=1, permessage-deflate; client_max_window_bits=10': ANSWER,
    'permessage-deflate; unknown': undefined,
};

for (const [offer, answer] of Object.entries(OFFERS)) {
    begin(`offered: ${offer}`, async () => {
        const told = async (path) => {
            const socket = await websocket(app, query(path, 'websocket'), { headers: { 'Sec-WebSocket-Extensions': offer } });
            socket.destroy();
            return [socket.accepted, socket.response.headers['sec-websocket-extensions']];
        };
        deepEqual(await told('/socket.io/'), [true, answer], answer ? 'taken' : 'declined, the connection stands');
        deepEqual(await told('/off/'), [true, undefined], 'never where it is off, the default');
    });
}

begin('not offered', async () => {
    const socket = await joined('/socket.io/', {});
    is(socket.response.headers['sec-websocket-extensions'], undefined, 'not negotiated');
    socket.text(`42["echo","${'x'.repeat(5000)}"]`);
    is((await arrives(socket)).compressed, false, 'nothing is compressed');
    is(await closing(socket.sendRaw(compressed('42["echo"]'))), 1002, 'RSV1: 1002');
    const off = await joined('/off/');
    is(await closing(off.sendRaw(compressed('42["echo"]'))), 1002, 'RSV1 where it is off: 1002');
});

// --- Both directions.

begin('004-49: what is long is compressed', async () => {
    const socket = await joined();
    for (const [size, expected] of [[THRESHOLD - 1, false], [THRESHOLD, true], [5000, true], [MAX, true]]) {
        const text = `42["echo","${'x'.repeat(size - 13)}"]`;
        const got = await arrives(socket.text(text));
        deepEqual([got.compressed, got.data === text], [expected, true], `${size} bytes: ${expected ? 'compressed' : 'as they are'}`);
        if (size >= 5000) ok(got.size < size / 20, `${size} bytes: by much, to ${got.size}`);
    }
    socket.destroy();
    const usual = await joined('/usual/');
    is((await arrives(usual.text(`42["echo","${'x'.repeat(1010)}"]`))).compressed, false, '1023 bytes stay, without threshold=');
    is((await arrives(usual.text(`42["echo","${'x'.repeat(1011)}"]`))).compressed, true, '1024 do not');
    usual.destroy();
});

begin('what does not shrink', async () => {
    const socket = await joined();
    const bytes = crypto.randomBytes(5000);
    socket.text('451-["echo",{"_placeholder":true,"num":0}]').binary(bytes);
    like((await arrives(socket)).data, /^451-\["echo"/, 'a short text');
    const got = await socket.frame();
    deepEqual([got.rsv, got.opcode, got.payload.equals(bytes)], [0, OP.binary, true], 'a random Buffer: as it is');
    socket.text('451-["echo",{"_placeholder":true,"num":0}]').sendRaw(frame(OP.binary, deflated(Buffer.alloc(5000)), { rsv: 4 }));
    await arrives(socket);
    const zeros = await socket.frame();
    deepEqual([zeros.rsv, inflated(zeros.payload).equals(Buffer.alloc(5000))], [4, true], 'one of zeros: compressed, both ways');
    socket.destroy();
});

begin('from the client', async () => {
    const socket = await joined();
    const text = `42["echo","é${'y'.repeat(300)}"]`;
    is((await arrives(socket.sendRaw(compressed(text)))).data, text, 'compressed');
    is((await arrives(socket.text(text))).data, text, 'as it is');
    const bytes = deflated(text);
    const parts = [frame(OP.text, bytes.subarray(0, 7), { rsv: 4, fin: false }), frame(OP.ping, 'p'), frame(OP.continuation, bytes.subarray(7))];
    for (const byte of Buffer.concat(parts)) socket.sendRaw(Buffer.from([byte]));
    is((await socket.frame()).opcode, OP.pong, 'a ping between two fragments');
    is((await arrives(socket)).data, text, 'compressed, in fragments, byte by byte');
    const stored = zlib.deflateRawSync(text, { level: 0, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
    is((await arrives(socket.sendRaw(frame(OP.text, stored, { rsv: 4 })))).data, text, 'in stored blocks');
    is((await arrives(socket.sendRaw(frame(OP.text, zlib.deflateRawSync(text), { rsv: 4 })))).data, text, 'with a final block');
    const many = Array.from({ length: 200 }, (unused, i) => `42["echo",${i},"${'z'.repeat(200)}"]`);
    socket.sendRaw(Buffer.concat(many.map((one) => compressed(one))));
    const got = [];
    while (got.length < many.length) got.push((await arrives(socket)).data);
    deepEqual(got, many, '200 at once: no state between them');
    socket.destroy();
});

begin('a broadcast to all kinds of clients', async () => {
    const sockets = [await joined(), await joined(), await joined('/socket.io/', {}), await joined('/off/'), await joined('/usual/')];
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    const text = `42["said","${'é'.repeat(300)}"]`;
    sockets[2].text(text.replace('said', 'all'));
    const got = await Promise.all(sockets.map(arrives));
    deepEqual(got.map(({ data }) => data === text), got.map(() => true), 'all read the same');
    deepEqual(got.slice(2, 4).map((one) => one.compressed), [false, false], 'those without the extension as it is');
    ok(got[0].compressed && got[1].compressed, 'those with it compressed');
    is(await session.packet(), text, 'polling too');
    sockets.forEach((socket) => socket.destroy());
    await session.post('1');
});

begin('004-49: polling by nginx\'s gzip', async () => {
    const session = await Polling.open(app);
    await session.send('40');
    await session.packet();
    const text = `42["echo","${'x'.repeat(5000)}"]`;
    await session.send(text);
    const answer = await request(app, { path: session.url, headers: { 'Accept-Encoding': 'gzip' } });
    is(answer.headers['content-encoding'], 'gzip', 'compressed');
    is(zlib.gunzipSync(answer.body).toString(), text, 'the same');
    await session.post('1');
});

begin('after an upgrade', async () => {
    for (let round = 0; round < 6; ++round) { // the home of the session is any of three workers
        const session = await Polling.open(app);
        await session.send('40');
        await session.packet();
        const socket = await session.socket({ headers: OFFER });
        is(socket.response.headers['sec-websocket-extensions'], ANSWER, 'negotiated by the upgrade');
        socket.sendRaw(compressed('2probe'));
        is(await socket.message(), '3probe', 'a compressed probe');
        const text = `42["echo","${'x'.repeat(1000)}"]`;
        socket.sendRaw(Buffer.concat([compressed('5'), compressed(text)]));
        const got = await arrives(socket);
        deepEqual([got.compressed, got.data], [true, text], 'both directions');
        socket.destroy();
    }
});

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    begin(`socket.io-client by ${transport}`, async () => {
        const socket = await settled(await ready(app, '/', { ...options, perMessageDeflate: { threshold: 10 } }));
        const { ws } = socket.io.engine.transport;
        if (ws) is(ws.extensions, 'permessage-deflate', `${transport}: negotiated`);
        const long = 'é'.repeat(20000);
        is(await socket.timeout(5000).emitWithAck('ask', long), long, `${transport}: a long text`);
        const heard = event(socket, 'echo');
        socket.emit('echo', Buffer.alloc(20000, 'b'), [long]);
        deepEqual(await heard, [Buffer.alloc(20000, 'b'), [long]], `${transport}: a Buffer`);
        socket.disconnect();
    });
}

// --- Nonsense.

const BAD = {
    'a bomb of 200 MB': [compressed(Buffer.alloc(200 << 20, 'x')), 1009],
    'a bomb in two fragments': [Buffer.concat([frame(OP.text, deflated(Buffer.alloc(4 << 20)).subarray(0, 50), { rsv: 4, fin: false }),
        frame(OP.continuation, deflated(Buffer.alloc(4 << 20)).subarray(50))]), 1009],
    garbage: [frame(OP.text, Buffer.alloc(50, 0xff), { rsv: 4 }), 1007],
    'a distance before the beginning': [frame(OP.text, Buffer.from('4b04620000', 'hex'), { rsv: 4 }), 1007],
    'no UTF-8': [frame(OP.text, deflated(Buffer.from([0x34, 0xff])), { rsv: 4 }), 1007],
    'RSV1 on a continuation': [Buffer.concat([compressed('42["a"]', { fin: false }), frame(OP.continuation, '', { rsv: 4 })]), 1002],
    'RSV1 on a ping': [frame(OP.ping, 'x', { rsv: 4 }), 1002],
    'RSV2': [frame(OP.text, '42["a"]', { rsv: 2 }), 1002],
};

begin('nonsense', async () => {
    const status = async () => JSON.parse((await request(app, { path: '/status?format=json' })).text).total;
    const before = await status();
    const memory = () => app.running.workers().reduce((sum, pid) => sum + proc.pss(pid), 0);
    const used = memory();
    const bystander = client(app, '/', TRANSPORTS['websocket only']);
    await event(bystander, 'connect');
    for (const [name, [bytes, code]] of Object.entries(BAD)) {
        const socket = await joined();
        is(await closing(socket.sendRaw(bytes)), code, `${name}: ${code}`);
    }
    const after = await status();
    is(after.refused.payload - before.refused.payload, 2, 'the bombs are counted');
    is(after.parse_errors - before.parse_errors, 6, 'the others too');
    ok(memory() - used < 8 << 20, 'no bomb went off');
    is(await bystander.timeout(5000).emitWithAck('ask', 1), 1, 'nobody else noticed');
    bystander.disconnect();
});
