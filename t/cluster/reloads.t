#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A host is reloaded, and one of its workers is stopped, while Node asks for all sockets 200 times
// and everybody talks: no time-out, no socket twice, nothing lost, and Redis never counts two of us.
'use strict';

const { test, is, ok, deepEqual, patience, SLOW } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { nodeClient } = require('../lib/party');
const { POLLING, WEBSOCKET } = require('../lib/client');
const { Numbers } = require('../lib/stayers');
const { until } = require('../lib/until');

const ASKED = process.env.RT_SOAK ? 5000 : 200;
const RELOADS = process.env.RT_SOAK ? 30 : 3;
const PAUSE = 10;

let redis;
let hosts;
let node;
let everybody;

patience(180);

test('a cluster', async () => {
    redis = await Redis.start();
    [hosts, node] = await Promise.all([startHosts({ redis, workers: 2 }), NodeServer.start({ redis, requestsTimeout: 5000 })]);
    const [F, G] = hosts;
    const several = (host) => Promise.all([WEBSOCKET, WEBSOCKET, WEBSOCKET, POLLING].map((options) => host.client(options)));
    everybody = [...await several(F), ...await several(G), await nodeClient(node)];
    await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'three servers');
    ok(everybody.every(({ connected }) => connected), `${everybody.length} clients`);
});

// Asks again and again; resolves with what was wrong and how long it took.
async function asks(times, goesOn = () => true) {
    const faults = [];
    const took = [];
    const ids = everybody.map(({ id }) => id).sort().join();
    for (let i = 0; i < times && goesOn(); ++i) {
        const began = Date.now();
        const found = await node.run(async (io) => (await io.fetchSockets()).map(({ id }) => id)).catch((error) => [error.message]);
        took.push(Date.now() - began);
        if (found.sort().join() !== ids) faults.push(`try ${i}: ${found.length} of ${everybody.length}: ${found[0]}`);
    }
    return { faults, took };
}

const worst = ({ took }) => `${took.length} answers, at most ${Math.max(...took)} ms`;

// The counts of subscriptions that Redis ever says while `work` goes on.
async function counted(work) {
    const counts = new Set();
    let going = true;
    const counting = (async () => {
        while (going) counts.add(await redis.subscribers('socket.io-request#/#'));
    })();
    const answer = await work();
    going = false;
    await counting;
    return { counts: [...counts], answer };
}

// Numbers from both sides to everybody.
function talk() {
    const lists = everybody.map((socket) => {
        const heard = { node: [], host: [] };
        socket.on('from-node', (n) => heard.node.push(n));
        socket.on('from-host', (n) => heard.host.push(n));
        return heard;
    });
    const streams = [new Numbers((n) => node.run((io, i) => { io.emit('from-node', i); }, n), PAUSE),
        new Numbers((n) => hosts[0].publish({ event: 'from-host', args: [n] }), PAUSE)];
    return async (label) => {
        await Promise.all(streams.map((stream) => stream.stop()));
        const [fromNode, fromHost] = streams.map(({ next }) => next);
        await until(() => lists.every(({ node: a, host: b }) => a.length >= fromNode && b.length >= fromHost), `${label}: all is heard`).catch(() => {});
        const wrong = lists.filter(({ node: a, host: b }) => a.length !== fromNode || b.length !== fromHost || a.some((n, i) => n !== i) || b.some((n, i) => n !== i));
        is(wrong.length, 0, `${label}: ${fromNode} and ${fromHost} numbers, each client hears each once, in order`);
        for (const socket of everybody) socket.off('from-node').off('from-host');
    };
}

test('fetchSockets() during reloads', async () => {
    const settle = talk();
    const { counts, answer } = await counted(async () => {
        let reloading = true;
        const asking = asks(ASKED * 100, () => reloading);
        // Never fewer: Linux resets what waits at the listening socket of a worker that there is no more
        // (docs/operations.md, "Reload").
        for (let i = 0; i < RELOADS; ++i) await hosts[0].reload({ workers: Math.min(2 + i, 4) });
        const rest = await asks(ASKED / 2);
        reloading = false;
        const during = await asking;
        return { faults: [...during.faults, ...rest.faults], took: [...during.took, ...rest.took] };
    });
    deepEqual(answer.faults, [], `each socket once: ${worst(answer)}`);
    deepEqual(counts, [3], 'three subscriptions at all times');
    await settle('reloads');
    ok(everybody.every(({ connected }) => connected), 'nobody is disconnected');
}, { timeout: 90000 });

test('fetchSockets() while a worker is stopped', async () => {
    for (const pid of hosts[0].nginx.workers()) {
        process.kill(pid, 'SIGSTOP');
        const { faults, took } = await asks(Math.ceil(ASKED / 4));
        process.kill(pid, 'SIGCONT');
        // The bridge itself may be the one that is stopped; it is replaced within a second.
        deepEqual(faults, [], `each socket once: ${worst({ took })}`);
        ok(Math.max(...took) < 2000 * SLOW, 'none waited for the one that is stopped');
    }
    await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'three subscriptions');
    const { faults } = await asks(5);
    deepEqual(faults, [], 'and when it goes on');
}, { timeout: 90000 });

test('000-19, 003-26: a host leaves', async () => {
    const [F] = hosts;
    const gone = everybody.slice(0, 4);
    for (const socket of gone) socket.disconnect();
    everybody = everybody.slice(4);
    await until(async () => (await F.status()).roster.connections === 0, 'its clients have left');
    await F.nginx.quit();
    await until(async () => await redis.subscribers('socket.io-request#/#') === 2, 'two subscriptions');
    deepEqual(await redis.connections(/^rt:/).then((list) => list.map(({ name }) => name.split(':').pop()).sort()), ['pub', 'sub'], '000-19: the other host\'s connections alone are left');
    deepEqual((await asks(5)).faults, [], 'those of the others are found');
});
