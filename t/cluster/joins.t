#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Where rooms have channels of their own a client that is told that it joined a room is in it: what
// other hosts say to it from then on is heard, however late Redis confirms, and whoever holds the bridge.
'use strict';

const { test, is, ok, patience } = require('../lib/tap');
const { Redis, startCluster } = require('../lib/redis');
const { Host, startHosts } = require('../lib/hosts');
const { Network } = require('../lib/cut');
const { NodeServer } = require('../lib/node_server');
const { until } = require('../lib/until');

const ROUNDS = 4;
const AT_ONCE = 50;
const LATE = 25; // ms each way between the joining host and Redis
const QUICK = 'reconnect step=20ms max=200ms;';
const AWAY = 1500; // ms, less than a join is waited for
const LOCATION = 'realtime_limits rooms=1000;';

patience(120);

const holder = async (host) => (await host.status()).cluster.holder;
let fresh = 0;
const rooms = (label) => Array.from({ length: AT_ONCE }, () => `${label} ${fresh += 1}`);

// Clients of a host: one at the worker that holds the bridge, one at another.
async function members(host) {
    const pid = await holder(host);
    const sockets = [];
    for (const own of [true, false]) sockets.push(await until(async () => {
        const socket = await host.client();
        return (socket.pid === pid) === own ? socket : socket.disconnect() && undefined;
    }, 'a client at each worker'));
    return sockets.map((socket) => {
        socket.heard = new Set();
        return socket.on('e', (text) => socket.heard.add(text));
    });
}

// Each room is joined by one of `sockets`, and as soon as it knows, `far` says something to it.
async function join(sockets, far, all, meanwhile = () => {}) {
    let joined = 0;
    const joins = all.map(async (room, at) => {
        await sockets[at % sockets.length].emitWithAck('join', room);
        joined += 1;
        await far.publish({ event: 'e', args: [room], rooms: [room] });
    });
    await meanwhile(() => joined);
    await Promise.all(joins);
    const missing = () => all.filter((room, at) => !sockets[at % sockets.length].heard.has(room));
    await until(() => missing().length === 0, 'all that was said').catch(() => {});
    return missing().length;
}

async function several(label, body) {
    let missing = 0;
    for (let round = 0; round < ROUNDS; ++round) missing += await body(rooms(label));
    is(missing, 0, `${label}: nothing is missing of ${ROUNDS * AT_ONCE}`);
}

// The same while the worker that holds the bridge does nothing until a room is answered that is heard.
// `early`: joins that were answered before it, if no other worker took the bridge.
async function joinStopped(socket, near, far, all) {
    const pid = await holder(near);
    let early = 0;
    process.kill(pid, 'SIGSTOP');
    const missing = await join([socket], far, all, async (joined) => {
        try {
            await socket.emitWithAck('join', 'heard');
            early = joined();
            if (await holder(near) !== pid) early = 0;
        } finally {
            process.kill(pid, 'SIGCONT');
        }
    });
    return { missing, early };
}

async function everything(label, near, far) {
    const [own, other] = await members(near);
    await several(`${label}, at both workers`, (all) => join([own, other], far, all));
    await other.emitWithAck('join', 'heard');
    let tooEarly = 0;
    await several(`${label}, the bridge's worker stopped`, async (all) => {
        const { missing, early } = await joinStopped(other, near, far, all);
        tooEarly += early;
        return missing;
    });
    is(tooEarly, 0, `${label}: no join is answered before it is heard, and what is heard at once`);
}

// It dies over them: the next one says when they are heard.
async function joinKilled(label, near, far) {
    const [, socket] = await members(near);
    const pid = await holder(near);
    process.kill(pid, 'SIGSTOP');
    const missing = await join([socket], far, rooms(label), async () => {
        await socket.emitWithAck('join', 'heard');
        await near.nginx.kill(pid);
    });
    is(missing, 0, `${label}, the bridge's worker killed: nothing is missing of ${AT_ONCE}`);
}

// Clients whose ids are told as soon as they know them.
async function told(label, near, far) {
    const late = [];
    for (let n = 0; n < 10; ++n) {
        const socket = await near.client();
        socket.on('e', (text) => { socket.heard = text; });
        await far.publish({ event: 'e', args: [n], rooms: [socket.id] });
        late.push([socket, n]);
    }
    await until(() => late.every(([socket, n]) => socket.heard === n), 'all ids').catch(() => {});
    is(late.filter(([socket, n]) => socket.heard !== n).length, 0, `${label}: each socket is reached by its id`);
    return late.map(([socket]) => socket);
}

const MODES = { 'subscribe rooms': 'subscribe rooms;', 'sharded, dynamic': 'adapter sharded mode=dynamic;', 'sharded, dynamic-private': 'adapter sharded mode=dynamic-private;' };

for (const [mode, block] of Object.entries(MODES)) {
    test(`${mode}: one Redis`, async () => {
        const redis = await Redis.start();
        const through = await Network.to(redis.port);
        const options = { redis, block: `${block} ${QUICK}`, location: LOCATION };
        const [near, far] = await Promise.all([Host.start({ ...options, through }, 'near'), Host.start(options, 'far')]);
        for (const host of [near, far]) await host.becomes('connected');
        through.slow(LATE);
        await everything(mode, near, far);
        await joinKilled(mode, near, far);
        const sockets = await told(mode, near, far);
        through.slow(0);
        through.cut();
        await near.becomes('degraded');
        const [socket] = sockets;
        const began = Date.now();
        await socket.emitWithAck('join', 'away');
        ok(Date.now() - began < AWAY, `${mode}: while Redis is away a join is answered at once`);
        through.mend();
        await near.becomes('connected');
        sockets.forEach((one) => { one.heard = undefined; });
        for (const { id } of sockets) await far.publish({ event: 'e', args: ['back'], rooms: [id] });
        await until(() => sockets.every(({ heard }) => heard === 'back'), `${mode}: ids are heard on a new connection`);
    }, { timeout: 60000 });
}

for (const mode of ['sharded, dynamic', 'sharded, dynamic-private']) {
    test(`${mode}: a Cluster`, async () => {
        const [near, far] = await startHosts({ redis: await startCluster(), block: `${MODES[mode]} ${QUICK}`, location: LOCATION });
        await everything(`Cluster, ${mode}`, near, far);
        await told(`Cluster, ${mode}`, near, far);
    }, { timeout: 60000 });
}

test('socketsJoin() and an emit directly behind it', async () => {
    const redis = await Redis.start();
    const [[near], node] = await Promise.all([startHosts({ n: 1, redis, workers: 3 }), NodeServer.start({ redis })]);
    for (const socket of await members(near)) {
        const all = Array.from({ length: 200 }, (unused, n) => `ordered ${n}`);
        await node.run((io, id, every) => every.forEach((room) => {
            io.in(id).socketsJoin(room);
            io.to(room).emit('e', room);
        }), socket.id, all);
        await until(() => all.every((room) => socket.heard.has(room)), 'all to rooms that were just joined').catch(() => {});
        is(all.filter((room) => !socket.heard.has(room)).length, 0, 'nothing is missing of 200');
    }
});
