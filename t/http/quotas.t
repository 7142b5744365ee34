#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// What is bounded besides a connection's own packets: how many connections, how much waits for
// a client that does not read, how much the zone holds. Whoever was there goes on; when there
// is room again, others come in.
'use strict';

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { startSpread, ready, TRANSPORTS } = require('../lib/spread');
const { client, connected } = require('../lib/client');
const { Polling, open, next, opening, query } = require('../lib/eio');
const { http: request } = require('../lib/raw');
const { websocket } = require('../lib/ws');
const { event, until } = require('../lib/until');

const MOST = 5;

const RULES = `
            on ask { ack $realtime_args; }
            on echo { emit echo data=$realtime_args; }
            on drip { emit drip data=$realtime_args volatile; }
            on join { join $realtime_arg_0; ack 1; }`;
const app = (name, zone, more = '') => `realtime_app ${name} { zone ${zone}; user $realtime_auth_user; namespace / { ${RULES} } ${more} }`;
const http = `
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    ${app('all', 'all:8m')}
    ${app('ips', 'ips:8m')}
    ${app('users', 'users:8m', 'namespace /other { }')}
    ${app('slow', 'slow:32m')}
    ${app('tiny', 'tiny:1m')}`;

const place = (name, more = '') => `location /${name}/ { realtime ${name}; ${more} } location /status/${name} { realtime_status ${name}; allow 127.0.0.1; deny all; }`;
const server = `
    listen 127.0.0.1:%%PORT_NARROW%% sndbuf=16k reuseport;
    ${place('all', `realtime_max_sockets ${MOST};`)}
    ${place('ips', `realtime_max_sockets ${MOST} per=ip;`)}
    ${place('users', `realtime_max_sockets ${MOST} per=user;`)}
    ${place('slow', 'realtime_send_buffer 256k;')}
    location /patient/ { realtime slow; realtime_send_buffer 256k policy=drop_volatile; }
    ${place('tiny')}`;

let spread;
const begin = (name, body, options) => test(name, async () => { spread = spread || await startSpread({ http, server }); await body(); }, options);

const status = async (name) => JSON.parse((await request(spread, { path: `/status/${name}?format=json` })).text);
const handshake = (name, headers = {}) => request(spread, { path: query(`/${name}/`, 'polling'), headers });
const shake = (name, headers = {}) => websocket(spread, query(`/${name}/`, 'websocket'), { headers });
const leave = (name, sid) => request(spread, { method: 'POST', path: query(`/${name}/`, 'polling', sid), body: '1' });
const empty = (name) => until(async () => (await status(name)).roster.connections === 0, `${name} is empty`);

// A refusal, by polling and by WebSocket.
async function refusedBoth(name, headers) {
    const { refused: before } = (await status(name)).total;
    const answers = [await handshake(name, headers), (await shake(name, headers)).response];
    deepEqual(answers.map((one) => one.status), [503, 503], 'the next ones get 503, on each transport');
    ok(answers.every((one) => Number(one.headers['retry-after']) > 0), 'with Retry-After');
    const { refused: after } = (await status(name)).total;
    return Object.keys(after).filter((limit) => after[limit] - before[limit] === 2);
}

// --- realtime_max_sockets.

begin('realtime_max_sockets', async () => {
    const sids = [];
    while (sids.length < 3) sids.push(opening((await handshake('all')).text).sid);
    const sockets = [await open(spread, { path: '/all/' }), await open(spread, { path: '/all/' })];
    deepEqual(await refusedBoth('all'), ['sessions'], 'counted as sessions');
    like(await next(sockets[0].text('40')), /^40/, 'those that are there go on');
    is((await leave('all', sids.pop())).status, 200, 'one leaves');
    const [upgraded] = sids;
    const session = new Polling(spread, '/all/', { sid: upgraded });
    const socket = await session.upgrade();
    like(await next(socket.text('40')), /^40/, 'an upgrade is no connection more');
    const last = await handshake('all');
    is(last.status, 200, 'there is room again');
    is((await handshake('all')).status, 503, 'for one');
    [socket, ...sockets].forEach((one) => one.destroy());
    await leave('all', sids.pop());
    await leave('all', opening(last.text).sid);
    await empty('all');
});

begin('a crowd at once', async () => {
    const answers = await Promise.all(Array.from({ length: 60 }, (unused, i) => (i % 2 ? handshake('all') : shake('all').then((socket) => ({ ...socket.response, socket })))));
    const taken = answers.filter((one) => one.status === 200 || one.status === 101);
    is(taken.length, MOST, 'over three workers exactly as many as may come in');
    ok(answers.every((one) => taken.includes(one) || one.status === 503), 'the others get 503');
    await Promise.all(taken.map((one) => (one.socket ? one.socket.destroy() : leave('all', opening(one.text).sid))));
    await empty('all');
}, { repeat: 5 });

begin('realtime_max_sockets per=ip', async () => {
    const from = (ip) => ({ 'X-Real-IP': ip });
    const taken = [];
    for (const ip of ['10.1.1.1', '10.1.1.2', '2001:db8::1'])
        for (let i = 0; i < MOST; ++i) taken.push(await handshake('ips', from(ip)));
    deepEqual(taken.map((one) => one.status), taken.map(() => 200), 'each address has its own');
    for (const ip of ['10.1.1.1', '2001:db8::1']) deepEqual(await refusedBoth('ips', from(ip)), ['sessions'], `${ip}: counted as sessions`);
    is((await handshake('ips', from('10.1.1.3'))).status, 200, 'another address comes in');
    await leave('ips', opening(taken[0].text).sid);
    await until(async () => (await handshake('ips', from('10.1.1.1'))).status === 200, 'there is room again for who leaves');
});

begin('realtime_max_sockets per=user', async () => {
    const as = (user, options) => client(spread, '/', { path: '/users/', auth: { user }, ...options });
    const sockets = Array.from({ length: MOST }, (unused, i) => as('ann', Object.values(TRANSPORTS)[i % 3]));
    await Promise.all(sockets.map((socket) => event(socket, 'connect')));
    const { refused: before } = (await status('users')).total;
    const refused = as('ann');
    const [error] = await event(refused, 'connect_error');
    is(error.message, 'Too many connections', 'one more: connect_error');
    is((await status('users')).total.refused.sessions - before.sessions, 1, 'counted as sessions');
    const other = as('bob');
    await event(other, 'connect');
    ok(other.connected, 'another user comes in');
    const nobody = await Promise.all(Array.from({ length: MOST + 2 }, () => connected(spread, '/', { path: '/users/' })));
    ok(nobody.every((socket) => socket.connected), 'who is nobody is not counted');
    is(await sockets[0].timeout(5000).emitWithAck('ask', 1), 1, 'those that are there go on');
    sockets[0].disconnect();
    await until(async () => {
        refused.connect();
        return Promise.race([event(refused, 'connect').then(() => true), event(refused, 'connect_error').then(() => false)]);
    }, 'there is room again');
    ok(refused.connected, 'when one has left');
    [...sockets, ...nobody, refused, other].forEach((socket) => socket.disconnect());
    await empty('users');
});

// --- realtime_send_buffer.

const big = (event, i) => `42["${event}",${i},"${'x'.repeat(20000)}"]`;

// A client of the port whose kernel buffers are small; it reads nothing.
async function deaf(path) {
    const narrow = { port: spread.running.values.PORT_NARROW };
    const socket = await open(narrow, { path });
    like(await next(socket.text('40')), /^40/, 'joined');
    socket.connection.pause();
    return socket;
}

async function heard(socket, last) {
    socket.connection.resume();
    const got = [];
    for (;;) {
        const text = await next(socket);
        if (text === last) return got;
        got.push(Number(text.match(/^42\["\w+",(\d+)/)[1]));
    }
}

begin('realtime_send_buffer: what must not be lost', async () => {
    for (const path of ['/slow/', '/patient/']) {
        const { slow_closed: before } = (await status('slow')).total;
        const bystander = await ready(spread, '/', { path, ...TRANSPORTS['websocket only'] });
        const socket = await deaf(path);
        let i = 0;
        await until(async () => {
            for (const end = i + 20; i < end; ++i) socket.text(big('echo', i));
            return (await status('slow')).total.slow_closed > before;
        }, 'it is closed');
        ok(i >= 20, `${path}: a full buffer closes`);
        is(await bystander.timeout(5000).emitWithAck('ask', 1), 1, `${path}: others go on`);
        bystander.disconnect();
        socket.connection.resume();
        const numbers = [];
        for (let frame = await socket.frame(); frame.opcode !== 8; frame = await socket.frame()) {
            if (frame.opcode === 1 && frame.text !== '2') numbers.push(Number(frame.text.match(/^42\["echo",(\d+)/)[1]));
            socket.last = frame;
        }
        deepEqual(numbers, numbers.map((unused, at) => at), `${path}: what was queued before comes in order (${numbers.length})`);
        socket.close(1000);
        await socket.closed();
    }
    await empty('slow');
});

begin('realtime_send_buffer: volatile events', async () => {
    for (const path of ['/slow/', '/patient/']) {
        const { dropped_volatile: before } = (await status('slow')).total;
        const socket = await deaf(path);
        let i = 0;
        await until(async () => {
            for (const end = i + 20; i < end; ++i) socket.text(big('drip', i));
            return (await status('slow')).total.dropped_volatile - before >= 50;
        }, 'volatile events are dropped');
        const got = await heard(socket.text('421["ask",1]'), '431[1]');
        deepEqual(got, [...got].sort((a, b) => a - b), `${path}: the others come in order`);
        ok(got.length < i, `${path}: the connection stays, ${got.length} of ${i} came`);
        socket.destroy();
    }
    const session = await Polling.open(spread, { path: '/slow/' });
    await session.send('40');
    await session.packet();
    for (let i = 0; i < 5; ++i) await session.send(`42["drip",${i}]`);
    await session.send('421["ask",1]');
    is(await session.packet(), '431[1]', 'policy=close: nothing volatile waits for a poll');
    const patient = await Polling.open(spread, { path: '/patient/' });
    await patient.send('40');
    await patient.packet();
    for (let i = 0; i < 5; ++i) await patient.send(`42["drip",${i}]`);
    is(await patient.packet(), '42["drip",0]', 'policy=drop_volatile: it does');
    await session.post('1');
    await patient.post('1');
    await empty('slow');
});

// --- A full zone.

begin('a full zone', async () => {
    const { roster: start } = await status('tiny');
    const old = await ready(spread, '/', { path: '/tiny/', ...TRANSPORTS['websocket only'] });
    const sids = [];
    const padding = { 'X-Padding': 'x'.repeat(900) };
    let answer;
    for (answer = await handshake('tiny', padding); answer.status === 200; answer = await handshake('tiny', { ...padding, 'X-Number': String(sids.length) }))
        sids.push(opening(answer.text).sid);
    ok(sids.length > 50, `${sids.length} sessions fit into 1m`);
    is(answer.status, 503, 'one more: 503');
    ok(Number(answer.headers['retry-after']) > 0, 'with Retry-After');
    deepEqual(await refusedBoth('tiny', padding), ['zone_full'], 'counted as zone_full');
    is(await old.timeout(5000).emitWithAck('ask', 'é'), 'é', 'who is there goes on');
    const heardBack = event(old, 'echo');
    old.emit('echo', 1);
    deepEqual(await heardBack, [1], 'with events too');
    const poll = new Polling(spread, '/tiny/', { sid: sids[0] });
    await poll.post('40');
    const joined = (await poll.poll()).text;
    ok(/^40\{|^44\{/.test(joined), `a session without a socket is answered: ${joined.slice(0, 60)}`);
    await Promise.all(sids.map((sid) => leave('tiny', sid)));
    const again = await ready(spread, '/', { path: '/tiny/', ...TRANSPORTS['polling only'] });
    is(await again.timeout(5000).emitWithAck('join', 'room'), 1, 'for rooms too');
    [old, again].forEach((socket) => socket.disconnect());
    await empty('tiny');
    deepEqual((await status('tiny')).roster, start, 'afterwards the roster is as empty as before');
});
