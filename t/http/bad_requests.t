#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Bad input, HTTP: a malformed request gets its 4xx, its session stays or ends as the protocol
// says, and nobody else notices.
'use strict';

const crypto = require('crypto');

const { is, ok, like, deepEqual } = require('../lib/tap');
const { ours, reference } = require('../lib/target');
const { watched, MAX } = require('../lib/bystander');
const { Polling, open, next, query } = require('../lib/eio');
const { connect, http, post } = require('../lib/raw');
const { websocket } = require('../lib/ws');

const server = watched({
    server: `
        client_header_timeout 300ms;
        client_body_timeout 300ms;
        location /deflate/ { realtime app; realtime_deflate on; }
        location /capped/ { realtime capped; realtime_max_sockets 2 per=ip; }
        location /full/ { realtime full; realtime_max_sockets 1; }
        location /publish { realtime_publish app; allow 127.0.0.1; deny all; }`,
    http: 'realtime_app capped { zone capped:8m; namespace / { } } realtime_app full { zone full:8m; namespace / { } }',
});

const error = (code, message) => JSON.stringify({ code, message });
const TRANSPORT = error(0, 'Transport unknown');
const SID = error(1, 'Session ID unknown');
const METHOD = error(2, 'Bad handshake method');
const BAD = error(3, 'Bad request');
const VERSION = error(5, 'Unsupported protocol version');

const POLL = query('/socket.io/', 'polling');
const randomSid = () => crypto.randomBytes(24).toString('base64url');

async function joined() {
    const session = await Polling.open(server);
    await session.send('40');
    await session.packet();
    return session;
}

// The session goes on, and nothing came meanwhile.
async function lives(session, name) {
    await session.send('42["echo","alive"]');
    is(await session.packet(), '42["echo","alive"]', `${name}: its session stays`);
}

async function dies(session, name) {
    const { status, text } = await session.poll();
    deepEqual([status, text], [400, SID], `${name}: its session ends`);
}

// --- Queries and methods: [name, request, body of the 400].

const QUERIES = [
    ['no EIO', '?transport=polling', VERSION],
    ['EIO=3', '?EIO=3&transport=polling', VERSION],
    ['EIO=44', '?EIO=44&transport=polling', VERSION],
    ['EIO=4.0', '?EIO=4.0&transport=polling', VERSION],
    ['EIO=%204', '?EIO=%204&transport=polling', VERSION],
    ['no transport', '?EIO=4', TRANSPORT],
    ['no query', '', TRANSPORT],
    ['transport=abc', '?EIO=4&transport=abc', TRANSPORT],
    ['transport=POLLING', '?EIO=4&transport=POLLING', TRANSPORT],
    ['transport=polling%00', '?EIO=4&transport=polling%00', TRANSPORT],
    ['transport=webtransport', '?EIO=4&transport=webtransport', TRANSPORT],
    ['transport=__proto__', '?EIO=4&transport=__proto__', TRANSPORT],
    ['websocket without an upgrade', '?EIO=4&transport=websocket', BAD],
    ['unknown sid', '?EIO=4&transport=polling&sid=abc', SID],
    ['sid=__proto__', '?EIO=4&transport=polling&sid=__proto__', SID],
    ['sid=%00', '?EIO=4&transport=polling&sid=%00', SID],
    ['sid=%ff%fe', '?EIO=4&transport=polling&sid=%ff%fe', SID],
    ['a sid of 4000 characters', `?EIO=4&transport=polling&sid=${'x'.repeat(4000)}`, SID],
    ['a broken percent sign', '?EIO=4&transport=polling&sid=%zz%', SID],
    ['10,000 parameters', `?${'&'.repeat(5000)}EIO=4&transport=polling&sid=x`, SID],
];

for (const [name, text, body] of QUERIES) {
    server.test(name, async () => {
        const answer = await http(server, { path: `/socket.io/${text}` });
        deepEqual([answer.status, answer.text], [400, body], name);
    });
}

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'PROPFIND']) {
    server.test(`${method} as a handshake`, async () => {
        const { status, text } = await http(server, { method, path: POLL, body: method === 'HEAD' ? undefined : '' });
        deepEqual([status, text], [400, method === 'HEAD' ? '' : METHOD], `${method}: 400`);
    });
}

server.test('a foreign Origin', async () => {
    const { status, text } = await http(server, { path: POLL, headers: { Origin: 'http://bad.example' } });
    deepEqual([status, text], [403, error(4, 'Forbidden')], '403');
}, { counts: 'origin' });

// --- Whose session is it?

server.test('sids cannot be guessed', async () => {
    const sessions = await Promise.all(Array.from({ length: 50 }, () => Polling.open(server)));
    is(new Set(sessions.map(({ sid }) => sid)).size, 50, 'all are different');
    ok(sessions.every(({ sid }) => /^[\w-]+$/.test(sid)), 'of characters that a URL takes');
    if (!reference) ok(sessions.every(({ sid }) => sid.length >= 4 + 22), 'at least 128 random bits after the host');
    // Of a random 6-bit character two neighbours are alike once in 64 times.
    const tails = sessions.map(({ sid }) => sid.slice(-22));
    const alike = tails.slice(1).map((tail, at) => [...tail].filter((c, i) => c === tails[at][i]).length);
    if (!reference) ok(Math.max(...alike) <= 8, `no two in a row look alike: ${Math.max(...alike)} of 22 characters`);
});

server.test('guessing sids', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => http(server, { path: `${POLL}&sid=${randomSid()}` })));
    ok(answers.every(({ status, text }) => status === 400 && text === SID), 'all unknown');
});

server.test('the public id is no key', async () => {
    for (const socket of server.clients) {
        const { status, text } = await http(server, { path: `${POLL}&sid=${socket.id}` });
        deepEqual([status, text], [400, SID], 'unknown');
    }
});

server.test('a second transport on a WebSocket session', async () => {
    const socket = await open(server);
    const { sid } = socket.handshake;
    const polled = await http(server, { path: `${POLL}&sid=${sid}` });
    deepEqual([polled.status, polled.text], [400, BAD], 'GET');
    const posted = await post(server, `${POLL}&sid=${sid}`, '40');
    deepEqual([posted.status, posted.text], [400, BAD], 'POST');
    const second = await websocket(server, query('/socket.io/', 'websocket', sid));
    if (reference) second.destroy(); // it would wait for a probe
    else if (second.accepted) await second.closeCode();
    else is(second.response.status, 400, 'WebSocket');
    await second.close().closed();
    like(await next(socket.text('40')), /^40\{/, 'the session goes on');
    socket.destroy();
});

server.test('another version on a session', async () => {
    const session = await joined();
    const { status, text } = await http(server, { path: session.url.replace('EIO=4', 'EIO=3') });
    deepEqual([status, text], [400, BAD], '400');
    await lives(session, 'another version');
});

for (const method of ['PUT', 'DELETE', 'PATCH']) {
    server.test(`${method} on a session`, async () => {
        const session = await joined();
        const { status, text } = await http(server, { method, path: session.url, body: 'x' });
        deepEqual([status, text], [400, BAD], `${method}: 400`);
        await lives(session, method);
    }, { run: ours });
}

// --- Overlaps.

server.test('overlapping GETs', async () => {
    const session = await joined();
    const { answer } = await session.hold();
    is((await session.poll()).status, 400, 'the second');
    const { status, text } = await answer;
    deepEqual([status, text], [200, '1'], 'the first');
    await dies(session, 'overlapping GETs');
});

server.test('overlapping POSTs', async () => {
    const session = await joined();
    const first = await connect(server);
    first.request({ method: 'POST', path: session.url, headers: { 'Content-Length': '100' } }).send('42["echo"');
    await session.hold(); // the server has seen it by now
    is((await session.post('42["echo",1]')).status, 400, 'the second');
    await dies(session, 'overlapping POSTs');
    first.destroy();
});

server.test('a GET whose connection breaks', async () => {
    const session = await joined();
    const held = await session.holdConnection();
    held.reset();
    // The server learns of it in its own time.
    for (let answer = await session.poll(); answer.status !== 400; answer = await session.poll());
    await dies(session, 'a broken GET');
});

// --- Bodies.

const raw = async (bytes) => {
    const connection = await connect(server);
    connection.send(bytes);
    const answer = await connection.response();
    await connection.closed();
    return answer;
};
const posting = (session, headers, body = '') => `POST ${session.url} HTTP/1.1\r\nHost: h\r\n${headers}\r\n\r\n${body}`;

const BODIES = [
    ['Content-Length and Transfer-Encoding', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n', [400]],
    ['two Content-Lengths', 'Content-Length: 2\r\nContent-Length: 3', '40x', [400]],
    ['a negative Content-Length', 'Content-Length: -1', '', [400]],
    ['a Content-Length with a sign', 'Content-Length: +2', '40', [400]],
    ['a Content-Length of 10^30', `Content-Length: 1${'0'.repeat(30)}`, '', [400, 413]],
    ['an unknown Transfer-Encoding', 'Transfer-Encoding: gzip', '40', [501, 400]],
    ['a bad chunk', 'Transfer-Encoding: chunked', 'zz\r\n40\r\n', [400]],
    ['a chunk of 2^64 bytes', 'Transfer-Encoding: chunked', 'ffffffffffffffff\r\n40', [400, 413]],
];

for (const [name, headers, body, statuses] of BODIES) {
    server.test(name, async () => {
        const session = await joined();
        const { status } = await raw(posting(session, headers, body));
        ok(statuses.includes(status), `${name}: ${status}, and the TCP connection is closed`);
        await lives(session, name);
    }, { run: ours });
}

server.test('too long a body', async () => {
    const session = await joined();
    is((await raw(posting(session, `Content-Length: ${MAX + 1}`, '4'))).status, 413, '413 at the header');
    is((await raw(posting(session, `Content-Length: ${2 ** 52}`))).status, 413, '413 at any header');
    await lives(session, 'too long a body');
}, { run: ours, counts: 'payload' });

server.test('a compressed body', async () => {
    const session = await joined();
    for (const encoding of ['gzip', 'deflate', 'br', 'x'])
        is((await session.post('42["echo",1]', { headers: { 'Content-Encoding': encoding } })).status, 415, `${encoding}: 415`);
    await lives(session, 'a compressed body');
}, { run: ours });

server.test('a binary body', async () => {
    const session = await joined();
    const { status } = await session.post('40', { headers: { 'Content-Type': 'application/octet-stream' } });
    is(status, 400, 'of an Engine.IO 3 client');
    await dies(session, 'a binary body');
});

server.test('Expect: 100-continue', async () => {
    const session = await joined();
    const connection = await connect(server);
    connection.request({ method: 'POST', path: session.url, headers: { Expect: '100-continue', 'Content-Length': '12' } });
    is((await connection.response()).status, 100, 'go on');
    is((await connection.send('42["echo",1]').response()).text, 'ok', 'and it is taken');
    is(await session.packet(), '42["echo",1]', 'and answered');
    connection.destroy();
});

server.test('requests in one segment', async () => {
    const session = await joined();
    const connection = await connect(server);
    for (const n of [1, 2, 3]) connection.request({ method: 'POST', path: session.url, body: `42["echo",${n}]` });
    for (const n of [1, 2, 3]) is((await connection.response()).text, 'ok', `POST ${n}`);
    const packets = [await session.packet(), await session.packet(), await session.packet()];
    deepEqual(packets, [1, 2, 3].map((n) => `42["echo",${n}]`), 'in order');
    connection.destroy();
}, { run: ours });

server.test('a head that never ends', async () => {
    const connection = await connect(server);
    connection.send(`GET ${POLL} HTTP/1.1\r\nHost: h\r\n`);
    await connection.closed();
    ok(true, 'is hung up on');
}, { run: ours });

server.test('a body that never ends', async () => {
    const session = await joined();
    const connection = await connect(server);
    connection.send(posting(session, 'Content-Length: 100', '42["ec'));
    await connection.closed();
    ok(true, 'is hung up on');
}, { run: ours });

server.test('no HTTP at all', async () => {
    for (const bytes of ['\x16\x03\x01\x02\x00\x01\x00', 'GET\r\n\r\n', '\0\0\0\0\r\n\r\n', `GET ${POLL} HTTP/9.9\r\n\r\n`]) {
        const connection = await connect(server);
        connection.send(Buffer.from(bytes, 'latin1'));
        await connection.closed();
    }
    ok(true, 'is hung up on');
}, { run: ours });

server.test('3000 headers', async () => {
    const lines = Array.from({ length: 3000 }, (unused, i) => `X-${i}: ${i}`).join('\r\n');
    const { status } = await raw(`GET ${POLL} HTTP/1.1\r\nHost: h\r\n${lines}\r\n\r\n`);
    ok([400, 431].includes(status), `refused with ${status}`);
}, { run: ours });

// --- WebSocket handshakes.

const UPGRADE = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' };
const HANDSHAKES = [
    ['no key', { 'Sec-WebSocket-Key': undefined }],
    ['a short key', { 'Sec-WebSocket-Key': 'abc' }],
    ['a long key', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==' }],
    ['a key that is no base64', { 'Sec-WebSocket-Key': '**********************==' }],
    ['no version', { 'Sec-WebSocket-Version': undefined }],
    ['version 12', { 'Sec-WebSocket-Version': '12' }],
    ['version 1300000000000000000000', { 'Sec-WebSocket-Version': '1300000000000000000000' }],
    ['Upgrade: h2c', { Upgrade: 'h2c' }],
    ['no Upgrade', { Upgrade: undefined }],
    ['no Connection: Upgrade', { Connection: 'close' }],
    ['POST', {}, { method: 'POST', body: '' }],
    ['PUT', {}, { method: 'PUT', body: '' }],
    ['unknown sid', {}, { path: query('/socket.io/', 'websocket', 'nobody') }],
    ['EIO=3', {}, { path: '/socket.io/?EIO=3&transport=websocket' }],
    ['transport=polling', { Origin: 'null' }, { path: POLL, status: 403 }],
];

for (const [name, headers, { status = 400, ...more } = {}] of HANDSHAKES) {
    server.test(`WebSocket handshake: ${name}`, async () => {
        const all = Object.entries({ ...UPGRADE, ...headers }).filter(([, value]) => value !== undefined);
        const connection = await connect(server);
        connection.request({ path: query('/socket.io/', 'websocket'), ...more, headers: Object.fromEntries(all) });
        const answer = await connection.response();
        ok(answer.status === status || answer.status === 426, `${name}: ${answer.status}`);
        connection.destroy();
    }, { run: name === 'EIO=3' || name === 'POST' ? ours : undefined });
}

server.test('WebSocket handshake: version 12 is told which there are', async () => {
    const socket = await websocket(server, query('/socket.io/', 'websocket'), { headers: { 'Sec-WebSocket-Version': '12' } });
    like(socket.response.headers['sec-websocket-version'] || '', /\b13\b/, '13');
});

const EXTENSIONS = [
    'permessage-deflate; '.repeat(300),
    Array.from({ length: 1000 }, (unused, i) => `x${i}`).join(', '),
    `permessage-deflate; ${'a="'.repeat(2000)}`,
    `permessage-deflate; server_max_window_bits=${'9'.repeat(5000)}`,
    ',,,,;;;;====""""',
    `${' '.repeat(7000)}permessage-deflate`,
];

server.test('WebSocket handshake: long lists of extensions', async () => {
    for (const list of EXTENSIONS) {
        const began = process.hrtime.bigint();
        const socket = await websocket(server, query('/deflate/', 'websocket'), { headers: { 'Sec-WebSocket-Extensions': list } });
        const took = Number(process.hrtime.bigint() - began) / 1e6;
        ok(took < 500, `${list.slice(0, 30)}…: ${socket.response.status} in ${took.toFixed(1)} ms`);
        ok([101, 400, 431].includes(socket.response.status), 'taken without it, or refused');
        socket.destroy();
    }
}, { run: ours });

// --- How many.

server.test('more connections than an address may have', async () => {
    const sessions = [await Polling.open(server, { path: '/capped/' }), await open(server, { path: '/capped/' })];
    for (const transport of ['polling', 'websocket']) {
        const path = query('/capped/', transport);
        const { status, headers } = transport === 'polling' ? await http(server, { path }) : (await websocket(server, path)).response;
        deepEqual([status, /^\d+$/.test(headers['retry-after'])], [503, true], `${transport}: 503 and when to come again`);
    }
    await sessions[0].post('1');
    const third = await open(server, { path: '/capped/' });
    ok(true, 'when one has left there is room');
    third.destroy();
    sessions[1].destroy();
}, { run: ours });

server.test('more connections than the app may have', async () => {
    const session = await Polling.open(server, { path: '/full/' });
    is((await http(server, { path: query('/full/', 'polling') })).status, 503, '503');
    await session.send('40');
    like(await session.packet(), /^40/, 'who is in stays in');
    await session.post('1');
}, { run: ours });

// --- Publish.

const DOCUMENTS = [
    ['nothing', '', 400],
    ['no JSON', '{"event":', 400],
    ['a string', '"x"', 400],
    ['a number', '7', 400],
    ['no event', '{}', 400],
    ['an event that is no string', '{"event":7}', 400],
    ['a reserved event', '{"event":"disconnect"}', 400],
    ['args that are no array', '{"event":"said","args":{}}', 400],
    ['rooms that are no array', '{"event":"said","rooms":"a"}', 400],
    ['a room that is no string', '{"event":"said","rooms":[1]}', 400],
    ['users that are no array', '{"event":"said","users":7}', 400],
    ['a namespace without a slash', '{"event":"said","namespace":"x"}', 400],
    ['volatile that is no boolean', '{"event":"said","volatile":1}', 400],
    ['an unknown member', '{"event":"said","room":"a"}', 400],
    ['text behind the document', '{"event":"said"} x', 400],
    ['nested 1000 deep', `{"event":"said","args":${'['.repeat(1000)}${']'.repeat(1000)}}`, 400],
    ['a batch with a bad one', '[{"event":"said","args":["never"]},{"event":7}]', 400],
    ['a batch of batches', '[[{"event":"said"}]]', 400],
    ['too long', `{"event":"said","args":["${'x'.repeat(MAX)}"]}`, 413],
    ['no UTF-8', Buffer.from('{"event":"\xff"}', 'latin1'), 400],
];

for (const [name, body, status] of DOCUMENTS) {
    server.test(`publish: ${name}`, async () => {
        const heard = [];
        server.clients[1].on('said', (text) => heard.push(text));
        const answer = await post(server, '/publish', body, { 'Content-Type': 'application/json' });
        const { error: told } = JSON.parse(answer.text);
        deepEqual([answer.status, typeof told.code, typeof told.message], [status, 'string', 'string'], `${status}: ${answer.text}`);
        await server.unharmed(name);
        ok(!heard.includes('never'), 'nothing of it is delivered');
        server.clients[1].off('said');
    }, { run: ours });
}

server.test('publish: GET', async () => {
    const { status, headers } = await http(server, { path: '/publish' });
    deepEqual([status, headers.allow], [405, 'POST'], '405 and what is allowed');
}, { run: ours });
