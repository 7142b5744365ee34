#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Redis with replicas: a Sentinel trio, and a cluster on either wire. The master dies: delivery is
// back within the failover's time plus three seconds, without a reload.
'use strict';

const { test, ok, deepEqual, diag, patience } = require('../lib/tap');
const { startSentinels, startCluster, mastersOf } = require('../lib/redis');
const { startHosts } = require('../lib/hosts');
const { reference } = require('../lib/target');
const { NodeServer } = require('../lib/node_server');
const { nodeClient } = require('../lib/party');
const { WEBSOCKET } = require('../lib/client');
const { until, silence } = require('../lib/until');

const BACK = 3000;

patience(180);

// Pings from each server to all clients; `since(time)` is when the first ping behind it that
// reached every client from every server was sent.
class Pulse {
    constructor(speakers, sockets) {
        Object.assign(this, { sent: [], heard: new Map(), speakers, going: true });
        sockets.forEach((socket, at) => socket.on('pulse', (who, n) => {
            const key = `${who} ${n}`;
            this.heard.set(key, (this.heard.get(key) || new Set()).add(at));
        }));
        this.count = sockets.length;
        this.done = Promise.all(speakers.map((say, who) => this.beat(say, who)));
    }

    async beat(say, who) {
        for (let n = 0; this.going; ++n) {
            this.sent.push({ who, n, at: Date.now() });
            say(who, n).catch(() => {});
            await silence(50);
        }
    }

    reached({ who, n }) { return (this.heard.get(`${who} ${n}`) || new Set()).size === this.count; }

    // From everybody to everybody.
    async since(time, ms) {
        const first = (who) => this.sent.find((one) => one.who === who && one.at > time && this.reached(one));
        await until(() => this.speakers.every((say, who) => first(who)), 'everybody hears everybody', ms);
        return Math.max(...this.speakers.map((say, who) => first(who).at));
    }

    stop() {
        this.going = false;
        return this.done;
    }
}

// Node counts answers and not who gave them: if one comes twice in the wake of the failover, somebody is
// found twice and somebody not, and the question has to be asked again.
async function findAll(node, ids) {
    const list = await node.run(async (io) => (await io.fetchSockets()).map(({ id }) => id)).catch(() => []);
    if (list.length === ids.length && new Set(list).size < list.length) diag(`an answer came twice: ${list}`);
    return new Set(list).size === ids.length && list.sort();
}

// Two hosts and a Node server over `redis`; `die` kills the master and resolves when it is replaced.
async function failover(label, redis, { mode = 'classic', library, die }) {
    const [hosts, node] = await Promise.all([startHosts({ redis, library, block: `adapter ${mode}; reconnect step=20ms max=500ms;` }),
        NodeServer.start({ redis, mode, library })]);
    const sockets = [...await Promise.all(hosts.map((host) => host.client(WEBSOCKET))), await nodeClient(node)];
    const speakers = [...hosts.map((host) => (...args) => host.publish({ event: 'pulse', args })), (...args) => node.run((io, list) => { io.emit('pulse', ...list); }, args)];
    const pulse = new Pulse(speakers, sockets);
    await pulse.since(0, 10000);
    ok(true, `${label}: everybody hears everybody`);
    const began = Date.now();
    await die();
    const replaced = Date.now();
    const back = await pulse.since(replaced - 1, 15000);
    ok(back - replaced < BACK, `${label}: back ${back - replaced} ms after the failover, which took ${replaced - began} ms`);
    await Promise.all(hosts.map((host) => host.becomes('connected')));
    await pulse.stop();
    const ids = sockets.map(({ id }) => id).sort();
    const found = await until(() => findAll(node, ids), `${label}: all are found`).catch(({ message }) => message);
    deepEqual(found, ids, `${label}: all sockets are found`);
    ok(sockets.every(({ connected }) => connected), `${label}: nobody was disconnected`);
    await node.kill();
    if (!reference) await Promise.all(hosts.map((host) => host.nginx.stop()));
}

test('002-72: Sentinel', async () => {
    const trio = await startSentinels();
    await failover('Sentinel', trio, {
        library: 'ioredis',
        async die() {
            await trio.master.kill();
            await Promise.all(trio.sentinels.map((one) => one.says(/\+switch-master/)));
        },
    });
}, { timeout: 60000 });

for (const mode of ['classic', 'sharded']) {
    test(`002-72, 002-80, 004-47: a cluster, ${mode}`, async () => {
        const cluster = await startCluster({ replicas: 1 });
        await failover(`a cluster, ${mode}`, cluster, {
            mode,
            library: 'ioredis',
            // The one that most connections go to; of the sharded wire, the one with the namespace's slot.
            async die() {
                const slot = Number(await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', 'socket.io#/#'));
                const victim = cluster.masters.find(({ from, to }) => slot >= from && slot <= to).redis;
                await victim.kill();
                await until(async () => (await mastersOf(cluster.nodes)).every(({ redis }) => redis.alive), 'a replica has taken over', 20000);
            },
        });
    }, { timeout: 90000 });
}
