#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Whatever somebody publishes on our channels: nobody notices, it is counted, the log says so
// seldom, and what is well-formed goes on. No Node server takes part: theirs die of it.
'use strict';

const notepack = require('notepack.io');

const { test, is, ok, like, deepEqual } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { Hearing } = require('../lib/hearing');

const REPEATS = 5;
const nested = (depth) => Buffer.concat([Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]);
const broadcast = (packet, opts, uid = 'probe1') => notepack.encode([uid, packet, opts]);
const packet = (data, nsp = '/') => ({ type: 2, data, nsp });
const opts = { rooms: [], except: [], flags: {} };
const good = broadcast(packet(['good', 1]), opts);
const request = (body) => JSON.stringify({ uid: 'probe1', requestId: 'probe2', ...body });

// What nobody may be told.
const BROADCASTS = {
    empty: '',
    'one byte': Buffer.from([0xc1]),
    'a number': Buffer.from([7]),
    nil: Buffer.from([0xc0]),
    text: 'hello',
    'no packet': notepack.encode(['probe1']),
    'a packet of nothing': notepack.encode(['probe1', null, opts]),
    'a packet without data': broadcast({ type: 2, nsp: '/' }, opts),
    'data that is no list': broadcast({ type: 2, data: 'x', nsp: '/' }, opts),
    'an empty list': broadcast(packet([]), opts),
    'type 99': broadcast({ type: 99, data: ['bad'], nsp: '/' }, opts),
    'another namespace': broadcast(packet(['bad'], '/elsewhere'), opts),
    'a uid that is a map': notepack.encode([{}, packet(['bad']), opts]),
    'rooms that are no list': broadcast(packet(['bad']), { rooms: 'x', except: [], flags: {} }),
    'trailing bytes': Buffer.concat([good, Buffer.from([0])]),
    'nested 100 levels': notepack.encode(['probe1', packet(['bad']), opts]).fill(0x91, 30),
    'nothing but nesting': nested(100),
    'a reserved name': broadcast(packet(['disconnect']), opts),
    '5 MB': broadcast(packet(['bad', 'x'.repeat(5 << 20)]), opts),
    'a list of 2^32 elements': Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 1]),
    'bytes of 2^32': Buffer.from([0x93, 0xc6, 0xff, 0xff, 0xff, 0xff, 1]),
};

for (let at = 1; at < good.length; at += 7) BROADCASTS[`cut at ${at}`] = good.subarray(0, at);

const REQUESTS = {
    empty: '',
    'no JSON': '{',
    'an empty object': '{}',
    'type 99': request({ type: 99 }),
    'a type that is text': request({ type: 'x' }),
    'no opts': request({ type: 5 }),
    'a join without rooms': request({ type: 2, opts: {} }),
    'rooms that are a number': request({ type: 2, opts: { rooms: 7, except: 7 }, rooms: 7 }),
    'a disconnect without opts': request({ type: 4 }),
    'an emit without data': request({ type: 6 }),
    'nil in msgpack': Buffer.from([0xc0]),
    'type 7 without opts': notepack.encode({ uid: 'probe1', requestId: 'probe2', type: 7, packet: packet(['bad']) }),
    'type 7 without packet': notepack.encode({ uid: 'probe1', requestId: 'probe2', type: 7, opts }),
    'nested 100 levels': `${'['.repeat(100)}${']'.repeat(100)}`,
    'nested 10,000 levels': `{"a":${'['.repeat(10000)}${']'.repeat(10000)}}`,
    'nested in msgpack': nested(100),
    'requestId that is a list': request({ type: 5, requestId: [], opts }),
    '5 MB': request({ type: 1, more: 'x'.repeat(5 << 20) }),
};

const RESPONSES = {
    empty: '',
    'no JSON': '{',
    'nil in msgpack': Buffer.from([0xc0]),
    'an unknown request': JSON.stringify({ requestId: 'nobody', sockets: [] }),
    'a count for nobody': JSON.stringify({ type: 8, requestId: 'nobody', clientCount: 1e300 }),
    'an ack for nobody': notepack.encode({ type: 9, requestId: 'nobody', packet: 1 }),
    'sockets of nothing': JSON.stringify({ requestId: 'nobody', sockets: [null, 7, {}] }),
};

const PLACES = {
    classic: [['socket.io#/#', BROADCASTS], ['socket.io#/#room#', BROADCASTS], ['socket.io#/', BROADCASTS], ['socket.io#/none#', BROADCASTS],
        ['socket.io-request#/#', REQUESTS], ['socket.io-response#/#', RESPONSES]],
    sharded: [['socket.io#/#', { ...BROADCASTS, ...REQUESTS }], ['socket.io#/#room#', BROADCASTS]],
};

for (const mode of ['classic', 'sharded']) {
    test(`${mode}: malformed messages`, async () => {
        const redis = await Redis.start();
        const [host] = await startHosts({ n: 1, redis, block: `adapter ${mode};` });
        const sockets = [await host.client(), await host.client({ transports: ['polling'] })];
        for (const socket of sockets) await socket.emitWithAck('join', 'room');
        const hearing = new Hearing(...sockets);
        const [publish, subscribers] = mode === 'classic' ? ['PUBLISH', 'NUMSUB'] : ['SPUBLISH', 'SHARDNUMSUB'];
        let sent = 0;
        for (const [channel, messages] of PLACES[mode]) {
            for (const [name, payload] of Object.entries(messages)) {
                const big = payload.length > 1 << 20;
                for (let i = 0; i < (big ? 1 : REPEATS); ++i) await redis.command(publish, channel, payload);
                sent += big ? 1 : REPEATS;
            }
            await redis.command(publish, channel, good);
        }
        const extra = { good: 0 };
        for (const heard of await hearing.all(async (mark) => {
            if (mode === 'classic') await redis.command('PUBLISH', 'socket.io#/#', broadcast(packet(['fence', mark]), opts));
            else await redis.command('SPUBLISH', 'socket.io#/#', JSON.stringify({ type: 3, uid: '0123456789abcdef', nsp: '/', data: { packet: packet(['fence', mark]), opts } }));
        }, 20000)) {
            extra.good += heard.filter(([name]) => name === 'good').length;
            deepEqual(heard.filter(([name]) => name !== 'good'), [], `${mode}: nobody heard any of ${sent}`);
        }
        if (mode === 'classic') ok(extra.good > 0, 'what is well-formed is heard');
        ok(sockets.every(({ connected }) => connected), `${mode}: nobody is disconnected`);
        is(await host.state(), 'connected', `${mode}: nor the host`);
        is(await redis.subscribers(mode === 'classic' ? 'socket.io-request#/#' : 'socket.io#/#', subscribers), 1, `${mode}: it is subscribed once`);
        const said = host.nginx.log().split('\n').filter((line) => /heard what makes no sense/.test(line));
        ok(said.length >= 1 && said.length <= 10, `${mode}: the log says so ${said.length} times`);
        const { malformed } = (await host.status()).cluster;
        ok(malformed >= sent / 4, `${mode}: and counts ${malformed} of ${sent}`);
        like(said[0] || '', /\[(warn|error|notice|info)\]/, `${mode}: ${said[0]}`);
        for (const socket of sockets) is(await socket.timeout(5000).emitWithAck('ask', 1), 1, `${mode}: clients are served`);
    }, { timeout: 60000 });
}
