#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A host is stopped, at once or when its clients have been drained, while all of them talk: the bridge
// stays where it is until the others are done, what is said to other hosts is said once and all of
// it, and the last to leave says so, once. A worker that is told to quit alone hands it on.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Network } = require('../lib/cut');
const { startHosts, RULES } = require('../lib/hosts');
const { WEBSOCKET } = require('../lib/client');
const { until } = require('../lib/until');

const CLIENTS = 24;
const rules = `${RULES} disconnect { emit gone all data=$realtime_sid; }`;
const location = 'realtime_drain 1s;';

let redis;

patience(60);

// What everybody hears of a host: its hellos, and the numbers of its broadcasts.
async function listen() {
    const client = await redis.client();
    const heard = { hellos: [], numbers: [] };
    client.on('message', ({ channel, payload }) => {
        if (channel === 'rt:hosts') {
            const json = payload.indexOf('{');
            if (payload[1] === 1) heard.hellos.push(JSON.parse(payload.toString('utf8', json)));
        } else {
            const uid = payload.toString('latin1', 2, 2 + (payload[1] & 31));
            heard.numbers.push(Number(uid.slice(11)));
        }
    });
    await client.command('SUBSCRIBE', 'rt:hosts');
    await client.command('PSUBSCRIBE', 'socket.io#*');
    return Object.assign(heard, { close: () => client.close() });
}

const count = (n) => Array.from({ length: n }, (unused, i) => i + 1);

for (const signal of ['SIGQUIT', 'SIGTERM']) {
    test(`${signal}: the last one says bye`, async () => {
        redis = redis || await Redis.start();
        const network = await Network.to(redis.port);
        const [host] = await startHosts({ n: 1, redis, through: network, workers: 3, rules, location });
        const heard = await listen();
        const all = await Promise.all(Array.from({ length: CLIENTS }, () => host.client({ ...WEBSOCKET, reconnection: false })));
        // Whoever holds the bridge has at most one client: it could leave before the others.
        const { holder } = (await host.status()).cluster;
        const spare = all.filter(({ pid }) => pid === holder).slice(1);
        spare.forEach((socket) => socket.disconnect());
        const clients = all.filter((socket) => !spare.includes(socket));
        ok(clients.filter(({ pid }) => pid !== holder).length > 2, `${clients.length} clients, most of them not where the bridge is`);
        const talk = (socket, n) => { if (socket.connected) socket.timeout(5000).emit('ask', n, () => { socket.emit('shout', n); talk(socket, n + 1); }); };
        clients.forEach((socket) => talk(socket, 0));
        await until(() => heard.numbers.length > 100, 'they talk');
        process.kill(host.nginx.pid, signal);
        await until(() => host.nginx.gone, 'the host ends');
        const byes = heard.hellos.filter(({ bye }) => bye);
        await until(async () => (await redis.connections(/^rt:/)).length === 0, 'its connections end');
        is(byes.length, 1, 'one bye');
        ok(heard.hellos[heard.hellos.length - 1].bye, 'is the last word');
        is(heard.hellos.filter(({ first }) => first).length, 0, 'nobody took the bridge meanwhile');
        deepEqual(heard.numbers, count(heard.numbers.length), `each of ${heard.numbers.length} events once, and in order`);
        is(byes[0].last, heard.numbers.length, 'up to the last one');
        if (signal === 'SIGQUIT') ok(!await redis.command('EXISTS', `rt:node:${byes[0].host}`), 'its key is gone');
        heard.close();
        clients.forEach((socket) => socket.disconnect());
        await host.nginx.stop();
    }, { timeout: 60000 });
}

test('one worker alone is told to quit', async () => {
    const [host] = await startHosts({ n: 1, redis, workers: 3, rules, location });
    const heard = await listen();
    const { holder } = (await host.status()).cluster;
    process.kill(holder, 'SIGQUIT');
    const next = await until(async () => { const pid = (await host.status()).cluster.holder; return pid !== holder && pid; }, 'another one holds the bridge');
    ok(next, `worker ${next} holds the bridge`);
    await until(() => heard.hellos.length > 0, 'it says hello');
    deepEqual(heard.hellos.filter(({ bye }) => bye), [], 'nobody says bye');
    await host.becomes('connected');
    heard.close();
    await host.nginx.stop();
});
