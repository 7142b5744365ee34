#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Origins and cookies: who may open a session from a browser, what a refused one is shown,
// and which response sets the cookie. Seed rows 001-02, 001-11, 001-12.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { startSpread, ready, TRANSPORTS } = require('../lib/spread');
const { client } = require('../lib/client');
const { Polling, query, next } = require('../lib/eio');
const { http: request } = require('../lib/raw');
const { websocket } = require('../lib/ws');
const { event } = require('../lib/until');

process.env.FRONTEND_URL = 'http://127.0.0.1:5500';

const http = 'realtime_app app { zone app:16m; namespace / { on ask { ack 1; } } }';
const location = (name, ...lines) => `location /${name}/ { realtime app; ${lines.join(' ')} }\n`;
const server = [
    location('same'),
    location('listed', 'realtime_cors http://ok.example https://two.example:8443 credentials;'),
    location('plain', 'realtime_cors http://ok.example;'),
    location('any', 'realtime_cors *;'),
    location('pattern', 'realtime_cors ~^https://[a-z]+\\.ok\\.example$;'),
    location('env', 'realtime_cors env:FRONTEND_URL;'),
    location('null', 'realtime_cors null http://ok.example;'),
    location('cookie', 'realtime_cookie io;'),
    location('sticky', 'realtime_cookie sticky path=/x samesite=strict max-age=3600;'),
].join('');

let app;

const get = (path, headers) => request(app, { path: query(`/${path}/`, 'polling'), headers });
const allowed = ({ headers }) => headers['access-control-allow-origin'];
const varies = ({ headers }) => /\borigin\b/i.test(headers.vary || '');
const begin = (name, body) => test(name, async () => {
    app = app || await startSpread({ http, server });
    await body();
});

// [location, Origin, expected Access-Control-Allow-Origin]; undefined: allowed without CORS.
// Requests name the host "localhost".
const WELCOME = [
    ['same', undefined, undefined],
    ['same', 'http://localhost', undefined],
    ['listed', undefined, undefined],
    ['listed', 'http://ok.example', 'http://ok.example'],
    ['listed', 'https://two.example:8443', 'https://two.example:8443'],
    ['listed', 'http://localhost', undefined],
    ['plain', 'http://ok.example', 'http://ok.example'],
    ['any', undefined, undefined],
    ['any', 'http://whoever.example', '*'],
    ['any', 'null', '*'],
    ['pattern', 'https://app.ok.example', 'https://app.ok.example'],
    ['env', 'http://127.0.0.1:5500', 'http://127.0.0.1:5500'],
    ['null', 'null', 'null'],
    ['null', 'http://ok.example', 'http://ok.example'],
];

const STRANGERS = [
    ['same', 'http://ok.example'],
    ['same', 'null'],
    ['same', 'http://localhost:8080'],
    ['same', 'http://localhost.bad.example'],
    ...['http://bad.example', 'null', 'http://ok.example.bad.example', 'http://okaexample', 'http://ok.example:8080', 'https://ok.example',
        'http://ok.example/', 'http://ok.example, http://bad.example', 'http://sub.ok.example', 'ok.example', 'http://ok.example@bad.example',
    ].map((origin) => ['listed', origin]),
    ['pattern', 'https://app.ok.example.bad.example'],
    ['pattern', 'http://app.ok.example'],
    ['env', 'http://127.0.0.1:5501'],
    ['env', 'null'],
];

begin('polling from an origin that is welcome', async () => {
    for (const [path, Origin, expected] of WELCOME) {
        const answer = await get(path, Origin === undefined ? {} : { Origin });
        const name = `/${path}/ from ${Origin}`;
        is(answer.status, 200, name);
        // Of an origin that needs no CORS the header may be told or not.
        if (expected !== undefined) is(allowed(answer), expected, `${name}: Access-Control-Allow-Origin`);
        if (expected !== undefined && expected !== '*') ok(varies(answer), `${name}: Vary`);
        if (expected !== undefined) is(answer.headers['access-control-allow-credentials'], path === 'listed' ? 'true' : undefined, `${name}: credentials`);
    }
});

begin('polling from a stranger', async () => {
    for (const [path, Origin] of STRANGERS) {
        const answer = await get(path, { Origin });
        const name = `/${path}/ from ${Origin}`;
        deepEqual([answer.status, answer.text], [403, '{"code":4,"message":"Forbidden"}'], name);
        is(allowed(answer), Origin, `${name}: the browser may show why`);
        is(answer.headers['access-control-allow-credentials'], undefined, `${name}: but no credentials`);
        is(answer.headers['set-cookie'], undefined, `${name}: and no cookie`);
    }
});

begin('WebSocket', async () => {
    const open = (path, headers) => websocket(app, query(`/${path}/`, 'websocket'), { headers });
    for (const [path, Origin] of WELCOME) {
        const socket = await open(path, Origin === undefined ? {} : { Origin });
        ok(socket.accepted, `/${path}/ from ${Origin}`);
        socket.destroy();
    }
    for (const [path, Origin] of STRANGERS) {
        const socket = await open(path, { Origin });
        is(socket.response.status, 403, `/${path}/ from ${Origin}`);
        await socket.closed();
    }
});

begin('a stranger on a session that exists', async () => {
    const session = await Polling.open(app, { path: '/listed/', headers: { Origin: 'http://ok.example' } });
    const headers = { Origin: 'http://bad.example' };
    is((await session.poll({ headers })).status, 403, 'GET');
    is((await session.post('40', { headers })).status, 403, 'POST');
    is((await session.socket({ headers })).response.status, 403, 'upgrade');
    await session.send('40');
    ok((await session.packet()).startsWith('40'), 'the session knows nothing of it');
});

begin('an error tells CORS too', async () => {
    const Origin = 'http://ok.example';
    for (const path of ['listed', 'any']) {
        const answer = await request(app, { path: `${query(`/${path}/`, 'polling')}&sid=nobody`, headers: { Origin } });
        deepEqual([answer.status, answer.text], [400, '{"code":1,"message":"Session ID unknown"}'], `/${path}/: unknown sid`);
        is(allowed(answer), path === 'any' ? '*' : Origin, `/${path}/: Access-Control-Allow-Origin`);
    }
});

begin('preflight', async () => {
    const ask = (path, Origin) => request(app, { method: 'OPTIONS', path: query(`/${path}/`, 'polling'), headers: {
        Origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-a, content-type' } });
    for (const path of ['listed', 'any', 'plain']) {
        const answer = await ask(path, 'http://ok.example');
        deepEqual([answer.status, answer.body.length], [204, 0], `/${path}/: 204`);
        is(allowed(answer), path === 'any' ? '*' : 'http://ok.example', `/${path}/: Access-Control-Allow-Origin`);
        const methods = (answer.headers['access-control-allow-methods'] || '').split(/\s*,\s*/);
        ok(methods.includes('GET') && methods.includes('POST'), `/${path}/: methods`);
        is(answer.headers['access-control-allow-headers'], 'x-a, content-type', `/${path}/: headers are reflected`);
        is(answer.headers['access-control-allow-credentials'], path === 'listed' ? 'true' : undefined, `/${path}/: credentials`);
    }
    const refused = await ask('listed', 'http://bad.example');
    // With 204 the browser goes on to the request itself, and can show why that is refused.
    ok([204, 403].includes(refused.status) && allowed(refused) === 'http://bad.example', 'a stranger is let as far as the refusal');
    is(refused.headers['access-control-allow-methods'], undefined, 'and is allowed nothing');
    is(refused.headers['access-control-allow-credentials'], undefined, 'nor credentials');
});

begin('OPTIONS where no origin but its own is welcome', async () => {
    const answer = await request(app, { method: 'OPTIONS', path: query('/same/', 'polling') });
    ok([204, 400].includes(answer.status), `${answer.status}: nothing, or a bad method`);
    is(allowed(answer), undefined, 'nothing is allowed');
});

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    begin(`socket.io-client by ${transport}`, async () => {
        const from = (path, Origin) => ({ ...options, path: `/${path}/`, extraHeaders: { Origin } });
        const friend = await ready(app, '/', from('listed', 'http://ok.example'));
        is(await friend.emitWithAck('ask'), 1, `${transport}: a listed origin works`);
        const stranger = client(app, '/', from('listed', 'http://bad.example'));
        let shown; // read at once: the client then empties it
        stranger.on('connect_error', ({ context }) => { shown = context && context.responseText; });
        const [error] = await event(stranger, 'connect_error');
        ok(!stranger.connected, `${transport}: another does not: ${error.message}`);
        if (transport !== 'websocket only') is(shown, '{"code":4,"message":"Forbidden"}', `${transport}: and is told why`);
        friend.disconnect();
        stranger.disconnect();
    });
}

const cookies = ({ headers }) => (headers['set-cookie'] || '').split(/;\s*/).sort();

begin('the cookie', async () => {
    const session = await Polling.open(app, { path: '/cookie/' });
    deepEqual(cookies(session.response), ['HttpOnly', 'Path=/', 'SameSite=Lax', `io=${session.sid}`].sort(), 'on the handshake');
    await session.send('40');
    const answer = await session.poll();
    is(answer.headers['set-cookie'], undefined, 'not on a poll');
    is((await session.post('41')).headers['set-cookie'], undefined, 'not on a POST');
    const socket = await websocket(app, query('/cookie/', 'websocket'));
    is(socket.response.headers['set-cookie'], undefined, 'not on a WebSocket handshake');
    ok((await next(socket)).startsWith('0'), 'which works');
    socket.destroy();
    is((await get('same')).headers['set-cookie'], undefined, 'off by default');
    const failed = await request(app, { path: '/cookie/?EIO=4&transport=abc' });
    deepEqual([failed.status, failed.headers['set-cookie']], [400, undefined], 'not on an error');
});

begin('the cookie with attributes', async () => {
    const session = await Polling.open(app, { path: '/sticky/' });
    deepEqual(cookies(session.response), ['HttpOnly', 'Max-Age=3600', 'Path=/x', 'SameSite=Strict', `sticky=${session.sid}`].sort(), 'are told');
});
