#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Bad input, WebSocket: frames that break RFC 6455 or RFC 7692 end their one connection with
// the right code, at the first byte that shows it, and nobody else notices.
'use strict';

const zlib = require('zlib');

const { is, like, deepEqual } = require('../lib/tap');
const { ours } = require('../lib/target');
const { watched, MAX } = require('../lib/bystander');
const { open, next } = require('../lib/eio');
const { frame, closePayload, OP } = require('../lib/ws');

const server = watched({ server: 'location /deflate/ { realtime app; realtime_deflate on; }' });

const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover' };

async function joined(path, headers) {
    const socket = await open(server, { path, headers });
    like(await next(socket.text('40')), /^40\{/, 'joined');
    return socket;
}

// The code of the close frame that answers; then the TCP connection must be closed.
async function end(socket) {
    const code = await socket.closeCode();
    socket.close(code === 1005 ? undefined : code);
    await socket.closed();
    return code;
}

const bytes = (...list) => Buffer.from(list);
const mask = bytes(0, 0, 0, 0); // payloads stand in clear

// name: [frames, code]. Frames are bytes, sent in one go.
const BREACHES = {
    'RSV1 without an extension': [frame(OP.text, '40', { rsv: 4 }), 1002],
    RSV2: [frame(OP.text, '40', { rsv: 2 }), 1002],
    RSV3: [frame(OP.text, '40', { rsv: 1 }), 1002],
    'RSV1 on a ping': [frame(OP.ping, '', { rsv: 4 }), 1002],
    ...Object.fromEntries([3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, [frame(opcode, 'x'), 1002]])),
    'a text that is not masked': [frame(OP.text, '40', { mask: false }), 1002],
    'a ping that is not masked': [frame(OP.ping, '', { mask: false }), 1002],
    'a continuation of nothing': [frame(OP.continuation, 'x'), 1002],
    'a continuation after a whole message': [Buffer.concat([frame(OP.text, '3'), frame(OP.continuation, 'x')]), 1002],
    'a message inside a message': [Buffer.concat([frame(OP.text, '42', { fin: false }), frame(OP.text, '3')]), 1002],
    'a binary message inside a text': [Buffer.concat([frame(OP.text, '42', { fin: false }), frame(OP.binary, '3')]), 1002],
    'a ping in fragments': [frame(OP.ping, 'x', { fin: false }), 1002],
    'a close in fragments': [frame(OP.close, closePayload(1000), { fin: false }), 1002],
    'a ping of 126 bytes': [frame(OP.ping, 'x'.repeat(126)), 1002],
    'a close of 126 bytes': [frame(OP.close, closePayload(1000, 'x'.repeat(124))), 1002],
    'a close of one byte': [frame(OP.close, 'x'), 1002],
    ...Object.fromEntries([0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535].map((code) =>
        [`a close with ${code}`, [frame(OP.close, closePayload(code)), 1002]])),
    'a close whose reason is no UTF-8': [frame(OP.close, Buffer.concat([closePayload(1000), bytes(0xff)])), 1007],
    'a length with the top bit set': [bytes(0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), 1002],
    'a length of 2^40': [frame(OP.binary, '', { length: 2 ** 40 }), 1009],
    'a length of 2^32': [frame(OP.text, '', { length: 2 ** 32 }), 1009],
    'a length one over maxPayload': [frame(OP.text, '', { length: MAX + 1 }), 1009],
    'fragments that sum up': [Buffer.concat([frame(OP.text, 'x'.repeat(MAX), { fin: false }), frame(OP.continuation, '', { length: 1 })]), 1009],
};

for (const [name, [sent, code]] of Object.entries(BREACHES)) {
    const noUpperBound = /top bit/.test(name); // the reference says 1009
    server.test(name, async () => {
        const socket = await joined();
        is(await end(socket.sendRaw(sent)), code, `${name}: ${code}`);
    }, { run: noUpperBound ? ours : undefined });
}

// --- UTF-8: name: [bytes of the text behind `42["echo","`].

const WRONG_UTF8 = {
    'a lone continuation byte': bytes(0x80),
    'FF': bytes(0xff),
    'an overlong slash': bytes(0xc0, 0xaf),
    'an overlong NUL': bytes(0xe0, 0x80, 0x80),
    'a surrogate': bytes(0xed, 0xa0, 0x80),
    'beyond U+10FFFF': bytes(0xf4, 0x90, 0x80, 0x80),
    'F5': bytes(0xf5, 0x80, 0x80, 0x80),
    'a character cut short': bytes(0xe2, 0x82),
    'a start byte inside a character': bytes(0xe2, 0xe2, 0x82, 0xac),
};

const BEFORE = Buffer.from('42["echo","');
const AFTER = Buffer.from('"]');

// In one segment: a server that fails fast may hang up before it has read a second one.
const inFragments = (text) => Buffer.concat([...text].map((byte, at) =>
    frame(at === 0 ? OP.text : OP.continuation, bytes(byte), { fin: at === text.length - 1 })));

for (const [name, wrong] of Object.entries(WRONG_UTF8)) {
    const text = Buffer.concat([BEFORE, wrong, AFTER]);
    server.test(`no UTF-8: ${name}`, async () => {
        const socket = await joined();
        is(await end(socket.text(text)), 1007, `${name}: 1007`);
        is(await end((await joined()).sendRaw(inFragments(text))), 1007, `${name}, in fragments of one byte: 1007`);
    });
}

server.test('no UTF-8: seen before the message ends', async () => {
    const early = (await joined()).sendRaw(frame(OP.text, Buffer.concat([BEFORE, bytes(0xff)]), { length: 1000 }));
    is(await end(early), 1007, 'inside a frame');
    const fragment = (await joined()).text(Buffer.concat([BEFORE, bytes(0xff)]), { fin: false });
    is(await end(fragment), 1007, 'inside a message');
}, { run: ours });

server.test('UTF-8 that is good', async () => {
    const socket = await joined();
    const text = '42["echo","κόσμε 日本 😀 \ud7ff\ue000\ufffd\u{10ffff}"]';
    socket.text(text).sendRaw(inFragments(Buffer.from(text)));
    deepEqual([await next(socket), await next(socket)], [text, text], 'passes, in fragments of one byte too');
    socket.destroy();
});

server.test('the close frame arrives while more is on its way', async () => {
    for (const [breach, code] of [BREACHES.RSV2, BREACHES['a length one over maxPayload']]) {
        const socket = await joined();
        socket.sendRaw(Buffer.concat([breach, Buffer.alloc(2 << 20)]));
        is(await socket.closeCode(), code, `${code} is not lost by a reset`);
        socket.destroy();
    }
});

// --- What is odd but good.

server.test('many small fragments', async () => {
    const socket = await joined();
    const text = `42["echo","${'x'.repeat(65536)}"]`;
    is(await next(socket.sendRaw(inFragments(Buffer.from(text)))), text, '65,549 of one byte pass');
    socket.destroy();
}, { run: ours }); // the reference allows some thousands

server.test('many empty fragments', async () => {
    const empty = (count) => Buffer.concat(Array.from({ length: count }, () => frame(OP.continuation, '', { fin: false, key: mask })));
    const socket = await joined();
    socket.text('42["ec', { fin: false }).sendRaw(empty(9990)).send(OP.continuation, 'ho"]');
    is(await next(socket), '42["echo"]', '9,990 of them pass');
    socket.text('42["ec', { fin: false }).sendRaw(empty(10001));
    is(await end(socket), 1008, '10,001 do not');
}, { run: ours });

server.test('control frames between fragments', async () => {
    const socket = await joined();
    socket.text('42["ec', { fin: false }).send(OP.ping, 'one').send(OP.continuation, 'ho', { fin: false }).send(OP.pong, '').send(OP.ping, 'two')
        .send(OP.continuation, '"]');
    const got = [await socket.frame(), await socket.frame(), await socket.frame()].map(({ opcode, text }) => [opcode, text]);
    deepEqual(got, [[OP.pong, 'one'], [OP.pong, 'two'], [OP.text, '42["echo"]']], 'are answered at once');
    socket.destroy();
});

server.test('a flood of pings', async () => {
    const socket = await joined();
    socket.sendRaw(Buffer.concat(Array.from({ length: 10000 }, (unused, i) => frame(OP.ping, String(i), { key: mask })))).text('42["echo"]');
    let pongs = 0;
    let last = await socket.frame();
    for (; last.opcode === OP.pong; last = await socket.frame()) ++pongs;
    is(last.text, '42["echo"]', `the event behind them is answered, after ${pongs} pongs`);
    socket.destroy();
});

server.test('frames byte by byte', async () => {
    const socket = await joined();
    for (const byte of frame(OP.text, '42["echo","é"]')) socket.sendRaw(bytes(byte));
    is(await next(socket), '42["echo","é"]', 'pass');
    socket.destroy();
});

server.test('lengths that are longer than they need be', async () => {
    const socket = await joined();
    socket.text('42["echo",1]', { width: 16 }).text('42["echo",2]', { width: 64 });
    deepEqual([await next(socket), await next(socket)], ['42["echo",1]', '42["echo",2]'], 'pass');
    socket.destroy();
});

for (const [name, payload, code] of [['without a code', '', 1005], ['1000', closePayload(1000, 'bye'), 1000], ['3999', closePayload(3999), 3999]]) {
    server.test(`a close: ${name}`, async () => {
        const socket = await joined();
        socket.send(OP.close, payload).text('42["echo"]');
        is(await socket.closeCode(), code, `${name}: the same code comes back`);
        await socket.closed();
    });
}

server.test('bytes instead of a frame', async () => {
    const socket = await joined();
    is(await end(socket.sendRaw('GET / HTTP/1.1\r\n\r\n')), 1002, '1002');
});

// --- permessage-deflate.

const deflated = (text) => zlib.deflateRawSync(text, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const compressed = (data, options) => frame(OP.text, data, { rsv: 4, ...options });

const DEFLATED = {
    'RSV1 on a continuation': [Buffer.concat([compressed(deflated('42["ec'), { fin: false }), frame(OP.continuation, 'x', { rsv: 4 })]), 1002],
    'RSV1 on a ping': [frame(OP.ping, '', { rsv: 4 }), 1002],
    'RSV1 on a close': [frame(OP.close, '', { rsv: 4 }), 1002],
    garbage: [compressed(bytes(0xff, 0xff, 0xff, 0xff, 0xff)), 1007],
    'a stored block that lies': [compressed(bytes(0x00, 0x05, 0x00, 0x00, 0x00)), 1007],
    'no UTF-8 inside': [compressed(deflated(Buffer.concat([BEFORE, bytes(0xff), AFTER]))), 1007],
    'a bomb of 64 MB': [compressed(deflated(Buffer.alloc(64 << 20, 'x'))), 1009],
    'a bomb in fragments': [Buffer.concat([compressed(deflated(Buffer.alloc(2 << 20, 'x')).subarray(0, 100), { fin: false }),
        frame(OP.continuation, deflated(Buffer.alloc(2 << 20, 'x')).subarray(100))]), 1009],
    'one byte over maxPayload': [compressed(deflated('x'.repeat(MAX + 1))), 1009],
};

for (const [name, [sent, code]] of Object.entries(DEFLATED)) {
    const strict = /garbage|lies/.test(name); // the reference says 1006, without a close
    server.test(`deflate: ${name}`, async () => {
        const socket = await joined('/deflate/', DEFLATE);
        is(await end(socket.sendRaw(sent)), code, `${name}: ${code}`);
    }, { run: strict ? ours : undefined });
}

server.test('deflate: good ones', async () => {
    const socket = await joined('/deflate/', DEFLATE);
    like(socket.response.headers['sec-websocket-extensions'] || '', /permessage-deflate/, 'negotiated');
    const texts = ['42["echo",1]', `42["echo","${'y'.repeat(90000)}"]`];
    for (const text of texts) socket.sendRaw(compressed(deflated(text)));
    const both = deflated(texts[0]);
    socket.sendRaw(Buffer.concat([compressed(both.subarray(0, 3), { fin: false }), frame(OP.continuation, both.subarray(3))]));
    socket.text(texts[0]);
    const got = [];
    while (got.length < 4) got.push(await next(socket));
    deepEqual(got, [...texts, texts[0], texts[0]], 'whole, in fragments, and not compressed at all');
    socket.destroy();
});
