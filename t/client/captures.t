#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// The golden exchanges: what the reference server answered to these bytes, ours answers too,
// but for the differences that are listed here with their reasons. Any other one fails, and
// so does a listed difference that is none.
'use strict';

const fs = require('fs');
const path = require('path');
const zlib = require('zlib');
const { isDeepStrictEqual } = require('util');

const { test, is, deepEqual, diag } = require('../lib/tap');
const { start, reference } = require('../lib/target');
const { recorded, replay, expectedTalk, talk, expectedLog, replayUpgrade, essence } = require('../lib/captures');
const { Polling, open, next } = require('../lib/eio');
const { connect } = require('../lib/raw');
const { silence } = require('../lib/until');

const CASES = JSON.parse(fs.readFileSync(path.join(__dirname, '..', 'data', 'http_and_websocket.json'), 'utf8'));

const NOT_HERE = [
    [/^(WS: )?EIO3 /, 'Engine.IO 3 is not spoken'],
    [/CSR/, 'recovery has its own test'],
    [/^allowRequest refused/, 'there is no such hook: a refused CONNECT says why'],
    [/^allowUpgrades/, 'there is no such switch'],
    [/^WS other path|^no trailing slash/, "another location is nginx's own"],
    [/socket\.io\.js/, 'client_bundle.t'],
];

// name: what ours answers instead of what was recorded, or in `parts` of it, and why.
const forbidden = (origin) => ({
    status: 403, body: '{"code":4,"message":"Forbidden"}',
    headers: { 'content-type': 'application/json', 'access-control-allow-origin': origin },
});
const BAD_REQUEST = { status: 400, body: '{"code":3,"message":"Bad request"}', headers: { 'content-type': 'application/json' } };
const PACKETS = { 'content-type': 'text/plain;charset=utf-8', 'cache-control': 'no-store' };
const ends = (code) => (heard) => [...heard.slice(0, 2), `close ${code}`];
const DIFFERENCES = {
    'handshake polling with Origin, no cors option': {
        why: 'a foreign origin is refused before a session exists',
        also: true, // the reference of our tests imitates this one
        parts: forbidden('http://x.example'),
    },
    'cors list, other origin': {
        why: 'a foreign origin is refused before a session exists',
        also: true,
        parts: forbidden('http://bad.example'),
    },
    'invalid Origin header char': {
        why: "Node's parser refuses it without words",
        parts: BAD_REQUEST,
    },
    'PUT on existing sid': { why: 'no 500', parts: BAD_REQUEST },
    'DELETE on existing sid': { why: 'no 500', parts: BAD_REQUEST },
    'WS: 10 attachments header ok': { why: 'an attachment that no placeholder names ends the connection', talk: ends(1005) },
    'OPTIONS no cors': {
        why: 'whoever asks what is allowed may be told: nothing', either: true, parts: { status: 204, body: '', headers: {} },
    },
    "cors '*' preflight": {
        why: 'no header was asked for', either: true, parts: { headers: { 'access-control-allow-origin': '*' } },
    },
    'POST empty body': { why: 'a parse error is told', parts: { status: 400, body: '', headers: {} } },
    "POST invalid packet 'abc'": { why: 'a parse error is told', parts: { status: 400, body: '', headers: {} } },
    'WS missing EIO (handshake accepted at HTTP level? -> 101 then abort)': {
        why: 'refused before the 101', parts: { status: 400, body: 'Unsupported protocol version', headers: {} },
    },
    'cookie object': {
        why: 'no script has any business with it',
        also: true,
        parts: { headers: { 'set-cookie': ['HttpOnly', 'Max-Age=3600', 'Path=/x', 'SameSite=Strict', 'sticky=ID'], ...PACKETS } },
    },
    'WS: middleware error with data': {
        why: 'the error comes from require',
        talk: ([opened]) => [opened, '44/deny,{"message":"nope","data":{"error":"42"}}', 'open'],
        also: true,
    },
    'WS: client sends DISCONNECT then EVENT': {
        why: 'a packet that races the end of its namespace is dropped', talk: (heard) => [...heard.slice(0, 2), 'open'],
    },
    'WS: ack': {
        why: 'an id that no number can hold ends the connection', talk: (heard) => [...heard.slice(0, 4), 'close 1005'],
    },
    "WS: ack id with space ('42 1[...]')": { why: 'a space is no digit', talk: ends(1005) },
    "WS: EIO: '1' on websocket (ignored!)": { why: 'a client that closes is believed', talk: ends(1005) },
};

const RULES = `
    realtime_app app {
        zone app:16m;
        namespace / {
            on echo { emit echo data=$realtime_args; }
            on ack { ack $realtime_args; }
            on bye { close namespace; }
            on byeclose { close connection; }
        }
        namespace /custom { }
        namespace ~ ^/dyn-[0-9]+$ { }
        namespace /deny { connect { require 0 error=42 message=nope; } }
    }
    realtime_app hasty { zone hasty:8m; namespace / { } }`;

const extra = (port, ...lines) => `server { listen 127.0.0.1:%%PORT_${port}%%; location /socket.io/ { ${lines.join(' ')} } }`;
const FIXTURE = {
    http: [
        RULES,
        'gzip on; gzip_types text/plain; gzip_min_length 1024;',
        extra('HASTY', 'realtime hasty; realtime_connect_timeout 200ms;'),
        extra('LISTED', 'realtime app; realtime_cors http://ok.example credentials; realtime_cookie io;'),
        extra('ANY', 'realtime app; realtime_cors *;'),
        extra('COOKIE', 'realtime app; realtime_cookie sticky path=/x samesite=strict max-age=3600;'),
        extra('WEBSOCKET', 'realtime app; realtime_transports websocket;'),
        extra('POLLING', 'realtime app; realtime_transports polling;'),
        extra('SHORT', 'realtime app; realtime_upgrade_timeout 150ms;'),
    ].join('\n'),
    server: 'location /socket.io/ { realtime app; }',
};

const PORTS = [
    [/connectTimeout/, 'PORT_HASTY'],
    [/^cors '\*'/, 'PORT_ANY'],
    [/^cors |^cookie:true|^WS cookie/, 'PORT_LISTED'],
    [/^cookie object/, 'PORT_COOKIE'],
    [/^polling disabled/, 'PORT_WEBSOCKET'],
    [/^transports polling only/, 'PORT_POLLING'],
    [/upgradeTimeout/, 'PORT_SHORT'],
];

let app;
const sessions = new Map(); // by the sid that was recorded

const serverOf = (name) => ({ port: app.values[(PORTS.find(([pattern]) => pattern.test(name)) || [0, 'PORT'])[1]] });

// The live session in the place of a recorded one; `prepare` it when it is new.
async function session(name, request, prepare = async () => {}) {
    const [, sid] = request.match(/sid=([\w-]{20})(?=[ &])/) || [];
    if (sid === undefined) return undefined;
    if (!sessions.has(sid)) {
        sessions.set(sid, await Polling.open(serverOf(name)));
        await prepare(sessions.get(sid));
    }
    return sessions.get(sid);
}

async function replayed(name, request, prepare) {
    const live = await session(name, request, prepare);
    return replay(serverOf(name), live ? request.replace(/sid=[\w-]{20}(?=[ &])/, `sid=${live.sid}`) : request);
}

const joinRoot = async (live) => {
    await live.send('40');
    await live.packet();
};

const both = async (first, second) => ({ first: essence(await first), second: essence(await second) });

// A case that needs more than its own request. `follow` is the case recorded after it, which
// uses the same session.
const SCENES = {
    'POST > maxHttpBufferSize (1e6+1 bytes)': async ({ name, request }) => {
        const live = await session(name, request);
        return essence(await live.post(`4${'a'.repeat(1000000)}`));
    },
    'GET afterwards (413 does NOT close the session)': async ({ name, request }) => {
        const live = await session(name, request);
        const { answer } = await live.hold();
        await live.send('40');
        is((await answer).text.slice(0, 3), '40{', `${name}: the GET waited`);
        return undefined;
    },
    'overlapping GETs': async ({ name }, follow) => {
        const live = await session(name, follow.request);
        const { answer } = await live.hold();
        const second = await live.poll();
        return both(answer, second);
    },
    'overlapping POSTs': async ({ name }, follow) => {
        const live = await session(name, follow.request);
        const connection = await connect(app);
        connection.request({ method: 'POST', path: live.url, headers: { 'Content-Length': '10' } }).send('4');
        await silence(50);
        const second = essence(await live.post('40'));
        const rest = await connection.response().catch(() => undefined); // destroyed, or told so
        connection.destroy();
        if (rest) is(rest.status, 400, `${name}: the first`);
        return { second };
    },
    "POST '1' (close) with a pending GET": async () => {
        const live = await Polling.open(app);
        const { answer } = await live.hold();
        const post = essence(await live.post('1'));
        return { get: essence(await answer), post };
    },
    "GET after the pending poll's TCP connection was dropped by the client -> session closed": async ({ name, request }) =>
        replayed(name, request, async (live) => {
            (await live.holdConnection()).destroy();
            await silence(50);
        }),
    'polling: connectTimeout expired, no pending GET: next GET': ({ name, request }) => replayed(name, request, () => silence(400)),
    'GET with Accept-Encoding gzip, body > 1024': async ({ name, request }) => {
        const live = await session(name, request, joinRoot);
        await live.send(`42["echo","${'x'.repeat(2000)}"]`);
        const raw = await live.poll({ headers: { 'Accept-Encoding': 'gzip, deflate' } });
        is(zlib.gunzipSync(raw.body).toString(), `42["echo","${'x'.repeat(2000)}"]`, `${name}: the body`);
        return { ...essence(raw), body: '' };
    },
    '2nd WS with same sid while upgrading -> 101 then close frame': ({ name, request }) => replayed(name, request, async (live) => {
        live.probing = await live.socket();
        await next(live.probing.text('2probe'));
    }),
    'WS with same sid after upgrade': async ({ name, request }) => {
        const live = await session(name, request);
        await next(live.probing.text('5').text('40'));
        return replayed(name, request);
    },
    'polling: after socket.disconnect(true), next GET': ({ name, request }) => replayed(name, request, async (live) => {
        await joinRoot(live);
        await live.send('42["byeclose"]');
    }),
    'WS: text frame > 1e6': async () => {
        const socket = await open(app);
        const connected = await next(socket.text('40'));
        const code = await socket.text(`42["${'x'.repeat(1000000)}"]`).closeCode();
        socket.destroy();
        return [`0${JSON.stringify(socket.handshake)}`, connected, `close ${code}`].map((text) => text.replace(/"sid":"[^"]+"/, '"sid":"ID"'));
    },
};

// "GET afterwards" is recorded twice: its session tells which is meant.
function expectation(item) {
    if (item.response !== undefined) return item.response === '' ? undefined : recorded(item.response);
    if (item.received) return expectedTalk(item.received);
    if (item.log) return expectedLog(item.log);
    const parts = Object.entries(item).filter(([key, value]) => key !== 'name' && typeof value === 'string' && value !== '');
    return Object.fromEntries(parts.map(([key, value]) => [key, recorded(value)]));
}

function live(item, follow) {
    if (SCENES[item.name]) return SCENES[item.name](item, follow);
    if (item.request) return replayed(item.name, item.request);
    if (item.received) return talk(serverOf(item.name), item.sent, awaited(item));
    return replayUpgrade(serverOf(item.name), item);
}

// All that is expected but the "open" that a pong proves.
const awaited = (item) => wanted(item).filter((part) => part !== 'open').length;

function wanted(item) {
    const expected = expectation(item);
    const difference = DIFFERENCES[item.name];
    if (!difference || (reference && !difference.also)) return expected;
    return difference.talk ? difference.talk(expected) : { ...expected, ...difference.parts };
}

// `either`: what was recorded is as good.
function judge(item, got) {
    const same = (expected) => isDeepStrictEqual(comparable(item, fitted(expected, got)), comparable(item, expected));
    const asRecorded = (DIFFERENCES[item.name] || {}).either && same(expectation(item));
    const expected = asRecorded ? expectation(item) : wanted(item);
    deepEqual(comparable(item, fitted(expected, got)), comparable(item, expected), item.name);
}

// That an answer is not to be stored, or depends on the Origin, may be told always.
function cautious(expected, got) {
    if (!got || !got.headers) return got;
    const headers = { ...got.headers };
    for (const name of ['cache-control', 'vary']) if (!(expected.headers || {})[name]) delete headers[name];
    return { ...got, headers };
}

function fitted(expected, got) {
    if (Array.isArray(got) || got.status !== undefined) return cautious(expected, got);
    return Object.fromEntries(Object.entries(got).map(([key, part]) => [key, cautious(expected[key], part)]));
}

// Of a refused upgrade only the status and the words count: no browser reads its headers.
function comparable(item, answer) {
    const refusal = item.request && /Upgrade: websocket/.test(item.request) && answer.status !== 101;
    if (!refusal) return answer;
    const { 'sec-websocket-version': version } = answer.headers;
    return { status: answer.status, ...(version ? { version } : {}), ...(version || /^WS version|key/.test(item.name) ? {} : { body: answer.body }) };
}

test('the fixture', async () => {
    app = await start(FIXTURE);
    is(CASES.length, 153, 'all exchanges are there');
    for (const name of [...Object.keys(DIFFERENCES), ...Object.keys(SCENES)])
        if (!CASES.some((item) => item.name === name)) throw new Error(`no such case: ${name}`);
});

let replays = 0;

CASES.forEach((item, at) => {
    const reason = (NOT_HERE.find(([pattern]) => pattern.test(item.name)) || [])[1];
    if (reason) return;
    ++replays;
    test(item.name, async () => {
        const got = await live(item, CASES[at + 1]);
        const difference = DIFFERENCES[item.name];
        if (difference) diag(`differs: ${difference.why}`);
        if (wanted(item) === undefined) is(got, undefined, item.name);
        else judge(item, got);
    });
});

test('what is not replayed is listed', () => is(replays, 129, 'exchanges replayed'));
