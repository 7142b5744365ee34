#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Redis is away: for one host, for 5 s, under load; for all; slow, cut into bytes, killed. Clients
// of the host itself miss nothing, and afterwards all that it said has reached the others, once and
// in order. What it did not hear is counted. The worker that holds the bridge dies, and stops.
'use strict';

const { test, is, ok, deepEqual, patience } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { Network } = require('../lib/cut');
const { Host } = require('../lib/hosts');
const { NodeServer } = require('../lib/node_server');
const { nodeClient } = require('../lib/party');
const { connected, WEBSOCKET, POLLING } = require('../lib/client');
const { Numbers } = require('../lib/stayers');
const { event, until, silence } = require('../lib/until');
const proc = require('../lib/proc');

const CUT = process.env.RT_SOAK ? 60000 : 5000;
const PAUSE = 5; // ms between two numbers

let redis;
let network;
let A;
let B;
let node;

patience(240);

async function begin() {
    if (A) return;
    redis = await Redis.start();
    network = await Network.to(redis.port);
    const app = 'recovery 2m;';
    const hosts = [Host.start({ redis, through: network, app, workers: 2 }, 'host A'), Host.start({ redis, app, workers: 2 }, 'host B')];
    [A, B, node] = await Promise.all([...hosts, NodeServer.start({ redis })]);
    await Promise.all([A.becomes('connected'), B.becomes('connected')]);
}

// Numbers under `name`, said on `host` until stopped.
const numbers = (host, name, more = {}) => new Numbers(async (n) => {
    const { status } = await host.publish({ event: name, args: [n], ...more });
    if (status !== 202) throw new Error(`publish: ${status}`);
}, PAUSE);

function listen(socket, name) {
    const list = [];
    socket.on(name, (n) => list.push(n));
    return list;
}

const upTo = (count) => Array.from({ length: count }, (unused, i) => i);

// Says which numbers are wrong rather than printing thousands.
function allOnce(list, count, label) {
    const at = list.findIndex((n, i) => n !== i);
    ok(list.length === count && at < 0, `${label}: ${list.length} of ${count}${at < 0 ? '' : `, ${list[at]} instead of ${at}`}`);
}

// A stream of numbers from host A while `disturb` runs: A's own clients and all others hear each
// once, in order. A client of Node may hear one twice: what Redis took and did not confirm is
// repeated, and only hosts of ours know it again by its number. `complete`: are
// the others told all?
async function undisturbed(label, disturb, { complete = true } = {}) {
    await begin();
    const name = label.replace(/\W+/g, '-');
    const local = await Promise.all([A.client(WEBSOCKET), A.client(POLLING)]);
    const remote = await Promise.all([B.client(WEBSOCKET), B.client(POLLING), nodeClient(node)]);
    const heard = [...local, ...remote].map((socket) => listen(socket, name));
    const stream = numbers(A, name);
    await until(() => heard.every((list) => list.length > 10), 'it flows');
    await disturb({ heardHere: heard[0], stream, name });
    await until(() => heard.every((list) => list.length > 0), 'it flows');
    await stream.stop();
    await until(() => heard.every((list) => list[list.length - 1] === stream.next - 1), `${label}: the last is heard`, 20000);
    heard[4] = [...new Set(heard[4])];
    ['a WebSocket here', 'a polling client here', 'a WebSocket there', 'a polling client there', 'a client of Node'].forEach((who, i) => {
        if (complete || i < 2) allOnce(heard[i], stream.next, `${label}: ${who}`);
        else ok(heard[i].every((n, at, list) => at === 0 || n > list[at - 1]), `${label}: ${who}: in order, nothing twice`);
    });
    is(stream.unsure.size, 0, `${label}: every publish was answered`);
    ok([...local, ...remote].every(({ connected: still }) => still), `${label}: nobody is disconnected`);
    for (const socket of [...local, ...remote]) socket.disconnect();
}

test('000-18, 002-13, 004-39: one host is cut from Redis for a while', async () => {
    await undisturbed('cut', async ({ heardHere, stream }) => {
        network.cut();
        await A.becomes('degraded');
        const from = stream.next;
        await silence(CUT);
        ok(heardHere.length >= stream.next - 5 && stream.next > from + 20, 'local clients go on hearing meanwhile');
        is((await A.publish({ event: 'waits', args: [] })).body.bus, 'waiting', 'who publishes is told that others wait');
        const lost = await A.publish({ event: 'q', args: [], ack: { timeout: 500 } });
        ok(lost.status === 200 || lost.status === 503, `what wants an answer is not kept: ${lost.status} ${JSON.stringify(lost.body)}`);
        network.mend();
        const began = Date.now();
        await A.becomes('connected', 3000);
        ok(true, `connected again after ${Date.now() - began} ms`);
    });
}, { timeout: 60000 + CUT });

test('what it did not hear is counted', async () => {
    const missed = async () => (await A.status()).cluster.missed;
    const before = await missed();
    const here = await A.client();
    const list = listen(here, 'from-b');
    await B.publish({ event: 'from-b', args: [0] });
    await until(() => list.length === 1, 'heard');
    network.cut();
    await A.becomes('degraded');
    for (let i = 1; i <= 7; ++i) await B.publish({ event: 'from-b', args: [i] });
    network.mend();
    await A.becomes('connected', 5000);
    await B.publish({ event: 'from-b', args: [8] });
    await until(() => list.includes(8), 'it hears again');
    deepEqual(list, [0, 8], 'what was said meanwhile is missing');
    is(await until(async () => (await missed()) - before, 'the gap in the status'), 7, 'and the status says how much');
    ok(await until(async () => (await A.status()).cluster.gaps, 'a gap'), 'in how many gaps');
    ok(await A.nginx.waitLog(/\[warn\].*missed \d+ messages of host [\w-]{4} that Redis did not deliver/), 'and the log of whom');
    here.disconnect();
});

// Hosts of ours number what they say, so that it is known what is missing. What a Node server says
// has no number: where one is about, nobody recovers behind a cut.
test('who comes back is told if a message of it is missing', async () => {
    const own = await Redis.start();
    const line = await Network.to(own.port);
    const [here, there] = await Promise.all([Host.start({ redis: own, through: line, app: 'recovery 2m;', workers: 2 }, 'here'),
        Host.start({ redis: own, app: 'recovery 2m;', workers: 2 }, 'there')]);
    const both = () => until(async () => (await here.status()).cluster.live === 2 && await here.state() === 'connected', 'the hosts hear each other');
    await both();
    const away = async (sayer) => {
        const way = await Network.to(here.port);
        const socket = await connected(way, '/', { ...WEBSOCKET, reconnection: true, reconnectionDelay: 10, reconnectionDelayMax: 50 });
        const list = listen(socket, 'mine');
        await here.publish({ event: 'mine', args: [0] });
        await until(() => list.length === 1, 'an event');
        const gone = event(socket, 'disconnect');
        way.cut();
        await gone;
        line.cut();
        await here.becomes('degraded');
        await sayer.publish({ event: 'mine', args: [1] });
        line.mend();
        await both();
        const other = await here.client();
        const heard = listen(other, 'mine');
        await there.publish({ event: 'mine', args: [2] });
        await until(() => heard.includes(2), 'the host hears again');
        way.mend();
        await event(socket, 'connect');
        const answer = socket.recovered;
        await here.publish({ event: 'mine', args: [3] });
        await until(() => list.includes(3), 'live again');
        socket.disconnect();
        other.disconnect();
        return [answer, list];
    };
    deepEqual(await away(here), [true, [0, 1, 2, 3]], 'nothing is missing: recovered, all of it');
    deepEqual(await away(there), [false, [0, 3]], 'a message is missing: not recovered');
    await Promise.all([here.nginx.stop(), there.nginx.stop()]);
}, { timeout: 60000 });

test('000-18, 002-13: Redis is restarted', async () => {
    await undisturbed('restart', async () => {
        await redis.kill();
        await A.becomes('degraded');
        await B.becomes('degraded');
        await redis.launch();
        const began = Date.now();
        await Promise.all([A.becomes('connected', 3000), B.becomes('connected', 3000)]);
        await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'all are subscribed again', 3000);
        ok(Date.now() - began < 3000, `all are back ${Date.now() - began} ms after it`);
    }, { complete: false });
}, { timeout: 60000 });

test('000-18: subscribers are killed, Redis sleeps', async () => {
    await begin();
    const socket = await A.client();
    const list = listen(socket, 'local');
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'subscribed again', 3000);
    const asleep = redis.command('DEBUG', 'SLEEP', '1');
    for (let i = 0; i < 10; ++i) await A.publish({ event: 'local', args: [i] });
    await until(() => list.length === 10, 'local clients hear while Redis sleeps', 900);
    deepEqual(list, upTo(10), 'local clients hear while Redis sleeps');
    await asleep;
    await until(async () => await A.state() === 'connected', 'connected', 3000);
    ok(socket.connected, 'nobody is disconnected');
    socket.disconnect();
});

test('a line that is slow, then one byte at a time', async () => {
    await undisturbed('slow', async ({ heardHere }) => {
        network.slow(100);
        const from = heardHere.length;
        await until(() => heardHere.length > from + 20, 'it flows');
        network.slow(0);
        network.slice(1);
        await until(() => heardHere.length > from + 60, 'it flows');
        network.slice(undefined);
        is(await A.state(), 'connected', 'the line is kept');
    });
}, { timeout: 60000 });

test('silence: no byte comes, no connection ends', async () => {
    await undisturbed('held', async () => {
        network.hold();
        const began = Date.now();
        await A.becomes('degraded', 20000);
        ok(true, `noticed after ${Date.now() - began} ms`);
        network.release();
        await A.becomes('connected', 5000);
    });
}, { timeout: 60000 });

// The worker that holds the bridge, by the status and by its connection `rt:<node>:pub`.
async function holder(host) {
    const publishers = await redis.connections(/^rt:.*:pub$/);
    const ports = publishers.map(({ addr }) => Number(addr.split(':').pop()));
    const pids = host.nginx.workers().filter((pid) => proc.localPorts(pid).some((port) => ports.includes(port)));
    const { cluster } = await host.status();
    return pids.length === 1 && cluster.holder === pids[0] ? pids[0] : undefined;
}

for (const [what, signal] of [['killed', 'SIGKILL'], ['stopped', 'SIGSTOP']]) {
    test(`the worker that holds the bridge is ${what}`, async () => {
        await begin();
        const far = await A.client(WEBSOCKET);
        const first = await holder(B);
        ok(first, 'somebody holds it');
        const remote = listen(far, what);
        const here = await B.client(WEBSOCKET);
        const speaker = await (async () => {
            for (;;) {
                const socket = await B.client(WEBSOCKET);
                if (socket.pid !== first) return socket;
                socket.disconnect();
            }
        })();
        let n = 0;
        const say = () => { speaker.emit('to', far.id, n); ++n; };
        far.on('said', (got) => remote.push(got));
        for (; n < 50;) say();
        await until(() => remote.length === 50, 'it flows');
        const began = Date.now();
        if (signal === 'SIGKILL') { await B.nginx.kill(first); } else process.kill(first, signal);
        for (; n < 100;) say();
        await until(() => remote.length >= 100, 'all of it arrives', 5000).catch(() => {});
        const took = Date.now() - began;
        allOnce(remote, 100, `${what}: outbound is complete`);
        ok(took < 2000, `${what}: replaced, all told after ${took} ms`);
        const next = await until(async () => { const pid = await holder(B); return pid && pid !== first && pid; }, 'another holds it');
        ok(next !== first, `${what}: another worker holds it`);
        if (signal === 'SIGSTOP') process.kill(first, 'SIGCONT');
        await until(async () => await redis.subscribers('socket.io-request#/#') === 3, 'each is subscribed once');
        await node.run((io, id) => { io.to(id).emit('said', 100); }, speaker.id);
        const [got] = await event(speaker, 'said');
        is(got, 100, `${what}: inbound goes on`);
        for (; n < 120;) say();
        await until(() => remote.length >= 120, 'all of it arrives');
        allOnce(remote, 120, `${what}: nothing twice when the old holder wakes`);
        for (const socket of [far, here, speaker]) socket.disconnect();
    }, { timeout: 60000 });
}
