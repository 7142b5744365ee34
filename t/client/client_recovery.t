#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Connection state recovery with socket.io-client: a client whose network was cut, or whose
// worker was killed, comes back to its socket, on any worker, and misses nothing; or it is told.
'use strict';

const { test, is, ok, deepEqual, after } = require('../lib/tap');
const { startSpread, settled, TRANSPORTS } = require('../lib/spread');
const { client, connected, sibling } = require('../lib/client');
const { Network } = require('../lib/cut');
const { BACK, record, lose } = require('../lib/returning');
const { event, until } = require('../lib/until');

const RULES = `
    connect { emit hello data=$realtime_recovered; }
    disconnect { emit gone to=watch data=$realtime_sid; }
    on join { join $realtime_arg_0; ack 1; }
    on leave { leave $realtime_arg_0; ack 1; }
    on to { emit said to=$realtime_arg_0 data=$realtime_arg_1; ack 1; }
    on ask { ack there; }`;

const app = (name, extra, size = '16m') => `
    realtime_app ${name} {
        zone ${name}:${size};
        ${extra}
        namespace / { ${RULES} }
        namespace /b { ${RULES} }
    }`;

const http = `
    ${app('app', 'recovery 2m; user $realtime_auth_user;')}
    ${app('brief', 'recovery 1s;')}
    ${app('small', 'recovery 2m;', '1m')}
    ${app('without', '')}`;
const server = ['app', 'brief', 'small', 'without'].map((name) => `
    location /${name}/ { realtime ${name}; ${name === 'brief' ? 'realtime_ping interval=1s timeout=2s;' : ''} }
    location = /status/${name} { realtime_status ${name}; }`).join('');

let spread;

const at = (name) => ({ path: `/${name}/` });
const status = async (name) => (await fetch(`${spread.url}/status/${name}?format=json`)).json();

const said = (log) => log.filter(([name]) => name === 'said').map(([, what]) => what);

// A client behind a network that can be cut, and one beside it.
async function pair(name, transport, options = {}) {
    const network = await Network.to(spread.port);
    const socket = await settled(await connected(network, '/', { ...transport, ...BACK, ...at(name), ...options }));
    const other = await connected(spread, '/', { ...transport, ...at(name) });
    await socket.emitWithAck('join', 'red');
    return { network, socket, other, log: record(socket) };
}

// Connected, and the connect chain of this transport has run. What is live by then may have come, too.
const isBack = (log) => {
    const connected = log.findIndex(([name]) => name === 'CONNECT');
    return connected >= 0 && log.slice(connected).some(([name]) => name === 'hello');
};
const back = (log) => until(() => isBack(log), 'back again', 30000);

// In the middle of an upgrade the stock client would wait for its ping timeout.
const upgraded = ({ io: { opts, engine } }) => !opts.transports.includes('websocket') || engine.transport.name === 'websocket';

// The network is cut, something happens, and it is back: the log begins with its loss.
async function away({ network, socket, log }, meanwhile = async () => {}) {
    await until(() => upgraded(socket), 'upgraded');
    log.length = 0;
    await lose(socket, network);
    await meanwhile();
    network.mend();
    await back(log);
}

async function leave(...sockets) {
    for (const socket of sockets) socket.disconnect();
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    const label = (text) => `${transport}: ${text}`;
    const each = (name, body) => test(label(name), async () => {
        spread = spread || await startSpread({ http, server });
        await body();
    }, { timeout: 60000 });

    each('the network is cut', async () => {
        const four = await pair('app', options);
        const { socket, other, log } = four;
        const { id } = socket;
        await other.emitWithAck('to', 'red', 'before');
        await until(() => said(log).length === 1, label('an event'));
        await away(four, async () => {
            for (let i = 0; i < 20; ++i) await other.emitWithAck('to', i % 2 ? 'red' : 'green', i);
            await other.emitWithAck('to', 'red', Buffer.from('bytes'));
            await other.emitWithAck('to', id, 'to its id');
        });
        is(socket.id, id, label('the same id'));
        const odd = Array.from({ length: 10 }, (_, i) => ['said', 2 * i + 1]);
        deepEqual(log, [...odd, ['said', Buffer.from('bytes')], ['said', 'to its id'], ['CONNECT', true], ['hello', 1]],
            label('all it missed, once and in order, before it is connected'));
        await other.emitWithAck('to', 'red', 'live');
        await until(() => said(log).at(-1) === 'live', label('live again'));
        await away(four);
        deepEqual(log, [['CONNECT', true], ['hello', 1]], label('again, with nothing missed'));
        await leave(socket, other);
    });

    each('rooms change while it is away', async () => {
        const four = await pair('app', options);
        const { socket, other, log } = four;
        await other.emitWithAck('to', 'blue', 'not in it');
        await socket.emitWithAck('join', 'blue');
        await socket.emitWithAck('leave', 'red');
        await away(four, async () => {
            await other.emitWithAck('to', 'red', 'left');
            await other.emitWithAck('to', 'blue', 'joined');
        });
        deepEqual(said(log), ['joined'], label('its rooms are as it left them'));
        await leave(socket, other);
    });

    each('two namespaces', async () => {
        const four = await pair('app', options);
        const { socket, other, log } = four;
        const second = sibling(socket, '/b');
        await event(second, 'connect');
        const secondLog = record(second);
        const otherSecond = sibling(other, '/b');
        const ids = [socket.id, second.id];
        await second.emitWithAck('join', 'red');
        await away(four, async () => {
            await otherSecond.emitWithAck('to', 'red', 'in b');
            await other.emitWithAck('to', 'red', 'in a');
        });
        await back(secondLog);
        deepEqual([socket.id, second.id], ids, label('both ids'));
        deepEqual([said(log), said(secondLog)], [['in a'], ['in b']], label('to each its own'));
        await leave(second, socket, otherSecond, other);
    });

    each('half-open: it comes back before its worker knows', async () => {
        const four = await pair('app', options);
        const { network, socket, other, log } = four;
        const watch = await connected(spread, '/', { ...options, ...at('app') });
        await watch.emitWithAck('join', 'watch');
        const { id } = socket;
        let gone = 0; // of others, who left before but late, it hears as well
        watch.on('gone', (who) => { gone += who === id ? 1 : 0; });
        for (let i = 0; i < 6; ++i) { // some of them at another worker
            log.length = 0;
            await until(() => upgraded(socket), label('upgraded'));
            // Between two polls there may be nothing to freeze.
            await until(() => { network.freeze(); return !socket.connected; }, label('the client notices'));
            await other.emitWithAck('to', 'red', i);
            await back(log);
            await until(() => said(log).length === 1, label('the event')); // before, or live
            deepEqual([socket.id, socket.recovered, said(log)], [id, true, [i]], label(`taken over ${i}`));
        }
        await until(() => gone >= 6, label('each transport ended'));
        const last = event(watch, 'said');
        await other.emitWithAck('to', 'watch', 'last');
        await last;
        is(gone, 6, label('once'));
        await leave(socket, other, watch);
    });

    each('its worker is killed (002-05)', async () => {
        const four = await pair('app', options);
        const { socket, other, log } = four;
        const { id } = socket;
        for (const pid of spread.running.workers()) {
            await spread.running.kill(pid);
            await until(() => socket.connected && socket.timeout(1000).emitWithAck('ask').catch(() => false), label('it is back'), 30000);
            const speaker = await connected(spread, '/', { ...options, ...at('app') });
            await speaker.emitWithAck('to', 'red', pid);
            await until(() => said(log).includes(pid), label('it hears its room'), 30000);
            deepEqual(said(log), [pid], label('once'));
            speaker.disconnect();
            log.splice(0, log.length, ...log.filter(([name]) => name === 'CONNECT'));
        }
        is(socket.id, id, label('the id is the same'));
        ok(log.length > 0 && log.every(([, recovered]) => recovered), label(`recovered each time, ${log.length}`));
        await leave(socket, other);
    });

    each('another user', async () => {
        const four = await pair('app', options, { auth: { user: 'ann' } });
        const { socket, other, log } = four;
        const { id } = socket;
        await away(four, async () => {
            await other.emitWithAck('to', 'red', 'for ann');
            socket.auth = { user: 'bob' };
        });
        ok(socket.id !== id && !socket.recovered, label('is another socket'));
        deepEqual(said(log), [], label('and hears nothing of the first'));
        await leave(socket, other);
    });

    each('it is away for too long', async () => {
        const four = await pair('brief', options);
        const { socket, other } = four;
        const { id } = socket;
        const kept = async () => (await status('brief')).roster.kept;
        await away(four, async () => {
            await until(async () => await kept() === 1, label('it is kept'));
            await until(async () => await kept() === 0, label('its time is over'));
        });
        ok(socket.id !== id && !socket.recovered, label('it is told'));
        ok((await status('brief')).total.not_recovered.unknown > 0, label('and counted'));
        await leave(socket, other);
    });

    each('the log goes on too far', async () => {
        const four = await pair('small', options);
        const { socket, other, log } = four;
        const { id } = socket;
        const big = 'x'.repeat(8000);
        await away(four, async () => {
            for (let i = 0; i < 100; ++i) await other.emitWithAck('to', 'red', big);
        });
        ok(socket.id !== id && !socket.recovered, label('it is told'));
        deepEqual(said(log), [], label('and gets none of it, rather than a part'));
        ok((await status('small')).total.not_recovered.overrun > 0, label('that is counted'));
        await leave(socket, other);
    });

    each('no recovery', async () => {
        const four = await pair('without', options);
        const { socket, other, log } = four;
        const { id } = socket;
        await away(four);
        ok(socket.id !== id && !socket.recovered, label('a new socket'));
        let count;
        socket.onAny((...args) => { count = args.length; });
        await socket.emitWithAck('join', 'red');
        await other.emitWithAck('to', 'red', 1);
        await until(() => said(log).length === 1, label('an event'));
        is(count, 2, label('without an offset'));
        await leave(socket, other);
    });
}

test('a full zone (kept sockets give their room)', async () => {
    const websocket = TRANSPORTS['websocket only'];
    const four = await pair('small', websocket);
    const { network, socket, other } = four;
    const { id } = socket;
    const crowd = [];
    after(() => crowd.forEach((each) => each.disconnect()));
    await lose(socket, network);
    const room = 'r'.repeat(4000);
    for (let i = 0; (await status('small')).total.kept_evicted === 0 && i < 400; ++i) {
        const next = await connected(spread, '/', { ...websocket, ...at('small') }).catch(() => {}); // the zone is full
        if (next) crowd.push(next);
        await crowd.at(-1).emitWithAck('join', room + i);
    }
    ok((await status('small')).total.kept_evicted > 0, 'who comes gets the room of what was kept');
    crowd.forEach((each) => each.disconnect());
    const back = event(socket, 'connect');
    network.mend();
    await back;
    ok(socket.id !== id && !socket.recovered, 'and who comes back is told');
    await leave(socket, other);
});
