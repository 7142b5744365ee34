#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// No stickiness at all: every request of a polling session goes to the next of two hosts, to any
// of their workers, and the upgrade lands anywhere. 200 numbered events with acks each way: no
// request refused, nothing lost, doubled or reordered. All the while everybody is asked, by Node and by
// both hosts, and counted: at every moment the session is of exactly one host.
'use strict';

const { test, is, ok, deepEqual } = require('../lib/tap');
const { Redis } = require('../lib/redis');
const { NodeServer } = require('../lib/node_server');
const { startHosts, requestsOf, Rotation } = require('../lib/hosts');
const { connected, POLLING, WEBSOCKET, UPGRADE } = require('../lib/client');
const { until } = require('../lib/until');

const COUNT = process.env.RT_SOAK ? 2000 : 200;
const WIDTH = 8;
const numbers = Array.from({ length: COUNT }, (unused, i) => i);

let node;
let hosts;

async function begin() {
    if (hosts) return;
    const redis = await Redis.start();
    const location = 'realtime_ping interval=500ms timeout=10s;';
    [hosts, node] = await Promise.all([startHosts({ redis, workers: 3, location }), NodeServer.start({ redis, library: 'ioredis', requestsTimeout: 10000 })]);
}

// Numbered events from the client, at most WIDTH of them unanswered; `at(i)` is told before each.
async function upwards(socket, at) {
    const answers = [];
    const open = new Set();
    for (const i of numbers) {
        at(i);
        const answer = socket.timeout(20000).emitWithAck('up', i, i % 7 ? 'text' : Buffer.from([i & 255]));
        open.add(answer);
        answer.then((got) => answers.push(got)).finally(() => open.delete(answer));
        while (open.size >= WIDTH) await Promise.race(open);
    }
    await Promise.all(open);
    return answers;
}

// The same from Node to the client.
const downwards = (id) => node.run(async (io, who, count, width) => {
    const answers = [];
    const open = new Set();
    for (let i = 0; i < count; ++i) {
        const answer = io.to(who).timeout(20000).emitWithAck('down', i, i % 7 ? 'text' : Buffer.from([i & 255]));
        open.add(answer);
        answer.then(([got]) => answers.push(got)).finally(() => open.delete(answer));
        while (open.size >= width) await Promise.race(open);
    }
    await Promise.all(open);
    return answers;
}, id, COUNT, WIDTH);

const sorted = (list) => list.slice().sort();

// Node asks everybody and counts them, again and again while `goesOn`; resolves with the answers that
// are not those of `ids`, each once.
async function census(ids, goesOn) {
    const wrong = [];
    const judge = (what, got) => { if (sorted(got).join() !== sorted(ids).join()) wrong.push(`${what}: ${got}`); };
    const byNode = async () => {
        for (let i = 0; goesOn(); ++i) {
            judge(`ask ${i}`, await node.run((io, n) => io.timeout(20000).emitWithAck('who', n).catch((error) => [error.message, ...error.responses]), i));
        }
    };
    const fetching = async () => {
        for (let i = 0; goesOn(); ++i) {
            judge(`fetch ${i}`, await node.run(async (io) => (await io.fetchSockets()).map(({ id }) => id)));
        }
    };
    const byHost = async (host) => {
        for (let i = 0; goesOn(); ++i) {
            const { body } = await host.publish({ event: 'who', args: [i], ack: { timeout: 20000 } });
            const { answers = [], missing, missing_remote: remote, missing_servers: servers } = body;
            judge(`${host.nginx.name} ${i}`, answers.map(({ args }) => args[0]));
            if (missing.length || remote || servers) wrong.push(`${host.nginx.name} ${i}: missing ${missing} ${remote} ${servers}`);
        }
    };
    await Promise.all([byNode(), fetching(), ...hosts.map(byHost)]);
    return wrong;
}

function rotates(name, options, disturb = () => () => {}) {
    const label = (text) => `${name}: ${text}`;
    test(label('000-56, 001-34, 002-81: numbered events both ways'), async () => {
        await begin();
        const socket = await connected(hosts[0], '/', { ...options, agent: new Rotation(hosts) });
        const listener = await connected(node, '/', WEBSOCKET);
        const steady = await connected(hosts[1], '/', WEBSOCKET);
        const everybody = [socket, listener, steady];
        for (const each of everybody) each.on('who', (n, ack) => ack(each.id));
        const heard = { up: [], down: [] };
        const losses = [];
        listener.on('up', (i) => heard.up.push(i));
        socket.on('down', (i, data, ack) => { heard.down.push(i); ack(i); });
        socket.on('disconnect', (reason) => losses.push(reason));
        const { id } = socket;
        const sid = socket.io.engine.id;
        let talks = true;
        const asked = census(everybody.map((each) => each.id), () => talks);
        const acks = await Promise.all([upwards(socket, disturb(socket)), downwards(id)]).finally(() => { talks = false; });
        deepEqual(acks[0], numbers, label('every ack to the client, in order'));
        // An answer to the old home takes a longer way than the next one to the new home.
        const inOrder = /middle/.test(name) ? acks[1].sort((a, b) => a - b) : acks[1];
        deepEqual(inOrder, numbers, label('every ack to Node, once'));
        deepEqual(await asked, [], label('everybody is asked and counted, once'));
        await until(() => heard.up.length >= COUNT, label('Node hears all'));
        deepEqual([heard.up, heard.down], [numbers, numbers], label('each event once, in order'));
        deepEqual([losses, socket.id], [[], id], label('never disconnected'));
        const answers = hosts.map((host) => requestsOf(host, sid));
        deepEqual(answers.flat().filter(({ status }) => status !== 200 && status !== 101), [], label('no request refused'));
        if (options !== WEBSOCKET) ok(answers.every((list) => list.length > 0), label(`both hosts were asked: ${answers.map((list) => list.length)}`));
        if (options === POLLING) for (const list of answers) ok(new Set(list.map(({ worker }) => worker)).size > 1, label('and several workers of each'));
        if (options.transports.length > 1) is(socket.io.engine.transport.name, 'websocket', label('it did upgrade'));
        socket.disconnect();
        listener.disconnect();
        steady.disconnect();
    }, { timeout: 60000 });
}

const CALLS = 2; // more of the same, for the upgrade meets either host
rotates('polling only', POLLING);
rotates('polling and upgrade', UPGRADE);
for (let i = 1; i <= CALLS; ++i) {
    // The client would upgrade at once: it is held back, then told to when traffic flows.
    rotates(`upgrade in the middle ${i}`, { ...UPGRADE, upgrade: false }, ({ io }) => (n) => {
        if (n === Math.floor(COUNT / 4) + i) io.engine._probe('websocket');
    });
}
