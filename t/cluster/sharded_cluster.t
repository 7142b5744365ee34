#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// A Redis Cluster of three masters: two hosts and two Node servers, over either library, exchange on
// each wire and in each mode; who is there is counted at all nodes; a slot moves to another master.
'use strict';

const { test, is, ok, deepEqual, unlike, patience } = require('../lib/tap');
const { startCluster, mastersOf } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { nodeClient } = require('../lib/party');
const { Network } = require('../lib/cut');
const { connected, WEBSOCKET } = require('../lib/client');
const { BACK, record, lose } = require('../lib/returning');
const { Numbers } = require('../lib/stayers');
const { until } = require('../lib/until');

const RELOADS = process.env.RT_SOAK ? 20 : 2;
const ROOMS = ['r', 'room 2', 'seven']; // in slots of different masters

let cluster;

patience(240);

const ids = (sockets) => sockets.map(({ id }) => id).sort();

// Two hosts and a Node server over each library, and a client of each that notes what it hears.
class Quartet {
    static async start(block, options, libraries = ['redis', 'ioredis'], more = {}) {
        cluster = cluster || await startCluster();
        const node = (library) => NodeServer.start({ redis: cluster, ...options, library, name: `node over ${library}` });
        const [hosts, ...nodes] = await Promise.all([startHosts({ redis: cluster, block: `${block} reconnect step=20ms max=200ms;`, ...more }), ...libraries.map(node)]);
        const sockets = await Promise.all([...hosts.map((host) => host.client()), ...nodes.map((one) => nodeClient(one))]);
        const four = Object.assign(new Quartet(), { hosts, nodes, sockets });
        if (block.startsWith('adapter sharded')) await four.reachable('', hosts.length + nodes.length); // Node's libraries do not wait
        return four;
    }

    // What each server is told to say, as a function of room and text; no room: to all.
    get speakers() {
        return [...this.hosts.map((host) => (room, text) => host.publish({ event: 'e', args: [text], ...(room && { rooms: [room] }) })),
            ...this.nodes.map((node) => (room, text) => node.run((io, where, what) => { (where ? io.to(where) : io).emit('e', what); }, room, text))];
    }

    // Each speaker's texts reach those clients, in its order, once. Slots have no common order.
    async exchange(label, room, members = this.sockets) {
        const texts = this.speakers.map((say, at) => [1, 2, 3].map((n) => `${label} ${room} ${at} ${n}`));
        const heard = members.map((socket) => this.listen(socket, `${label} ${room} `));
        await Promise.all(this.speakers.map(async (say, at) => { for (const text of texts[at]) await say(room, text); }));
        await until(() => heard.every((list) => list.length >= texts.flat().length), `${label}: all to ${room || 'everybody'}`);
        deepEqual(heard.map((list) => list.slice().sort()), members.map(() => texts.flat().sort()), `${label}: all servers to ${room || 'everybody'}`);
        const ours = texts.slice(0, this.hosts.length); // Node's libraries publish at any node of a Cluster
        ok(heard.every((list) => ours.every((own) => list.filter((text) => own.includes(text)).join() === own.join())), `${label}: in the order of each host`);
    }

    listen(socket, prefix) {
        const list = [];
        socket.on('e', (text) => { if (text.startsWith(prefix)) list.push(text); });
        return list;
    }

    // So many servers hear this room, in a mode with channels for rooms; or the namespace.
    async reachable(room, count) {
        await until(async () => {
            const counts = await Promise.all(cluster.nodes.map((node) => node.subscribers(`socket.io#/#${room && `${room}#`}`, 'SHARDNUMSUB')));
            return counts.reduce((sum, n) => sum + n) === count;
        }, `${count} servers hear ${room || 'the namespace'}`);
    }

    async found(label) {
        for (const node of this.nodes) deepEqual((await node.run(async (io) => (await io.fetchSockets()).map(({ id }) => id))).sort(), ids(this.sockets), `${label}: ${node.name} finds all`);
        this.sockets.forEach((socket, at) => socket.off('q').on('q', (ack) => ack(at)));
        for (const host of this.hosts) {
            const ask = async () => (await host.publish({ event: 'q', args: [], ack: { timeout: 5000 } })).body.answers;
            const answers = await until(ask, `${host.nginx.name} may ask`); // not while it settles what was missed
            deepEqual(answers.map(({ args, data }) => (args || data)[0]).sort(), this.sockets.map((unused, at) => at), `${label}: all answer ${host.nginx.name}`);
        }
    }

    // Connections that hear, beyond one of a host at each node.
    async doubled() {
        const more = await Promise.all(cluster.nodes.map(async (one) => {
            const names = (await one.connections(/^rt:.*:....:sub$/)).map(({ name }) => name);
            return names.length - new Set(names).size;
        }));
        return more.reduce((sum, n) => sum + n);
    }

    async stop() {
        this.sockets.forEach((socket) => socket.disconnect());
        await Promise.all([...this.nodes.map((node) => node.stop()), ...this.hosts.map((host) => host.nginx.stop())]);
    }
}

async function everything(label, four, rooms) {
    await four.exchange(label);
    for (const room of ROOMS) {
        await Promise.all(four.sockets.slice(1).map((socket) => socket.emitWithAck('join', room)));
        if (rooms) await four.reachable(room, 3);
        await four.exchange(label, room, four.sockets.slice(1));
    }
    for (const { id } of four.sockets) await four.exchange(label, id, four.sockets.filter((socket) => socket.id === id));
    await four.found(label);
    four.hosts.forEach((host) => unlike(host.nginx.log(), /refuses|malformed|MOVED|client error/, `${label}: nothing is wrong`));
}

test('002-72: the classic wire: counted at all nodes', async () => {
    const four = await Quartet.start('');
    await everything('classic', four);
    const names = (await Promise.all(cluster.nodes.map((node) => node.connections(/^rt:/)))).flat().map(({ name }) => name.split(':').pop());
    is(names.filter((name) => name === 'sub').length, 2, 'a host hears over one connection');
    is(names.filter((name) => name === 'pub').length, 2 * cluster.nodes.length, 'and asks every node');
    await four.stop();
}, { timeout: 60000 });

for (const mode of ['static', 'dynamic', 'dynamic-private']) {
    test(`002-72, 004-47: the sharded wire, ${mode}`, async () => {
        const four = await Quartet.start(`adapter sharded mode=${mode};`, { mode: 'sharded', subscriptionMode: mode });
        await everything(mode, four, mode !== 'static');
        await four.stop();
    }, { timeout: 90000 });
}

// The slot of a room, and that of the namespace, go to another master.
async function move(channel) {
    const slot = Number(await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', channel));
    const masters = await mastersOf(cluster.nodes);
    const from = masters.find((one) => slot >= one.from && slot <= one.to);
    const to = masters.find(({ id }) => id !== from.id);
    await to.redis.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
    await from.redis.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    for (const { redis } of [to, from]) await redis.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
    return to.redis;
}

test('002-72: a slot moves to another master', async () => {
    const four = await Quartet.start('adapter sharded;', {}, []); // Node's libraries do not follow
    const [room] = ROOMS;
    await Promise.all(four.sockets.map((socket) => socket.emitWithAck('join', room)));
    await four.reachable(room, 2);
    await four.exchange('before', room);
    for (const [channel, where] of [[`socket.io#/#${room}#`, room], ['socket.io#/#']]) {
        const owner = await move(channel);
        const began = Date.now();
        await until(async () => await owner.subscribers(channel, 'SHARDNUMSUB') === 2, `${channel}: subscribed at the new owner`);
        ok(Date.now() - began < 3000, `${channel}: both hosts have followed its slot`);
        await four.exchange('moved', where);
    }
    await four.found('moved');
    for (const host of four.hosts) {
        const { cluster: { state, gaps } } = await host.status();
        is(state, 'connected', `${host.nginx.name} is connected`);
        ok(gaps > 0, 'what may have been said while the slot moved is a gap');
    }
    await four.stop();
}, { timeout: 60000 });

test('003-33: the bridge goes to other workers', async () => {
    const four = await Quartet.start('adapter sharded;', { mode: 'sharded', subscriptionMode: 'dynamic' }, ['ioredis']);
    const [host] = four.hosts;
    const holder = async () => (await host.status()).cluster.holder;
    const whole = async (label) => {
        await four.reachable('', 3);
        await host.becomes('connected');
        ok(four.sockets.every(({ connected }) => connected), `${label}: all are connected`);
        await four.exchange(label);
        await four.found(label);
    };
    await whole('before');
    const first = await holder();
    await host.reload();
    await until(async () => await holder() !== first, 'a new worker holds it');
    await whole('reloaded');
    is((await host.status()).cluster.gaps, 0, 'which goes on with all that heard');
    const second = await holder();
    four.sockets[0].disconnect(); // it may live there
    await host.nginx.kill(second);
    await until(async () => ![0, second].includes(await holder().catch(() => 0)), 'another worker holds it');
    four.sockets[0] = await host.client();
    await whole('killed');
    const third = await holder();
    four.sockets[0].disconnect();
    do four.sockets[0] = await host.client(); while (four.sockets[0].pid === third && four.sockets[0].disconnect());
    process.kill(third, 'SIGSTOP');
    await until(async () => ![0, third].includes(await holder()), 'another worker takes it');
    await four.reachable('', 3);
    await four.exchange('stopped');
    is(await four.doubled(), 0, 'the connections of a worker that is stopped are ended');
    process.kill(third, 'SIGCONT');
    await whole('awake');
    await four.stop();
}, { timeout: 60000 });

// Numbers of each server to the namespace and to each room, which are heard at different masters.
function numbers(four) {
    const streams = [];
    for (const [at, say] of four.speakers.entries()) {
        for (const room of ['', ...ROOMS]) streams.push({ at, prefix: `n ${at} ${room} `, numbers: new Numbers((n) => say(room, `n ${at} ${room} ${n}`), 5) });
    }
    const heard = four.sockets.map((socket) => streams.map(({ prefix }) => four.listen(socket, prefix)));
    return async (label) => {
        await Promise.all(streams.map((stream) => stream.numbers.stop()));
        const all = streams.map((stream) => stream.numbers.next);
        await until(() => heard.every((lists) => lists.every((list, i) => list.length >= all[i])), `${label}: all is heard`).catch(() => {});
        const wrong = heard.flatMap((lists, who) => lists.flatMap((list, i) => {
            const got = list.map((text) => Number(text.slice(streams[i].prefix.length)));
            if (streams[i].at >= four.hosts.length) got.sort((a, b) => a - b); // Node's libraries publish at any node of a Cluster
            return got.length === all[i] && got.every((n, at) => n === at) ? [] : [`client ${who}: ${streams[i].prefix}: ${got.length} of ${all[i]}: ${got.filter((n, at) => n !== at).slice(0, 5)}`];
        }));
        deepEqual(wrong, [], `${label}: each hears each of ${all.reduce((sum, n) => sum + n)} numbers once, in the order of each host`);
    };
}

test('003-33: a reload loses nothing of what any master says', async () => {
    const four = await Quartet.start('adapter sharded;', { mode: 'sharded', subscriptionMode: 'dynamic' }, ['ioredis'], { app: 'recovery 1m;' });
    const [host] = four.hosts;
    for (const room of ROOMS) {
        await Promise.all(four.sockets.map((socket) => socket.emitWithAck('join', room)));
        await four.reachable(room, 3);
    }
    const line = await Network.to(host.port);
    const roamer = await connected(line, '/', { ...WEBSOCKET, ...BACK });
    const log = record(roamer);
    for (let i = 0; i < RELOADS; ++i) {
        const settle = numbers(four);
        const holder = async () => (await host.status()).cluster.holder;
        const before = await holder();
        const again = `again ${i}`;
        await four.speakers[1]('', again);
        await until(() => log.some(([, text]) => text === again), 'an event');
        log.length = 0;
        await lose(roamer, line);
        await host.reload();
        await until(async () => ![0, before].includes(await holder()), 'a new worker holds it');
        await until(async () => await host.state() === 'connected', 'connected');
        line.mend();
        await until(() => log.some(([name]) => name === 'CONNECT'), 'back again');
        ok(roamer.recovered, `reload ${i}: who was away is recovered`);
        await settle(`reload ${i}`);
    }
    const { gaps, missed } = (await host.status()).cluster;
    deepEqual([gaps, missed], [0, 0], 'nothing is missing');
    is(await four.doubled(), 0, 'and Redis counts no connection of ours twice');
    unlike(host.nginx.log(), /built anew|client error/, 'nor was any made anew');
    roamer.disconnect();
    await four.stop();
}, { timeout: 90000 });

test('the key of a host lies at its owner', async () => {
    const four = await Quartet.start('');
    for (const host of four.hosts) {
        const other = four.hosts.find((each) => each !== host);
        const { host: name } = await until(async () => (await other.status()).cluster.hosts[0], 'the other host lists it');
        const key = `{rt:}node:${name}`;
        const slot = Number(await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', key));
        const owner = (await mastersOf(cluster.nodes)).find(({ from, to }) => slot >= from && slot <= to);
        is(JSON.parse(await until(() => owner.redis.command('GET', key), 'its key')).host, name, `${host.nginx.name} is listed`);
    }
    await four.stop();
}, { timeout: 60000 });
