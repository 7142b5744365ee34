#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Bad input, Engine.IO, Socket.IO and JSON: a malformed packet ends its one connection on
// either transport, and nobody else notices; what is only odd passes unchanged.
'use strict';

const { is, ok, like, deepEqual } = require('../lib/tap');
const { ours, reference } = require('../lib/target');
const { watched, MAX } = require('../lib/bystander');
const { Polling, open, next, closing, SEPARATOR } = require('../lib/eio');
const { http } = require('../lib/raw');

const server = watched({
    server: `
        location /large/ { realtime app; realtime_max_payload 1000000; }
        location /strict/ { realtime app; realtime_limits namespaces=3 rooms=4 attachments=2 depth=8 acks=10; }`,
});

async function joined(path) {
    const socket = await open(server, { path });
    like(await next(socket.text('40')), /^40\{/, 'joined');
    return socket;
}

const send = (socket, item) => socket[typeof item === 'string' ? 'text' : 'binary'](item);

// On polling a binary message is base64.
const packed = (item) => (typeof item === 'string' ? item : `b${item.toString('base64')}`);

// The packets end a WebSocket without a code, and a polling session with 400. `bare`: before
// any CONNECT.
function closes(name, packets, { path = '/socket.io/', bare = false, run, counts } = {}) {
    server.test(`WebSocket: ${name}`, async () => {
        const socket = bare ? await open(server, { path }) : await joined(path);
        for (const packet of packets) send(socket, packet);
        is(await closing(socket), 1005, `${name}: closed`);
    }, { run, counts });

    server.test(`polling: ${name}`, async () => {
        const session = await Polling.open(server, { path });
        if (!bare) { await session.send('40'); await session.packet(); }
        const { status } = await session.post(packets.map(packed).join(SEPARATOR));
        ok(status === 400 || status === 200, `${name}: ${status}`);
        // The reference first hands out a close packet.
        let last = await session.poll();
        if (last.status === 200 && /(^|\x1e)1$/.test(last.text)) last = await session.poll();
        deepEqual([last.status, last.text], [400, '{"code":1,"message":"Session ID unknown"}'], `${name}: the session has ended`);
    }, { run, counts });
}

// The packets are answered by exactly these, and the connection goes on.
function passes(name, packets, answers, { path = '/socket.io/', run } = {}) {
    server.test(name, async () => {
        const socket = await joined(path);
        for (const packet of packets) send(socket, packet);
        send(socket, '42["echo","end"]');
        const got = [];
        do got.push(await next(socket)); while (got[got.length - 1] !== '42["echo","end"]');
        deepEqual(got.slice(0, -1), answers, `${name}: answered`);
        socket.destroy();
    }, { run });
}

const echoes = (name, ...list) => passes(name, list.map((json) => `42["echo",${json}]`), list.map((json) => `42["echo",${json}]`), { run: ours });

// --- Engine.IO.

for (const packet of ['abc', '7', '9', 'x', '2', '2probe', ' 42["echo"]', '\u00e942', '4'])
    closes(`Engine.IO packet ${JSON.stringify(packet)}`, [packet]);

for (const packet of ['b', 'b!!!!', 'bA', 'bAQ=D', 'bAQID====', 'b AQI', 'bAQIB\u00e9'])
    closes(`base64 ${JSON.stringify(packet)}`, [packet], { run: ours });

closes('a binary message that no packet announced', [Buffer.from([1, 2, 3])]);

const payloads = {
    nothing: '',
    'a lone separator': SEPARATOR,
    'a separator in front': `${SEPARATOR}42["echo"]`,
    'a separator at the end': `42["echo"]${SEPARATOR}`,
    'two separators': `42["echo"]${SEPARATOR}${SEPARATOR}42["echo"]`,
};

for (const [name, body] of Object.entries(payloads)) {
    server.test(`polling payload: ${name}`, async () => {
        const session = await Polling.open(server);
        await session.send('40');
        await session.packet();
        const { status } = await session.post(body);
        ok(status === 400 || reference, `${name}: ${status}`);
        let last = await session.poll();
        if (last.status === 200) last = await session.poll(); // packets before the bad one
        is(last.status, 400, `${name}: the session has ended`);
    });
}

server.test('polling payload: 10,001 packets', async () => {
    const session = await Polling.open(server);
    await session.send('40');
    await session.packet();
    is((await session.post(Array(10000).fill('3').join(SEPARATOR))).text, 'ok', '10,000 pass');
    is((await session.post(Array(10001).fill('3').join(SEPARATOR))).status, 400, 'one more does not');
    is((await session.poll()).status, 400, 'the session has ended');
}, { run: ours });

server.test('polling payload: no UTF-8', async () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
        const session = await Polling.open(server);
        await session.send('40');
        await session.packet();
        const body = Buffer.concat([Buffer.from('42["echo","'), Buffer.from(bytes), Buffer.from('"]')]);
        const { status } = await session.post(body);
        ok(status === 400 || status === 200, `${Buffer.from(bytes).toString('hex')}: ${status}`);
        is((await session.poll()).status, 400, 'the session has ended');
    }
}, { run: ours });

// --- Socket.IO.

const BEFORE_CONNECT = ['42["echo"]', '41', '430[]', '44{"message":"x"}', '451-["echo",{"_placeholder":true,"num":0}]', '42/other,["echo"]',
    '40[]', '40"x"', '40null', '40{', '40{}x', '40{"a":1,}'];
for (const packet of BEFORE_CONNECT) {
    const pending = packet.startsWith('451-') ? [Buffer.from([1])] : [];
    closes(`before a CONNECT: ${packet}`, [packet, ...pending], { bare: true });
}

const PACKETS = ['47["x"]', '4abc', '4-1', '4 2["echo"]', '40', '41{}', '41[]', '42/other,["ask"]', '42/nowhere,["ask"]', '44{"message":"x"}', '44"x"',
    '42{}', '42[]', '42[null]', '42[true]', '42[{}]', '42[[]]', '42"echo"', '42null', '42["echo"', '42["echo"]]', '42["echo"] x', '42abc["echo"]',
    '42-["echo"]', '42-1["echo"]', '421x["echo"]', '430{}', '430"x"', '450-["echo"]', '45["echo"]', '45-["echo"]', '451["echo"]', '45-1-["echo"]',
    '451x-["echo"]', '4511-["echo"]', '45999999999999999999-["echo"]', '460-["x"]', '4611-0[]'];
for (const packet of PACKETS) closes(packet, [packet]);

for (const name of ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener'])
    closes(`reserved event ${name}`, [`42["${name}"]`]);
closes('a reserved event in disguise', ['42["\\u0063onnect"]']);

for (const packet of ['42 1["echo"]', '4 2["echo"]', '451e0-["echo"]', '45 1-["echo"]', '45+1-["echo"]', '429007199254740993["ask"]', '42\t["echo"]'])
    closes(`not plain digits: ${JSON.stringify(packet)}`, [packet], { run: ours });

for (const [name, nsp] of [['a control character', '/a\u0001b'], ['NUL', '/\u0000'], ['DEL', '/\u007f'], ['1,025 bytes', `/${'x'.repeat(1024)}`]])
    closes(`a namespace with ${name}`, [`40${nsp},`], { run: ours });

passes('an event without data', ['42', '427'], []);
passes('an event whose name is a number', ['42[5,"x"]', '42[-1.5e3]'], []);
passes('an ack that nobody asked for', ['43999["x"]', '43["x"]', '430[]', '4301', '461-0[{"_placeholder":true,"num":0}]', Buffer.from([1])], []);
passes('names that mean something elsewhere', ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'error', 'message', '']
    .flatMap((name) => [`42["${name}",1]`, `427["${name}"]`]), []);
passes('ack ids', ['420["ask"]', '42007["ask",1]', '429007199254740991["ask"]'], ['430[]', '437[1]', '439007199254740991[]']);
server.test('unknown namespaces are told so, the connection stays', async () => {
    const socket = await joined();
    for (const nsp of ['/nowhere', '/n', '/n12x', '/other?x=1', '/__proto__', '/é', '/"', '/\\']) {
        const told = await next(socket.text(`40${nsp},`));
        ok(told.startsWith(`44${nsp},`), told);
        is(JSON.parse(told.slice(3 + nsp.length)).message, 'Invalid namespace', nsp);
    }
    is(await next(socket.text('42["echo"]')), '42["echo"]', 'the connection stays');
    socket.destroy();
});

server.test('32 refused namespaces are enough', async () => {
    const socket = await joined();
    for (let i = 0; i < 40; ++i) socket.text(`40/no${i},`);
    let refusals = 0;
    let last = await socket.frame();
    for (; last.opcode === 1; last = await socket.frame()) ++refusals;
    ok(refusals >= 32 && refusals <= 33, `${refusals} answers`);
    is(last.opcode, 8, 'and a close');
    socket.close();
    await socket.closed();
}, { run: ours });

// --- Attachments.

const place = (num) => `{"_placeholder":true,"num":${num}}`;
const one = Buffer.from([1]);

closes('a text between attachments', [`452-["echo",${place(0)},${place(1)}]`, one, '42["echo"]', one]);
closes('a CONNECT between attachments', [`451-["echo",${place(0)}]`, '40/other,']);
closes('one attachment too many', [`451-["nobody",${place(0)}]`, one, one]);
for (const num of ['1', '5', '-1', '"0"', '99999999999']) closes(`a placeholder with num ${num}`, [`451-["echo",${place(num)}]`, one]);
for (const num of ['null', '0.5', 'true', '1e400']) closes(`a placeholder with num ${num}`, [`451-["echo",${place(num)}]`, one], { run: ours });
closes('an attachment that nothing names', ['451-["echo"]', one], { run: ours });
closes('attachments that are together larger than maxPayload',
    [`452-["echo",${place(0)},${place(1)}]`, Buffer.alloc(60000), Buffer.alloc(60000)], { run: (name, body) => (name.startsWith('polling') ? undefined : ours(name, body)) });
passes('a placeholder twice', [`451-["echo",${place(0)},${place(0)}]`, one], [`451-["echo",${place(0)},${place(0)}]`, one], { run: ours });
passes('placeholders in a packet that is not binary', [`42["echo",${place(7)}]`], [`42["echo",${place(7)}]`]);
passes('ten attachments', [`4510-["echo",${Array.from({ length: 10 }, (unused, i) => place(i)).join(',')}]`, ...Array(10).fill(one)],
    [`4510-["echo",${Array.from({ length: 10 }, (unused, i) => place(i)).join(',')}]`, ...Array(10).fill(one)]);

server.test('attachments that never come', async () => {
    const socket = await joined();
    socket.text(`451-["echo",${place(0)}]`);
    is(await closing(socket, 15000), 1005, 'closed after ten seconds');
}, { run: ours });

// --- JSON.

const JSON_ERRORS = ['[', ']', '{', '{"a"}', '{"a":}', '{a:1}', "{'a':1}", '{"a":1,}', '[1,]', '[,1]', '[1 2]', 'undefined', 'NaN', 'Infinity', '-', '+1', '01', '.5', '1.',
    '1e', '1e+', '0x10', 'True', 'nul', '"', '"\\', '"\\x41"', '"\\u12"', '"\\u12g4"', '"a\nb"', '"\t"', "'a'", '/**/1', '1//', '\u00a01', '\ufeff1', '\u000b1', '--1', '1_000'];
for (const text of JSON_ERRORS) closes(`JSON ${JSON.stringify(text)}`, [`42["echo",${text}]`]);

const nested = (depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

echoes('JSON that is odd but good', '-0', '1E5', '1e-5', '1.0', '0.10', '"\\u0000\\/\\b\\f\\n\\r\\t\\"\\\\"', '[ 1 , 2 ]', '{"a" : 1}', '"\u007f\u2028\u2029"');
echoes('numbers of any length', `1${'0'.repeat(90000)}`, `0.${'3'.repeat(50000)}`, '1e400', '-1e-400', '123456789012345678901234567890');
echoes('lone surrogates', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d"', '"\\ud83d\\ude00"');
echoes('names that repeat', '{"a":1,"a":2}', '{"__proto__":1,"__proto__":{"x":1},"constructor":null}');
echoes('64 levels', nested(63), '{"a":'.repeat(63).concat('1', '}'.repeat(63)));

closes('65 levels of arrays', [`42["echo",${nested(64)}]`], { run: ours, counts: 'depth' });
closes('65 levels of objects', [`42["echo",${'{"a":'.repeat(64)}1${'}'.repeat(64)}]`], { run: ours, counts: 'depth' });
closes('65 levels, never closed', [`42["echo",${'['.repeat(64)}`], { run: ours });
closes('deep nesting in a CONNECT', [`40${'{"a":'.repeat(65)}1${'}'.repeat(65)}`], { bare: true, run: ours });
closes('deep nesting in an ack', [`430[${nested(64)}]`], { run: ours });
closes('400 kB of nested JSON', [`42["echo",${nested(200000)}]`], { path: '/large/', run: ours });
closes('400 kB of brackets', [`42["echo",${'['.repeat(400000)}`], { path: '/large/' });
closes('400 kB of nested objects', [`42["echo",${'{"a":'.repeat(80000)}`], { path: '/large/' });

server.test('400 kB of nested JSON as auth', async () => {
    const session = await Polling.open(server, { path: '/large/' });
    await session.post(`40{"a":${nested(200000)}}`);
    is((await session.poll()).status, 400, 'the session has ended');
}, { run: ours });

// --- realtime_limits.

server.test('limits: namespaces', async () => {
    const socket = await joined('/strict/');
    for (const n of [1, 2]) like(await next(socket.text(`40/n${n},`)), new RegExp(`^40/n${n},\\{`), `/n${n}`);
    is(await next(socket.text('40/n3,')), '44/n3,{"message":"Too many namespaces"}', 'one more is refused');
    is(await next(socket.text('42["echo"]')), '42["echo"]', 'the connection stays');
    socket.text('41/n1');
    like(await next(socket.text('40/n3,')), /^40\/n3,\{|^44/, 'after another has ended');
    socket.destroy();
}, { run: ours, counts: 'namespaces' });

server.test('limits: rooms', async () => {
    const socket = await joined('/strict/');
    const join = (room) => next(socket.text(`421["join","${room}"]`));
    for (const room of 'abcd') is(await join(room), '431[1]', `room ${room}`);
    const [answer] = JSON.parse((await join('e')).slice(3));
    deepEqual([answer.ok, typeof answer.error, typeof answer.message], [false, 'string', 'string'], `one more: ${answer.error}`);
    is(await join('a'), '431[1]', 'one that it is in already is none more');
    is(await next(socket.text('42["echo"]')), '42["echo"]', 'the connection stays');
    socket.destroy();
}, { run: ours, counts: 'rooms' });

closes('limits: attachments', [`453-["echo",${place(0)},${place(1)},${place(2)}]`], { path: '/strict/', run: ours, counts: 'attachments' });
closes('limits: depth', [`42["echo",${nested(8)}]`], { path: '/strict/', run: ours, counts: 'depth' });
passes('limits: what is within', [`42["echo",${nested(7)}]`, `452-["echo",${place(0)},${place(1)}]`, one, one],
    [`42["echo",${nested(7)}]`, `452-["echo",${place(0)},${place(1)}]`, one, one], { path: '/strict/' });

server.test('and the server is as it was', async () => {
    const { status } = await http(server, { path: '/socket.io/?EIO=4&transport=polling' });
    is(status, 200, `after all this, maxPayload ${MAX}`);
});
