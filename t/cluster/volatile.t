#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Volatile events of Node to clients of nginx that are slow: a polling client between two polls,
// and a WebSocket that nobody reads. Both get what is not volatile, and memory is bounded.
'use strict';

const { test, is, ok } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { Polling } = require('../lib/eio');
const { SocketMember } = require('../lib/crowd');
const { heap } = require('../lib/proc');
const { until } = require('../lib/until');

const COUNT = 100;
const SIZE = 60000;

test('volatile events to slow clients', async () => {
    const redis = await Redis.start();
    const [[host], node] = await Promise.all([startHosts({ n: 1, redis }), NodeServer.start({ redis })]);
    const polling = await Polling.open(host);
    await polling.send('40');
    await polling.packet();
    await polling.packet(); // hello
    const stuck = new SocketMember(host).start();
    await stuck.joined;
    const quick = await host.client();
    const heard = [];
    quick.onAny((name, n) => heard.push([name, n]));
    stuck.socket.pause();
    const before = host.nginx.workers().map(heap);
    await node.run(async (io, count, size) => {
        for (let i = 0; i < count; ++i) {
            io.volatile.emit('big', i, 'x'.repeat(size));
            await new Promise(setImmediate);
        }
        io.emit('last', 'said');
    }, COUNT, SIZE);
    await until(() => heard.some(([name]) => name === 'last'), 'who reads hears the last', 20000);
    const grown = host.nginx.workers().map((pid, i) => heap(pid) - before[i]);
    ok(grown.every((bytes) => bytes < 4 << 20), `workers have grown by ${grown.map((bytes) => `${bytes >> 10} kB`)}, ${COUNT * SIZE >> 10} kB were said`);
    stuck.socket.resume();
    const lastOf = (list) => list.filter((text) => text.startsWith('["last"')).length;
    await until(() => lastOf(stuck.heard) === 1 || stuck.over, 'so does who did not read', 20000);
    is(stuck.over, undefined, 'whose connection goes on');
    ok(stuck.heard.length <= COUNT, `${stuck.heard.length - 1} of ${COUNT} volatile events came to it`);
    const packets = [];
    while (!packets.some((text) => text.startsWith('42["last"'))) packets.push(await polling.packet());
    is(packets.filter((text) => text.startsWith('42["last"')).length, 1, 'and who was between two polls');
    ok(packets.length <= COUNT, `${packets.length - 1} of ${COUNT} volatile events came to it`);
    stuck.leave();
    quick.disconnect();
}, { timeout: 60000 });
