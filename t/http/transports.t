#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Every way in: TLS, IPv6, a unix socket, HTTP/2 for polling, keep-alive and pipelining, large
// messages to slow readers, clients that vanish.
'use strict';

const fs = require('fs');
const http = require('http');
const http2 = require('http2');

const { test, is, ok, like, deepEqual, pass } = require('../lib/tap');
const { certificate } = require('../lib/cert');
const { Nginx } = require('../lib/nginx');
const { client, connected, sibling } = require('../lib/client');
const { settled, TRANSPORTS } = require('../lib/spread');
const { Polling, open, next, opening, query } = require('../lib/eio');
const { connect, http: request } = require('../lib/raw');
const { websocket, frame, OP } = require('../lib/ws');
const { event, until } = require('../lib/until');

const MEGABYTE = 1000000;
const IPV6 = fs.existsSync('/proc/net/if_inet6') && /^0{31}1 /m.test(fs.readFileSync('/proc/net/if_inet6', 'latin1'));

const files = certificate();
const HTTP = `
    realtime_app app {
        zone app:64m;
        namespace / {
            connect { emit whoami 'data={"ip":"$remote_addr","agent":"$http_user_agent","scheme":"$scheme","host":"$host","flavor":"$cookie_flavor"}'; }
            on echo { emit echo data=$realtime_args; }
            on ask { ack $realtime_args; }
            on all { emit said all data=$realtime_args; }
        }
        namespace /other { on ask { ack $realtime_args; } }
    }`;
const SERVER = `
    listen 127.0.0.1:%%PORT_SPREAD%% reuseport;
    listen 127.0.0.1:%%PORT_TLS%% ssl reuseport;
    listen 127.0.0.1:%%PORT_H2%% ssl http2 reuseport;
    listen 127.0.0.1:%%PORT_H2C%% http2;
    ${IPV6 ? 'listen [::1]:%%PORT_V6%%;' : ''}
    listen unix:%%PREFIX%%/app.sock;
    ssl_certificate ${files.cert};
    ssl_certificate_key ${files.key};
    location /socket.io/ { realtime app; realtime_max_payload 2000000; realtime_send_buffer 64m; realtime_cors http://ok.example; }
    location /status { realtime_status app; allow 127.0.0.1; deny all; }
    location /books { stub_status; }`;

let nginx;
let ways;

async function begin() {
    if (nginx) return;
    nginx = await Nginx.start({ workers: 3, http: HTTP, server: SERVER });
    const { PORT_SPREAD, PORT_TLS, PORT_H2, PORT_H2C, PORT_V6 } = nginx.values;
    ways = {
        plain: { port: PORT_SPREAD, url: `http://127.0.0.1:${PORT_SPREAD}` },
        tls: { port: PORT_TLS, url: `https://127.0.0.1:${PORT_TLS}`, tls: {} },
        'the port of HTTP/2, by HTTP/1.1': { port: PORT_H2, url: `https://127.0.0.1:${PORT_H2}`, tls: { ALPNProtocols: ['http/1.1'] } },
        IPv6: { port: PORT_V6, host: '::1', url: `http://localhost:${PORT_V6}` },
        'a unix socket': { path: nginx.file('app.sock') },
        h2c: { url: `http://127.0.0.1:${PORT_H2C}` },
    };
}

const begun = (name, body, options) => test(name, async () => { await begin(); await body(); }, options);
const status = async () => JSON.parse((await request(ways.plain, { path: '/status?format=json' })).text);

// Connections that nginx counts as open, this one left out.
const active = async () => Number((await request(ways.plain, { path: '/books' })).text.match(/Active connections: (\d+)/)[1]) - 1;

// Resolves when nothing of the clients is left, in our books and in nginx's.
async function nobodyLeft(name) {
    const roster = async () => (await status()).roster;
    await until(async () => (await roster()).connections === 0, `${name}: no session`);
    await until(async () => (await active()) === 0, `${name}: no connection`);
    deepEqual([(await roster()).sockets, (await roster()).rooms, (await status()).total.websocket], [0, 0, 0], `${name}: all is cleared away`);
}

// --- The official client.

// The client's XMLHttpRequest cannot read an address in brackets.
const reach = (way) => ({ rejectUnauthorized: false, ...(way === 'IPv6' ? { agent: new http.Agent({ host: '::1' }) } : {}) });

const OVER = [['tls', 'https'], ['the port of HTTP/2, by HTTP/1.1', 'https'], ['IPv6', 'http']];

for (const [way, scheme] of OVER) {
    for (const [transport, options] of Object.entries(TRANSPORTS)) {
        const label = (text) => `socket.io-client over ${way}, ${transport}: ${text}`;
        begun(label('a conversation'), async () => {
            if (way === 'IPv6' && !IPV6) return pass(label('this machine has no IPv6'));
            const extraHeaders = { 'User-Agent': 'tests', Cookie: 'flavor=lemon' };
            const socket = client(ways[way], '/', { ...options, ...reach(way), extraHeaders });
            const [who] = await event(socket, 'whoami');
            const [ip, host] = way === 'IPv6' ? ['::1', 'localhost'] : ['127.0.0.1', '127.0.0.1'];
            deepEqual(who, { ip, agent: 'tests', scheme, host, flavor: 'lemon' }, label('the handshake as variables'));
            const early = socket.timeout(5000).emitWithAck('ask', 'x'.repeat(50000), 1);
            await settled(socket);
            is((await early).length, 50000, label('an answer across the upgrade'));
            const bytes = Buffer.from('0001feff', 'hex');
            const heard = event(socket, 'echo');
            socket.emit('echo', bytes, { deep: [bytes] });
            deepEqual(await heard, [bytes, { deep: [bytes] }], label('binary'));
            const other = sibling(socket, '/other');
            is(await other.timeout(5000).emitWithAck('ask', 7), 7, label('a second namespace'));
            socket.disconnect();
            other.disconnect();
        });
    }
}

begun('all ways together', async () => {
    const sockets = await Promise.all(['plain', 'tls', ...(IPV6 ? ['IPv6'] : [])].flatMap((way) =>
        Object.values(TRANSPORTS).map((transport) => connected(ways[way], '/', { ...transport, ...reach(way) }).then(settled))));
    const raw = await open(ways['a unix socket']);
    await next(raw.text('40'));
    await next(raw);
    const heard = sockets.map((socket) => event(socket, 'said'));
    sockets[0].emit('all', 'é', 1);
    deepEqual(await Promise.all(heard), sockets.map(() => ['é', 1]), 'one broadcast reaches them all');
    is(await next(raw), '42["said","é",1]', 'and the one on the unix socket');
    sockets.forEach((socket) => socket.disconnect());
    raw.destroy();
    await nobodyLeft('all ways');
});

// --- By hand.

for (const way of ['tls', 'IPv6', 'a unix socket']) {
    begun(`by hand over ${way}`, async () => {
        if (way === 'IPv6' && !IPV6) return pass('this machine has no IPv6');
        const server = ways[way];
        const session = await Polling.open(server);
        await session.send('40', '421["ask",1]');
        like(await session.packet(), /^40\{"sid"/, `${way}: polling connects`);
        const who = JSON.parse((await session.packet()).slice(2))[1];
        deepEqual([who.ip, who.scheme], [{ tls: '127.0.0.1', IPv6: '::1' }[way] || 'unix:', way === 'tls' ? 'https' : 'http'], `${way}: is known`);
        is(await session.packet(), '431[1]', `${way}: polling answers`);
        const { answer } = await session.hold();
        const socket = await session.upgrade();
        is((await answer).text, '6', `${way}: the upgrade frees the poll`);
        is(await next(socket.text('422["ask",2]')), '432[2]', `${way}: the same session by WebSocket`);
        is((await session.poll()).status, 400, `${way}: polling is over`);
        socket.close(1000);
        is(await socket.closeCode(), 1000, `${way}: an orderly end`);
        like(await socket.closed(), /fin/, `${way}: the server closes`);
    });
}

begun('frames in the packet of the handshake', async () => {
    const url = query('/socket.io/', 'websocket');
    const early = async (way, events) => {
        const connection = await connect(ways[way]);
        connection.socket.cork(); // one TLS record, one packet
        const frames = ['40', ...events].map((text) => frame(OP.text, text));
        const shaking = websocket(connection, url, { early: Buffer.concat(frames) });
        connection.socket.uncork();
        const socket = await shaking;
        like(opening(await next(socket)).sid, /./, `${way}: opened`);
        const got = [];
        for (let i = 0; i < events.length + 2; ++i) got.push(await next(socket));
        socket.destroy();
        return got.slice(2);
    };
    for (const way of ['plain', 'tls']) {
        deepEqual(await early(way, ['421["ask",1]']), ['431[1]'], `${way}: a short one is answered`);
        const long = Array.from({ length: 50 }, (unused, i) => `42${i}["ask","${'x'.repeat(200)}"]`);
        is((await early(way, long)).length, 50, `${way}: more than nginx read with the request`);
    }
});

// Wherever the session lives: three workers, one of them its home.
begun('long messages right behind the packet that upgrades', async () => {
    const got = [];
    for (let round = 0; round < 12; ++round) {
        const session = await Polling.open(ways[round % 2 ? 'plain' : 'tls']);
        await session.send('40');
        await session.packet();
        const socket = await session.socket();
        await socket.text('2probe').message();
        const texts = ['5', ...[1, 50000, 100000].map((size) => `42${size}["ask","${'x'.repeat(size)}"]`)];
        socket.sendRaw(Buffer.concat(texts.map((text) => frame(OP.text, text))));
        let text;
        for (let answers = 0; answers < 3; answers += Number(text.startsWith('43'))) text = await next(socket);
        got.push(text.length);
        socket.destroy();
    }
    deepEqual(got, got.map(() => 100012), 'are all answered');
});

begun('a frame in many packets over TLS', async () => {
    const socket = await open(ways.tls);
    await next(socket.text('40'));
    await next(socket);
    for (const byte of frame(OP.text, '421["ask","slowly"]')) {
        socket.sendRaw(Buffer.from([byte]));
        await new Promise(setImmediate);
    }
    is(await next(socket), '431["slowly"]', 'is one message');
    socket.destroy();
});

// --- Large messages, slow readers.

// A TLS socket has events after its last byte too: what is sent must still be taken once.
const inPieces = async (socket, bytes, size) => {
    for (let at = 0; at < bytes.length; at += size) {
        socket.sendRaw(bytes.subarray(at, at + size));
        await new Promise(setImmediate);
    }
};

for (const way of ['plain', 'tls']) {
    begun(`large messages both ways, ${way}`, async () => {
        const socket = await open(ways[way]);
        await next(socket.text('40'));
        await next(socket);
        const letters = 'abcdefghijklmnopqrst'.split('');
        const text = (letter) => `42["echo","${letter.repeat(MEGABYTE)}"]`;
        socket.connection.pause();
        const { events_out: before } = (await status()).total;
        for (const letter of letters) {
            const whole = text(letter);
            const frames = [frame(OP.text, whole.slice(0, 300000), { fin: false }), frame(OP.continuation, whole.slice(300000))];
            await inPieces(socket, Buffer.concat(frames), 65536);
        }
        await until(async () => (await status()).total.events_out - before >= letters.length, 'all are answered while nobody reads');
        socket.connection.resume();
        const got = [];
        for (const letter of letters) got.push((await next(socket)) === text(letter));
        ok(got.every(Boolean), `${way}: 20 of 1 MB, in order, byte by byte`);
        is(await next(socket.text('421["ask",1]')), '431[1]', `${way}: the connection goes on`);
        socket.destroy();
    });

    begun(`a large message by polling, ${way}`, async () => {
        const session = await Polling.open(ways[way]);
        await session.send('40');
        await session.packet();
        await session.packet();
        const connection = await connect(ways[way]);
        const body = Buffer.from(`42["echo","${'x'.repeat(MEGABYTE)}"]`);
        connection.request({ method: 'POST', path: session.url, headers: { 'Content-Length': body.length } });
        await inPieces({ sendRaw: (bytes) => connection.send(bytes) }, body, 50000);
        is((await connection.response()).text, 'ok', `${way}: 1 MB is taken in pieces`);
        const poll = connection.request({ path: session.url });
        poll.pause();
        await new Promise(setImmediate);
        poll.resume();
        const { text } = await poll.response();
        ok(text === body.toString(), `${way}: and comes back once, on the same connection (${text.length} bytes)`);
        connection.destroy();
        await session.post('1');
    });
}

// --- Clients that vanish.

begun('TLS clients that vanish', async () => {
    const gone = { 'without a word': (socket) => socket.connection.socket.destroy(), 'with TLS\'s own end': (socket) => socket.connection.socket.end() };
    for (const [how, leave] of Object.entries(gone)) {
        const sockets = await Promise.all(Array.from({ length: 20 }, () => open(ways.tls)));
        for (const socket of sockets) await next(socket.text('40'));
        sockets.forEach(leave);
        await nobodyLeft(how);
    }
    const busy = await open(ways.tls);
    await next(busy.text('40'));
    await next(busy);
    busy.connection.pause();
    for (let i = 0; i < 20; ++i) busy.text(`42["echo","${'x'.repeat(MEGABYTE)}"]`);
    await until(async () => (await status()).total.websocket === 1, 'it is there');
    busy.connection.socket.destroy();
    await nobodyLeft('in the middle of what it is sent');
});

begun('a TLS client that breaks the protocol', async () => {
    const socket = await open(ways.tls);
    socket.text('x', { mask: false });
    is(await socket.closeCode(), 1002, '1002');
    socket.connection.close();
    await socket.closed();
    const plain = await connect({ ...ways.tls, tls: undefined });
    plain.request({ path: query('/socket.io/', 'polling') });
    is((await plain.response()).status, 400, 'plain HTTP at the TLS port: nginx\'s own 400');
    plain.destroy();
    await nobodyLeft('afterwards');
});

// --- Keep-alive and pipelining.

for (const way of ['plain', 'tls']) {
    begun(`keep-alive, ${way}`, async () => {
        const connection = await connect(ways[way]);
        const ask = async (how) => (await connection.request(how).response()).text;
        const { sid } = opening(await ask({ path: query('/socket.io/', 'polling') }));
        const path = query('/socket.io/', 'polling', sid);
        is(await ask({ method: 'POST', path, body: '40' }), 'ok', `${way}: a POST on the same connection`);
        await ask({ path });
        const answers = [];
        for (let i = 0; i < 100; ++i) {
            await ask({ method: 'POST', path, body: `42${i}["ask",${i}]` });
            answers.push(await ask({ path }));
        }
        deepEqual(answers, answers.map((unused, i) => `43${i}[${i}]`), `${way}: 200 more`);
        await ask({ method: 'POST', path, body: '1' });
        connection.destroy();
    });

    begun(`pipelining, ${way}`, async () => {
        const connection = await connect(ways[way]);
        const handshake = { path: query('/socket.io/', 'polling') };
        connection.request(handshake).request({ path: '/socket.io/?EIO=4&transport=no' }).request(handshake);
        const first = opening((await connection.response()).text);
        is((await connection.response()).status, 400, `${way}: a bad one between two good ones`);
        const second = opening((await connection.response()).text);
        ok(first.sid !== second.sid, `${way}: each has its answer`);
        const path = query('/socket.io/', 'polling', first.sid);
        connection.request({ method: 'POST', path, body: '40' }).request({ path });
        is((await connection.response()).text, 'ok', `${way}: a POST`);
        like((await connection.response()).text, /^40\{/, `${way}: and the GET behind it`);
        // A held GET with a POST of the same session behind it: the answer comes from elsewhere.
        connection.request({ path }).request({ method: 'POST', path, body: '421["ask",1]' }).request({ path });
        const other = await connected(ways.plain);
        other.emit('all', 'go on');
        like((await connection.response()).text, /42\["said","go on"\]/, `${way}: a held GET is not disturbed by what follows it`);
        is((await connection.response()).text, 'ok', `${way}: which then has its turn`);
        is((await connection.response()).text, '431[1]', `${way}: in order`);
        other.disconnect();
        connection.request({ method: 'POST', path, body: '1' });
        await connection.response();
        connection.destroy();
        await request(ways[way], { method: 'POST', path: query('/socket.io/', 'polling', second.sid), body: '1' });
    });
}

// --- HTTP/2.

// One connection; `ask` resolves with {status, headers, text}, `stream` is the stream itself.
async function dial(url) {
    const session = http2.connect(url, { rejectUnauthorized: false });
    await event(session, 'connect');
    const begin2 = ({ method = 'GET', path, headers = {}, body }) => {
        const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined });
        if (body !== undefined) stream.end(body);
        const answer = new Promise((resolve, reject) => {
            let told;
            const parts = [];
            stream.on('response', (got) => { told = got; });
            stream.on('data', (bytes) => parts.push(bytes));
            stream.on('end', () => told && resolve({ status: told[':status'], headers: told, text: Buffer.concat(parts).toString() }));
            stream.on('error', reject);
        });
        answer.catch(() => {});
        return { stream, answer };
    };
    return { session, begin: begin2, ask: (how) => begin2(how).answer, close: () => session.close() };
}

for (const way of ['the port of HTTP/2, by HTTP/1.1', 'h2c']) {
    const label = (text) => `HTTP/2, ${way === 'h2c' ? 'plain' : 'TLS'}: ${text}`;
    begun(label('polling'), async () => {
        const h2 = await dial(ways[way].url);
        const hello = await h2.ask({ path: query('/socket.io/', 'polling'), headers: { origin: 'http://ok.example' } });
        const { sid, upgrades } = opening(hello.text);
        is(hello.status, 200, label('a handshake'));
        is(hello.headers['access-control-allow-origin'], 'http://ok.example', label('with CORS'));
        deepEqual(upgrades, ['websocket'], label('an upgrade is offered: the client makes it over HTTP/1.1'));
        const path = query('/socket.io/', 'polling', sid);
        is((await h2.ask({ method: 'POST', path, body: '40' })).text, 'ok', label('a POST'));
        const connectedText = (await h2.ask({ path })).text;
        like(connectedText, /^40\{"sid".*42\["whoami"/s, label('a GET'));
        is(JSON.parse(connectedText.split('\x1e')[1].slice(2))[1].scheme, way === 'h2c' ? 'http' : 'https', label('the scheme'));
        const held = h2.begin({ path });
        is((await h2.ask({ method: 'POST', path, body: '421["ask","é"]' })).text, 'ok', label('a POST beside a held GET'));
        is((await held.answer).text, '431["é"]', label('which it answers'));
        const body = `42["echo","${'x'.repeat(MEGABYTE)}"]`;
        is((await h2.ask({ method: 'POST', path, body })).text, 'ok', label('1 MB is taken'));
        ok((await h2.ask({ path })).text === body, label('and comes back'));
        const refused = await h2.ask({ method: 'POST', path, body: 'x'.repeat(2 * MEGABYTE + 1) });
        is(refused.status, 413, label('more than maxPayload: 413'));
        is((await h2.ask({ method: 'POST', path, body: '422["ask",1]' })).text, 'ok', label('the session and the connection go on'));
        is((await h2.ask({ path })).text, '432[1]', label('with an answer'));
        is((await h2.ask({ method: 'POST', path, body: '1' })).status, 200, label('a close'));
        h2.close();
    });

    begun(label('many sessions on one connection'), async () => {
        const h2 = await dial(ways[way].url);
        const sids = await Promise.all(Array.from({ length: 20 }, async () => opening((await h2.ask({ path: query('/socket.io/', 'polling') })).text).sid));
        const paths = sids.map((sid) => query('/socket.io/', 'polling', sid));
        await Promise.all(paths.map((path) => h2.ask({ method: 'POST', path, body: '40' })));
        await Promise.all(paths.map((path) => h2.ask({ path })));
        const held = paths.map((path) => h2.begin({ path }));
        const pages = await Promise.all(paths.map((path, i) => h2.ask({ method: 'POST', path, body: `42${i}["ask",${i}]` })));
        ok(pages.every(({ text }) => text === 'ok'), label('20 POSTs beside 20 held GETs'));
        deepEqual(await Promise.all(held.map(async ({ answer }) => (await answer).text)), paths.map((path, i) => `43${i}[${i}]`), label('each has its own answer'));
        const ends = paths.map((path) => h2.begin({ path }));
        const [one, ...others] = ends;
        await until(async () => (await status()).roster.sockets === 20, 'all are there');
        one.stream.close(http2.constants.NGHTTP2_CANCEL);
        await until(async () => (await status()).roster.connections === 19, label('a reset stream ends its session'));
        is((await h2.ask({ path: paths[0] })).status, 400, label('which is unknown afterwards'));
        h2.session.destroy();
        others.forEach(({ answer }) => answer.catch(() => {}));
        await nobodyLeft(label('a lost connection ends all that wait on it'));
    });

    begun(label('an upgrade over it'), async () => {
        const h2 = await dial(ways[way].url);
        const path = query('/socket.io/', 'websocket');
        const refused = await h2.ask({ path });
        deepEqual([refused.status, refused.headers['content-type'].split(';')[0], refused.text], [400, 'text/plain', 'WebSocket needs HTTP/1.1 here'], label('is refused in words'));
        const { sid } = opening((await h2.ask({ path: query('/socket.io/', 'polling') })).text);
        const again = await h2.ask({ path: query('/socket.io/', 'websocket', sid) });
        is(again.status, 400, label('that of a session too'));
        const url = query('/socket.io/', 'polling', sid);
        is((await h2.ask({ method: 'POST', path: url, body: '40' })).text, 'ok', label('and the session goes on'));
        await h2.ask({ path: url });
        if (way !== 'h2c') {
            const held = h2.begin({ path: url });
            const session = new Polling(ways[way], '/socket.io/', { sid });
            const socket = await session.upgrade();
            is((await held.answer).text, '6', label('an upgrade over HTTP/1.1 frees the held GET'));
            is(await next(socket.text('421["ask",1]')), '431[1]', label('and goes on'));
            socket.destroy();
        } else {
            await h2.ask({ method: 'POST', path: url, body: '1' });
        }
        h2.close();
    });
}

begun('in the end', () => nobodyLeft('nothing is left'));
