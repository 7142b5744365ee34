// SPDX-License-Identifier: BSD-2-Clause
// One cluster of two nginx hosts (F, G) and two Node servers (A, B) on one Redis, and clients of
// each. Who heard what is told behind a marker that the speaking server sends after it.
'use strict';

const tap = require('./tap');
const { Redis } = require('./redis');
const { NodeServer } = require('./node_server');
const { startHosts } = require('./hosts');
const { client, WEBSOCKET } = require('./client');
const { settled, TRANSPORTS } = require('./spread');
const { Hearing } = require('./hearing');
const { event, until } = require('./until');

const SERVERS = 4;

// A client of a Node server, greeted and upgraded as those of hosts are.
async function nodeClient(node, options = WEBSOCKET, namespace = '/') {
    const socket = client(node, namespace, options);
    await event(socket, 'hello');
    return settled(socket);
}

class Cluster {
    // `mode`: classic or sharded. A speaks by `redis`, B by `ioredis`.
    static async start({ mode = 'classic', workers = 3, block = '', ...options } = {}) {
        const cluster = new Cluster();
        const redis = await Redis.start();
        const common = { redis, mode };
        const hosts = startHosts({ redis, workers, block: `reconnect step=20ms max=200ms; adapter ${mode}; ${block}`, ...options });
        const nodes = ['redis', 'ioredis'].map((library, i) => NodeServer.start({ ...common, library, name: `node ${'AB'[i]}` }));
        const [[F, G], A, B] = await Promise.all([hosts, ...nodes]);
        Object.assign(cluster, { mode, redis, A, B, F, G, made: 0 });
        await cluster.whole();
        return cluster;
    }

    // Every server hears every other one.
    async whole() {
        const [channel, command] = this.mode === 'sharded' ? ['socket.io#/#', 'SHARDNUMSUB'] : ['socket.io-request#/#', 'NUMSUB'];
        await until(async () => await this.redis.subscribers(channel, command) === SERVERS, `${SERVERS} servers are subscribed`);
    }

    // A name that no other scenario has.
    name(word) { return `${word}-${++this.made}`; }

    // In sharded mode a room has a channel, which a server subscribes to when its first member is
    // there, and nobody waits for that: `count` servers do.
    async reachable(room, count, namespace = '/') {
        if (this.mode !== 'sharded') return;
        await until(async () => await this.redis.subscribers(`socket.io#${namespace}#${room}#`, 'SHARDNUMSUB') === count, `${count} servers hear room ${room}`);
    }

    // Clients of all servers in one namespace, those of nginx by `transport`: cA, cB, cF, cF2 (at
    // another worker than cF) and cG.
    async party(transport = TRANSPORTS['websocket only'], namespace = '/') {
        const [cA, cB, cF, cG] = await Promise.all([nodeClient(this.A, undefined, namespace), nodeClient(this.B, undefined, namespace), this.F.client(transport, namespace), this.G.client(transport, namespace)]);
        const cF2 = await this.F.clientApart(cF, transport, namespace);
        return new Party(this, namespace, { cA, cB, cF, cF2, cG });
    }
}

class Party {
    constructor(cluster, namespace, sockets) {
        Object.assign(this, { cluster, namespace, ...sockets, sockets });
        this.hearing = new Hearing(...Object.values(sockets));
    }

    get ids() { return Object.values(this.sockets).map(({ id }) => id).sort(); }

    // What each heard since the last time, behind a marker of `speaker`: a Node server, a client,
    // or a function that has "fence" sent with its argument. Who heard nothing is left out.
    async heard(speaker, ms) {
        const say = speaker.child ? (mark) => speaker.run((io, nsp, n) => io.of(nsp).emit('fence', n), this.namespace, mark) : speaker;
        const lists = await this.hearing.all(say, ms);
        return Object.fromEntries(Object.keys(this.sockets).map((name, at) => [name, lists[at]]).filter(([, list]) => list.length > 0));
    }

    // The same, compared: `who` are names, each of which heard `events` and nobody else a thing.
    async hears(speaker, who, events, label) {
        const expected = Object.fromEntries(Object.keys(this.sockets).filter((name) => who.includes(name)).map((name) => [name, events]));
        tap.deepEqual(await this.heard(speaker), expected, label);
    }

    // The client `name` joins a room by its own rule; Node clients likewise.
    async join(name, ...rooms) {
        for (const room of rooms) await this.sockets[name].emitWithAck('join', room);
    }

    leave() { for (const socket of Object.values(this.sockets)) socket.io.engine.close(); }
}

const ALL = ['cA', 'cB', 'cF', 'cF2', 'cG'];

module.exports = { Cluster, Party, nodeClient, ALL, SERVERS };
