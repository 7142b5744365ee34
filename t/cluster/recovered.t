#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Recovery in a cluster: a client whose network was cut comes back to its own host or to another
// one, and gets exactly what it missed, whoever said it; or it is told that it was not recovered.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Host } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { Network } = require('../lib/cut');
const { client, connected, UPGRADE, WEBSOCKET } = require('../lib/client');
const { settled, TRANSPORTS } = require('../lib/spread');
const { BACK, record, lose } = require('../lib/returning');
const { Numbers } = require('../lib/stayers');
const { event, until } = require('../lib/until');

const APP = 'recovery 2m; user $realtime_auth_user;';
const PATIENCE = 20000;
const MOVES = 6;

patience(240);

let hosts;
let cable; // between Redis and the first host
let node;
let servers; // {name, say(event, args, room)}
let ears; // of each host: the marks that it has heard

const names = (log) => log.map(([name]) => name);

async function begin() {
    if (hosts) return;
    const redis = await Redis.start();
    cable = await Network.to(redis.port);
    const start = (name, through) => Host.start({ redis, through, workers: 2, app: APP }, name);
    [hosts, node] = await Promise.all([Promise.all([start('host F', cable), start('host G'), start('host H')]), NodeServer.start({ redis })]);
    await Promise.all(hosts.map((host) => host.becomes('connected')));
    servers = [nodeSpeaker(), ...hosts.map(hostSpeaker)];
    ears = await Promise.all(hosts.map(listenAt));
}

const nodeSpeaker = () => ({
    name: 'node',
    say: (name, args, room) => node.run((io, what, list, to) => { (to ? io.to(to) : io).emit(what, ...list); }, name, args, room),
});

const hostSpeaker = (host) => ({
    name: host.nginx.name,
    async say(name, args, room) {
        const { status } = await host.publish({ event: name, args, ...(room && { rooms: [room] }) });
        if (status !== 202) throw new Error(`publish: ${status}`);
    },
});

async function listenAt(host) {
    const socket = await host.client();
    const marks = [];
    socket.on('fence', (mark) => marks.push(mark));
    return { marks, prefix: socket.id.slice(0, 4) };
}

// Resolves when `some` of the hosts have heard everything that `speakers` said.
async function heard(speakers = servers, some = ears) {
    const mark = Math.random();
    await Promise.all(speakers.map(({ say }) => say('fence', [mark])));
    await until(() => some.every(({ marks }) => marks.filter((each) => each === mark).length === speakers.length), 'all is heard', PATIENCE);
}

// What each server said, by its name.
function byServer(log) {
    const said = {};
    for (const [name, who, what] of log) if (name === 'e') (said[who] = said[who] || []).push(what);
    return said;
}

// A client in room r1, behind a network, that was told something.
async function there(options, line) {
    const socket = await settled(await connected(line, '/', { auth: { user: 'ann' }, ...options, ...BACK }));
    await socket.emitWithAck('join', 'r1');
    const log = record(socket);
    await servers[0].say('e', ['before'], 'r1');
    await until(() => names(log).includes('e'), 'an event', PATIENCE);
    log.length = 0;
    return { socket, log, line };
}

// It loses its transport; something happens; it comes back by a line that leads to `host`. Its log
// from then on, without what is no event of the test.
async function comesBack({ socket, log, line }, host, meanwhile = async () => {}) {
    await lose(socket, line);
    await meanwhile();
    line.target = host.port;
    line.mend();
    await until(() => names(log).includes('CONNECT') && names(log).includes('hello'), 'back again', PATIENCE);
    return log.filter(([name]) => name === 'e' || name === 'CONNECT');
}

async function allSpeak() {
    for (const { name, say } of servers) {
        for (const n of [1, 2, 3]) await say('e', [name, n], 'r1');
        await say('e', [name, 'to its user'], 'user:ann');
        await say('e', [name, 'not for it'], 'r2');
    }
    await node.run((io) => { io.to('r1').volatile.emit('e', 'node', 'volatile'); });
    await heard();
}

// That it is the same, and lives on.
async function isWhole({ socket, log }, id, label) {
    is(socket.id, id, label('the same id'));
    await settled(socket);
    await heard();
    const [found, ...more] = await node.run((io, who) => io.in(who).fetchSockets(), id);
    deepEqual([found.rooms.sort(), found.handshake.auth, more.length], [[id, 'r1', 'user:ann'].sort(), { user: 'ann' }, 0],
        label('found once, with its rooms and its handshake'));
    log.length = 0;
    for (const { name, say } of servers) await say('e', [name, 'live'], 'r1');
    await until(() => names(log).filter((name) => name === 'e').length === servers.length, label('live again'), PATIENCE);
    deepEqual(byServer(log), Object.fromEntries(servers.map(({ name }) => [name, ['live']])), label('live again, from everybody'));
}

// Every server says numbers to a room. flows(than): `log` has heard more of each than that.
function allStream(log, room) {
    const streams = servers.map(({ name, say }) => new Numbers((n) => say('e', [name, n], room), 10));
    const flows = (than) => until(() => {
        const said = byServer(log);
        return servers.every(({ name }) => (said[name] || []).length > (than[name] || []).length);
    }, 'it flows', PATIENCE);
    return { streams, flows };
}

// Up to the last number of each.
const hasHeard = (log, streams) => until(() => servers.every(({ name }, i) => byServer(log)[name].at(-1) === streams[i].next - 1), 'the last is heard', PATIENCE);

// What is wrong with the numbers of a stream that has ended, which were heard from `first` on.
function gaps(numbers, first, { next, unsure }) {
    const wrong = numbers.findIndex((n, at) => n !== first + at);
    if (unsure.size > 0) return `not said: ${[...unsure]}`;
    return wrong < 0 && numbers.at(-1) === next - 1 ? '' : `... ${numbers.slice(Math.max(wrong - 3, 0), wrong + 3)} ...`;
}

// It is lost, or only half (`how` freeze), and back at `host` at once, where it hears everybody.
async function moves({ socket, log, line }, host, how, flows) {
    await settled(socket);
    const before = names(log).filter((name) => name === 'CONNECT').length;
    let gone = false;
    const lost = event(socket, 'disconnect').then(() => { gone = true; });
    if (how === 'cut') line.cut();
    line.target = host.port;
    if (how === 'freeze') await until(() => gone || line.freeze(), 'it is lost'); // a polling client has no connection at times
    await lost;
    line.mend();
    await until(() => names(log).filter((name) => name === 'CONNECT').length > before, 'back again', PATIENCE);
    await flows(byServer(log));
}

for (const [transport, options] of Object.entries(TRANSPORTS)) {
    for (const [where, at] of [['its own host', 0], ['another host', 1]]) {
        const label = (text) => `${transport}, back to ${where}: ${text}`;
        test(label('what all said meanwhile'), async () => {
            await begin();
            const one = await there(options, await Network.to(hosts[0].port));
            const { id } = one.socket;
            const log = await comesBack(one, hosts[at], allSpeak);
            deepEqual(byServer(log), Object.fromEntries(servers.map(({ name }) => [name, [1, 2, 3, 'to its user']])),
                label('exactly that, in the order of each'));
            deepEqual(log.findIndex(([name]) => name === 'CONNECT'), log.length - 1, label('before it is connected'));
            deepEqual(log.at(-1), ['CONNECT', true], label('recovered'));
            await isWhole(one, id, label);
            one.socket.disconnect();
        }, { timeout: 60000 });
    }

    test(`${transport}: from host to host while all speak`, async () => {
        const line = await Network.to(hosts[0].port);
        const one = await there(options, line);
        const { socket, log } = one;
        const { id } = socket;
        const { streams, flows } = allStream(log, 'r1');
        try {
            await flows({});
            for (let i = 1; i <= MOVES; ++i) await moves(one, hosts[i % hosts.length], i % 2 ? 'cut' : 'freeze', flows);
        } finally {
            await Promise.all(streams.map((stream) => stream.stop()));
        }
        await hasHeard(log, streams);
        deepEqual(log.filter(([name]) => name === 'CONNECT'), Array(MOVES).fill(['CONNECT', true]), `${transport}: recovered each time`);
        is(socket.id, id, `${transport}: the same id`);
        servers.forEach(({ name }, i) => {
            is(gaps(byServer(log)[name], 0, streams[i]), '', `${transport}: each number of ${name} once and in order`);
        });
        socket.disconnect();
    }, { timeout: 120000 });

    test(`${transport}: an offset that nobody knows`, async () => {
        const one = await there(options, await Network.to(hosts[0].port));
        const { id } = one.socket;
        one.socket._lastOffset = 'abcd.efgh.123456789';
        const log = await comesBack(one, hosts[1], allSpeak);
        deepEqual(log, [['CONNECT', false]], `${transport}: is told so, and gets nothing`);
        is(one.socket.id === id, false, `${transport}: a new id`);
        one.socket.disconnect();
    }, { timeout: 60000 });
}

// A client of the first host whose WebSocket goes to the second.
async function between(user) {
    const line = await Network.to(hosts[0].port);
    const socket = client(line, '/', { auth: { user }, ...UPGRADE, ...BACK });
    socket.io.engine.once('open', () => { line.target = hosts[1].port; });
    return { socket, line };
}

test('a session goes to another host while all speak', async () => {
    for (let i = 0; i < 5; ++i) {
        const { socket } = await between('bob');
        const log = record(socket);
        const { streams, flows } = allStream(log, 'user:bob');
        try {
            await flows({});
            await settled(socket);
            await until(() => socket._lastOffset.startsWith(ears[1].prefix), 'at home there', PATIENCE);
        } finally {
            await Promise.all(streams.map((stream) => stream.stop()));
        }
        await hasHeard(log, streams);
        const said = byServer(log);
        deepEqual(servers.map(({ name }, at) => gaps(said[name], said[name][0], streams[at])), servers.map(() => ''), 'each number once and in order');
        socket.disconnect();
    }
}, { timeout: 60000 });

test('a session that went to another host, and comes back at a third', async () => {
    const { socket, line } = await between('ann');
    await event(socket, 'connect');
    await settled(socket);
    await socket.emitWithAck('join', 'r1');
    const one = { socket, line, log: record(socket) };
    await servers[0].say('e', ['here'], 'r1');
    await until(() => one.log.length > 0, 'an event', PATIENCE);
    deepEqual([socket.id, socket._lastOffset].map((text) => text.slice(0, 4)), [ears[0].prefix, ears[1].prefix], 'begun at one host, at home at another');
    one.log.length = 0;
    const { id } = socket;
    const log = await comesBack(one, hosts[2], allSpeak);
    deepEqual(byServer(log), Object.fromEntries(servers.map(({ name }) => [name, [1, 2, 3, 'to its user']])), 'what all said meanwhile');
    deepEqual(log.at(-1), ['CONNECT', true], 'recovered');
    await isWhole(one, id, (text) => `at a third host: ${text}`);
    socket.disconnect();
}, { timeout: 60000 });

// The client of host F that does not get everything back must get nothing.
const told = (label, meanwhile) => test(label, async () => {
    const one = await there(WEBSOCKET, await Network.to(hosts[0].port));
    const { id } = one.socket;
    const log = await comesBack(one, hosts[1], meanwhile);
    deepEqual(log, [['CONNECT', false]], `${label}: is told so, and gets nothing`);
    is(one.socket.id === id, false, `${label}: a new id`);
    one.socket.disconnect();
    cable.mend();
    await hosts[0].becomes('connected');
}, { timeout: 60000 });

told('its host has missed something', async () => {
    cable.cut();
    await hosts[0].becomes('degraded');
    await servers[0].say('e', ['node', 1], 'r1');
    await heard([servers[0]], ears.slice(1));
    cable.mend();
    await hosts[0].becomes('connected');
});

told('its host has lost Redis', async () => {
    cable.cut();
    await hosts[0].becomes('degraded');
    await servers[0].say('e', ['node', 1], 'r1');
});

test('the log of its host has gone on too far', async () => {
    const redis = await Redis.start();
    const small = await Promise.all(['host S', 'host T'].map((name) => Host.start({ redis, workers: 2, zone: '1m', app: APP }, name)));
    await Promise.all(small.map((host) => host.becomes('connected')));
    const line = await Network.to(small[0].port);
    const socket = await connected(line, '/', { ...WEBSOCKET, ...BACK });
    const one = { socket, line, log: record(socket) };
    await hostSpeaker(small[0]).say('e', ['before']);
    await until(() => one.log.length > 0, 'an event', PATIENCE);
    one.log.length = 0;
    const log = await comesBack(one, small[1], async () => {
        for (let i = 0; i < 80; ++i) await hostSpeaker(small[0]).say('e', ['x'.repeat(8000)], 'nobody');
    });
    deepEqual(log, [['CONNECT', false]], 'overrun: is told so');
    socket.disconnect();
}, { timeout: 60000 });

test('its host is gone', async () => {
    const one = await there(WEBSOCKET, await Network.to(hosts[0].port));
    const log = await comesBack(one, hosts[1], async () => {
        hosts[0].nginx.allow(/./);
        await hosts[0].nginx.stop();
    });
    deepEqual(log, [['CONNECT', false]], 'gone: is told so');
    one.socket.disconnect();
}, { timeout: 60000 });
