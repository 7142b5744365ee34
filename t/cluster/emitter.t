#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// @socket.io/redis-emitter: a process that only speaks, to clients of nginx and of Node alike.
'use strict';

const { Emitter } = require('@socket.io/redis-emitter');
const redis = require('redis');

const { test, is, deepEqual, after } = require('../lib/tap');
const { TRANSPORTS } = require('../lib/spread');
const { Cluster, ALL } = require('../lib/party');
const { sibling } = require('../lib/client');
const { event } = require('../lib/until');

let cluster;
let emitter;

async function begin() {
    cluster = await Cluster.start();
    const client = redis.createClient({ socket: { host: '127.0.0.1', port: cluster.redis.port } });
    after(() => client.destroy());
    client.on('error', () => {});
    await client.connect();
    emitter = new Emitter(client);
}

const fence = (mark) => emitter.emit('fence', mark);

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    test(`000-63, 001-26: ${transport}`, async () => {
        if (!emitter) await begin();
        const label = (text) => `${transport}: ${text}`;
        const party = await cluster.party(options);
        const [room, other] = [cluster.name('r'), cluster.name('q')];
        emitter.emit('e', 1, { x: [null, 1.5] }, Buffer.from([3, 4]));
        await party.hears(fence, ALL, [['e', 1, { x: [null, 1.5] }, Buffer.from([3, 4])]], label('to all'));
        emitter.socketsJoin(room);
        await party.heard(fence);
        emitter.in([party.cF2.id, party.cB.id]).socketsJoin(other);
        await party.heard(fence);
        emitter.to(room).except(other).volatile.emit('some');
        await party.hears(fence, ['cA', 'cF', 'cG'], [['some']], label('a room, an exception, volatile'));
        emitter.to(other).emit('pair');
        await party.hears(fence, ['cB', 'cF2'], [['pair']], label('a room'));
        emitter.in(other).socketsLeave(other);
        await party.heard(fence);
        emitter.to(other).emit('nobody');
        await party.hears(fence, [], [], label('which they left'));
        const chat = sibling(party.cF, '/chat');
        await event(chat, 'hello');
        const told = event(chat, 'e');
        emitter.of('/chat').emit('e', 2);
        deepEqual(await told, [2], label('a namespace'));
        emitter.serverSideEmit('note', room);
        await party.hears(fence, [], [], label('to the servers'));
        deepEqual((await cluster.A.heard()).filter(([, , said]) => said === room), [['/', 'note', room]], label('who are told once'));
        const gone = event(party.cF, 'disconnect');
        emitter.in(party.cF.id).disconnectSockets(true);
        is((await gone)[0], 'io server disconnect', label('a socket is disconnected'));
        await party.leave();
    }, { timeout: 60000 });
}
