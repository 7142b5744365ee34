#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Two nginx hosts and two Node servers (node-redis, ioredis) on the classic adapter's wire are
// one Socket.IO server: whoever says it, whoever hears it, over each transport.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { TRANSPORTS } = require('../lib/spread');
const { ALL } = require('../lib/party');
const { interop } = require('../lib/interop');
const EMITS = require('../lib/interop_emits');
const { SHARED, CLASSIC } = require('../lib/interop_asks');
const { until, silence } = require('../lib/until');

patience(180);

const { now, begin, play, end } = interop('classic');

for (const transport of Object.keys(TRANSPORTS)) {
    begin('001-16, 001-17, 003-31, 003-66, 003-67: everybody is there', transport);
    play({ ...EMITS, ...SHARED, ...CLASSIC }, transport);
    end('001-01, 002-02, 002-03, 002-41, 002-42, 003-49, 003-50, 003-74, 004-01, 004-20, 004-21: nothing more', transport);
}

// --- What our hosts say, as a server of Node hears it.

const { decode } = require('notepack.io');

test('002-40, 004-17, 004-18: the wire of a broadcast', async () => {
    const { cluster } = now;
    const party = now.party = await cluster.party();
    const listener = await cluster.redis.client();
    const heard = [];
    listener.on('message', ({ channel, payload }) => heard.push([channel, decode(payload)]));
    await listener.command('PSUBSCRIBE', 'socket.io#/#*');
    party.cF.emit('say', 'x', 1.5, Buffer.from([9]));
    party.cF.emit('to', 'a room', 'y');
    await party.hears(party.cF, ALL.filter((name) => name !== 'cF'), [['said', 'x', 1.5, Buffer.from([9])]], 'sent');
    await until(() => heard.length >= 2, 'Redis has told both');
    const [[channel, [uid, packet, opts]], [second, [, , room]]] = heard;
    deepEqual([channel, packet], ['socket.io#/#', { type: 2, data: ['said', 'x', 1.5, Buffer.from([9])], nsp: '/' }], 'the packet');
    deepEqual([Object.keys(opts), opts.rooms, opts.except], [['rooms', 'except', 'flags'], [], [party.cF.id]], 'the sender is excepted');
    is(await cluster.A.run((io) => io.of('/').adapter.uid).then((own) => own === uid), false, 'by a name of its own');
    deepEqual([second, room.rooms], ['socket.io#/#a room#', ['a room']], 'a room has its channel');
    listener.close();
});

test('requests are answered once per subscription', async () => {
    const { cluster, party } = now;
    const listener = await cluster.redis.client();
    const heard = [];
    listener.on('message', ({ payload }) => heard.push(payload[0] === 123 ? JSON.parse(payload) : decode(payload)));
    await listener.command('SUBSCRIBE', 'socket.io-response#/#');
    const others = await cluster.redis.subscribers('socket.io-request#/#');
    is(others, 4, 'a host is one subscription');
    const ask = async (request, count) => {
        heard.length = 0;
        await cluster.redis.command('PUBLISH', 'socket.io-request#/#', JSON.stringify({ uid: 'probe1', requestId: 'probe2', ...request }));
        await until(() => heard.length >= count, `${count} answers to ${JSON.stringify(request)}`);
        await silence(100);
        is(heard.length, count, `${JSON.stringify(request)}: ${count} answers`);
        ok(heard.every(({ requestId }) => requestId === 'probe2'), 'to this request');
        return heard.slice();
    };
    const room = cluster.name('told');
    await party.join('cF', room);
    await party.join('cA', room);
    const sockets = await ask({ type: 0, rooms: [room] }, others);
    deepEqual(sockets.flatMap((one) => one.sockets).sort(), [party.cF.id, party.cA.id].sort(), 'the old question for sockets');
    deepEqual([...new Set((await ask({ type: 0, rooms: [] }, others)).flatMap((one) => one.sockets))].sort(), party.ids, 'of all rooms');
    const rooms = await ask({ type: 1 }, others);
    deepEqual(rooms.flatMap((one) => one.rooms).filter((one) => one === room || party.ids.includes(one)).sort(), [room, room, ...party.ids].sort(), 'the question for rooms');
    ok((await cluster.A.run((io) => io.of('/').adapter.allRooms())).includes(party.cG.id), 'allRooms() of Node');
    const fetched = await ask({ type: 5, opts: { rooms: [room], except: [] } }, others);
    ok(fetched.every((one) => Array.isArray(one.sockets)), 'each answer has a list of sockets');
    ok(fetched.flatMap((one) => one.sockets).every(({ handshake, data }) => handshake.headers && data), 'handshake.headers and data in each');
    await ask({ type: 6, data: ['question', 1] }, others);
    listener.close();
});

test('the old form of an order', async () => {
    const { cluster, party } = now;
    const room = cluster.name('old');
    await cluster.redis.command('PUBLISH', 'socket.io-request#/#', JSON.stringify({ uid: 'probe1', requestId: 'old1', type: 2, sid: party.cF.id, room }));
    const members = async () => (await cluster.A.run(async (io, where) => (await io.in(where).fetchSockets()).map(({ id }) => id), room));
    await until(async () => (await members()).length === 1, 'joined');
    deepEqual(await members(), [party.cF.id], 'the socket has joined');
    await cluster.redis.command('PUBLISH', 'socket.io-request#/#', JSON.stringify({ uid: 'probe1', requestId: 'old2', type: 3, sid: party.cF.id, room }));
    await until(async () => (await members()).length === 0, 'left');
    ok(party.cF.connected, 'and left');
});
