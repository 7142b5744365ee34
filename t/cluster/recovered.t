#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Recovery in a cluster: a client whose network was cut comes back to its worker or to another
// one, and gets exactly what it missed; what Node says meanwhile too.
'use strict';

const { test, is, deepEqual } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Host } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { Network } = require('../lib/cut');
const { connected } = require('../lib/client');
const { settled, TRANSPORTS } = require('../lib/spread');
const { event, until } = require('../lib/until');

const BACK = { reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 };

let hosts;
let node;

async function begin() {
    if (hosts) return;
    const redis = await Redis.start();
    const start = (name) => Host.start({ redis, workers: 2, app: 'recovery 2m;' }, name);
    [hosts, node] = await Promise.all([Promise.all([start('host F'), start('host G')]), NodeServer.start({ redis })]);
    await Promise.all(hosts.map((host) => host.becomes('connected')));
}

const OFFSET = /^[\w-]{4}\.[\w-]+\.\d+$/;

// Everything in the order in which it came; offsets are left out.
function record(socket) {
    const log = [];
    socket.onAny((...args) => log.push(OFFSET.test(args.at(-1)) ? args.slice(0, -1) : args));
    socket.on('connect', () => log.push(['CONNECT', socket.recovered]));
    return log;
}

// A client that was told something in room r1, behind a network.
async function away(options, line) {
    const socket = await settled(await connected(line, '/', { ...options, ...BACK }));
    await socket.emitWithAck('join', 'r1');
    const log = record(socket);
    await node.run((io) => { io.to('r1').emit('e', 'before'); });
    await until(() => log.some(([, what]) => what === 'before'), 'an event');
    log.length = 0;
    return { socket, log };
}

// All that hosts have heard of `node` up to now.
async function settle() {
    const clients = await Promise.all(hosts.map((host) => host.client()));
    const mark = Math.random();
    const heard = clients.map((socket) => event(socket, 'fence', { filter: (got) => got === mark }));
    await node.run((io, n) => { io.emit('fence', n); }, mark);
    await Promise.all(heard);
    for (const socket of clients) socket.disconnect();
}

// The client is away while Node speaks, and comes back by `line`, which then leads to `port`.
async function comesBack({ socket, log }, line, port) {
    const lost = event(socket, 'disconnect');
    line.cut();
    await lost;
    await node.run((io) => {
        io.to('r1').emit('e', 'for r1');
        io.to('r1').volatile.emit('e', 'volatile');
        io.to('r2').emit('e', 'for r2');
    });
    await settle();
    line.target = port;
    line.mend();
    await until(() => log.some(([name]) => name === 'CONNECT') && log.some(([name]) => name === 'hello'), 'back again', 20000);
    return log.filter(([name]) => name !== 'fence' && name !== 'hello');
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    for (const [where, at] of [['its own host', 0]]) {
        const label = (text) => `${transport}, back to ${where}: ${text}`;
        test(label('what Node said meanwhile'), async () => {
            await begin();
            const line = await Network.to(hosts[0].port);
            const four = await away(options, line);
            const { id } = four.socket;
            const log = await comesBack(four, line, hosts[at].port);
            deepEqual(log, [['e', 'for r1'], ['CONNECT', true]], label('exactly that, before it is connected'));
            is(four.socket.id, id, label('the same id'));
            await settled(four.socket);
            await node.run((io) => { io.to('r1').emit('e', 'live'); });
            await until(() => four.log.some(([, what]) => what === 'live'), label('live again'));
            const found = await node.run((io, who) => io.in(who).fetchSockets(), id);
            deepEqual(found.map(({ rooms }) => rooms.sort()), [[id, 'r1'].sort()], label('found once, with its rooms'));
            four.socket.disconnect();
        }, { timeout: 60000 });
    }

    test(`${transport}: an offset that nobody knows`, async () => {
        const line = await Network.to(hosts[0].port);
        const four = await away(options, line);
        const { id } = four.socket;
        four.socket._lastOffset = 'abcd.efgh.123456789';
        const log = await comesBack(four, line, hosts[1].port);
        deepEqual(log, [['CONNECT', false]], `${transport}: is told so, and gets nothing`);
        is(four.socket.id === id, false, `${transport}: a new id`);
        four.socket.disconnect();
    }, { timeout: 60000 });
}

test('its host is gone', async () => {
    const line = await Network.to(hosts[0].port);
    const four = await away(TRANSPORTS['websocket only'], line);
    const lost = event(four.socket, 'disconnect');
    line.cut();
    hosts[0].nginx.allow(/./);
    await hosts[0].nginx.stop();
    await lost;
    line.target = hosts[1].port;
    line.mend();
    await until(() => four.log.some(([name]) => name === 'CONNECT'), 'back again', 20000);
    deepEqual(four.log.filter(([name]) => name === 'CONNECT'), [['CONNECT', false]], 'is told so');
    four.socket.disconnect();
}, { timeout: 60000 });
